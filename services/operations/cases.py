"""Say something of a case: open it, change its parties, tasks, events, dates and switches.

Names that are not on record are refused with near ones: a misspelt case would be a second case."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from schemas.case import Case, CaseCalendarEvent, CaseTask, Party
from schemas.case_event import (
    CaseOpened,
    CaseSettings,
    PartyAdded,
    PartyChanged,
    PartyRemoved,
    UnknownCaseEvent,
)
from schemas.person import Person
from schemas.tenant_settings import TenantSettings
from schemas.time_zones import is_place, require_place
from schemas.topics import CASE_EVENTS
from services.ledger import Ledger
from services.ledger.cases import (
    find_case_names,
    find_cases,
    find_settings,
    list_case_changes,
    list_case_names,
    list_people,
    list_person_ids,
)
from services.operations.errors import InvalidRequest
from services.operations.session import Session
from services.operations.validation import build_message, new_id, parse_recipient, require_shown

M = TypeVar("M", bound=Any)
ROLES: Final = ("client", "team", "party")
"""Every tenant has these; it may use words of its own."""
NEAR: Final = 0.6
"""Likeness from which on a name is suggested (`difflib`)."""


class KnownCase(NamedTuple):
    """A case that somebody named, and what its changes are checked against."""

    ledger: Ledger
    tenant: str
    case_id: str
    case: Case | None
    """None: it was opened a moment ago, and no processor has published it yet."""
    settings: TenantSettings | None
    time_zone: str

    @property
    def name(self) -> str:
        return f"{self.tenant}/{self.case_id}"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def parties(self) -> tuple[Party, ...]:
        return self.case.parties if self.case else ()


class Change(NamedTuple):
    """What is about to be published, and what somebody should look at before."""

    events: tuple[Any, ...]
    warnings: tuple[str, ...] = ()


def find_case(ledger: Ledger, case_id: str, tenant: str | None) -> KnownCase:
    """Raises InvalidRequest, with near names, where it is not on record."""
    names = find_case_names(ledger, case_id, tenant)
    if not names:
        known = [one.case_id for one in list_case_names(ledger, tenant)]
        at = f" at {tenant}" if tenant else ""
        raise InvalidRequest(
            f"There is no case {case_id!r}{at}", hint_at(case_id, known, "see `sayso case list`")
        )
    if len(names) > 1:
        owners = ", ".join(one.tenant for one in names)
        raise InvalidRequest(f"{owners} each have a case {case_id!r}", "say which with --tenant")
    owner = names[0].tenant
    found = find_cases(ledger, case_id, owner)
    case = found[0] if found else None
    settings = find_settings(ledger, owner)
    zone = case.time_zone if case else _opened_zone(ledger, owner, case_id)
    usual = settings.time_zone if settings else "UTC"
    return KnownCase(ledger, owner, case_id, case, settings, zone or usual)


def know_case(ledger: Ledger, case: Case) -> KnownCase:
    """A case that was found by other means than its id."""
    settings = find_settings(ledger, case.tenant)
    return KnownCase(ledger, case.tenant, case.case_id, case, settings, case.time_zone)


def _opened_zone(ledger: Ledger, tenant: str, case_id: str) -> str | None:
    """As it was opened, while no processor has published the case."""
    zones = [one.change.get("time_zone") for one in list_case_changes(ledger, tenant, case_id)]
    return next((zone for zone in reversed(zones) if zone and is_place(zone)), None)


def hint_at(wanted: str, known: Iterable[str], otherwise: str) -> str:
    """The nearest name, else what to do."""
    near = difflib.get_close_matches(wanted, list(dict.fromkeys(known)), 3, NEAR)
    if not near:
        return otherwise
    names = ", ".join(map(repr, near[:-1])) + " or " if near[1:] else ""
    return f"did you mean {names}{near[-1]!r}?"


def parse_zone(option: str, written: str | None) -> str | None:
    """Raises InvalidRequest, with places that it may have meant."""
    if written is None:
        return None
    try:
        return require_place(written)
    except ValueError as error:
        raise InvalidRequest(f"{option} {written!r}: {error}") from None


def build_change(shape: type[M], about: KnownCase, by: str, now: datetime, /, **fields: Any) -> M:
    """Raises InvalidRequest, naming the option of the first field that is wrong."""
    return build_message(
        shape,
        tenant=about.tenant,
        case_id=about.case_id,
        change_id=new_id("c"),
        at=now,
        by=by,
        **fields,
    )


def build_opened(
    ledger: Ledger, tenant: str, case_id: str, by: str, now: datetime, **fields: Any
) -> Change:
    """Raises InvalidRequest for a zone that is no place, or a branch that there is not."""
    settings = find_settings(ledger, tenant)
    zone = parse_zone("--zone", fields.get("time_zone"))
    require_shown("--title", fields.get("title") or "")
    branch = fields.get("branch")
    if settings is not None and branch is not None and branch not in settings.branches:
        known = ", ".join(settings.branches) or "it has none"
        raise InvalidRequest(f"{tenant} has no branch {branch!r}", f"its branches: {known}")
    opened: Any = build_message(
        CaseOpened,
        tenant=tenant,
        case_id=case_id,
        change_id=new_id("c"),
        at=now,
        by=by,
        **(fields | {"time_zone": zone}),
    )
    again = find_case_names(ledger, case_id, tenant)
    warning = (f"{tenant}/{case_id} is open already: this corrects it",) if again else ()
    return Change((opened,), warning)


# Parties.


def find_person(about: KnownCase, person_id: str) -> Person:
    """Raises InvalidRequest, with near ids, where nobody is on record."""
    found = list_people(about.ledger, about.tenant, {person_id})
    if person_id in found:
        return found[person_id]
    known = list_person_ids(about.ledger, about.tenant)
    raise InvalidRequest(
        f"Nobody is on record as {person_id!r} at {about.tenant}",
        hint_at(person_id, known, "add them first (sayso people import)"),
    )


def build_party_added(
    about: KnownCase,
    person_id: str,
    role: str,
    number: str | None,
    by: str,
    now: datetime,
) -> Change:
    person = find_person(about, person_id)
    tied = _read_number(person, number)
    event: Any = build_change(
        PartyAdded, about, by, now, person_id=person_id, role=role, number=tied
    )
    return Change((event,), tuple(_doubt_role(about, role)))


def build_party_changed(
    about: KnownCase,
    person_id: str,
    role: str | None,
    number: str | None,
    by: str,
    now: datetime,
) -> Change:
    """An empty number unties it."""
    require_party(about, person_id)
    if role is None and number is None:
        raise InvalidRequest("Nothing is to change", "say --role or --number")
    tied = _read_number(find_person(about, person_id), number) if number else number
    event: Any = build_change(
        PartyChanged, about, by, now, person_id=person_id, role=role, number=tied
    )
    return Change((event,), tuple(_doubt_role(about, role)) if role else ())


def build_party_removed(about: KnownCase, person_id: str, by: str, now: datetime) -> Change:
    """Raises InvalidRequest for somebody who is no party."""
    require_party(about, person_id)
    return Change((build_change(PartyRemoved, about, by, now, person_id=person_id),))


def build_reminder_switch(
    about: KnownCase, person_id: str, on: bool, by: str, now: datetime
) -> Change:
    """Automatic reminders to one party.  Raises InvalidRequest for somebody who is no party."""
    require_party(about, person_id)
    return Change((build_change(CaseSettings, about, by, now, reminders={person_id: on}),))


def build_notify_email(about: KnownCase, address: str, by: str, now: datetime) -> Change:
    """Where replies are mailed to; empty, where the tenant's go.  Raises InvalidRequest."""
    local, at, domain = address.partition("@")
    if address and not (local and at and domain and " " not in address):
        raise InvalidRequest(f"ADDRESS {address!r} is no mail address", "write name@firm.example")
    return Change((build_change(CaseSettings, about, by, now, notify_email=address),))


def require_party(about: KnownCase, person_id: str) -> None:
    """A case that no processor has published yet cannot tell: every name passes.  Raises
    InvalidRequest."""
    known = [party.person_id for party in about.parties]
    if about.case is not None and person_id not in known:
        raise InvalidRequest(
            f"{person_id!r} is no party of {about.name}",
            hint_at(person_id, known, f"its parties: {', '.join(known) or 'none yet'}"),
        )


def _read_number(person: Person, written: str | None) -> str | None:
    if written is None:
        return None
    number = parse_recipient("--number", written)
    if number not in (one.number for one in person.numbers):
        raise InvalidRequest(
            f"--number {written!r} is no number of {person.person_id!r}",
            "put it on their record first (sayso people import)",
        )
    return number


def _doubt_role(about: KnownCase, role: str) -> Iterable[str]:
    """A role in two writings would split an audience; a new one may well be meant."""
    if role.casefold() not in (one.casefold() for one in list_roles(about)):
        near = difflib.get_close_matches(role.casefold(), list_roles(about), 1, NEAR)
        yield f"{role!r} is a new role" + (f": did you mean {near[0]!r}?" if near else "")


def list_roles(about: KnownCase) -> tuple[str, ...]:
    """Those of every tenant, of the case's parties, and of the tenant's recipes."""
    recipes = about.settings.recipes.values() if about.settings else ()
    used = [party.role for party in about.parties]
    named = [role for recipe in recipes for role in recipe.roles]
    return tuple(dict.fromkeys((*ROLES, *used, *named)))


def require_task(about: KnownCase, task_id: str) -> CaseTask | None:
    """None: no processor has published the case yet.  Raises InvalidRequest, with near names."""
    tasks = about.case.tasks if about.case else ()
    planned = [task.task_id for task in tasks if task.written_by is None or task.task_id == task_id]
    require_known_part(about, "task", task_id, planned)
    return next((task for task in tasks if task.task_id == task_id), None)


def require_event(about: KnownCase, event_id: str) -> CaseCalendarEvent | None:
    """None: no processor has published the case yet.  Raises InvalidRequest, with near names."""
    events = about.case.events if about.case else ()
    require_known_part(about, "event", event_id, [event.event_id for event in events])
    return find_event(about, event_id)


def find_event(about: KnownCase, event_id: str) -> CaseCalendarEvent | None:
    events = about.case.events if about.case else ()
    return next((event for event in events if event.event_id == event_id), None)


def require_known_part(about: KnownCase, what: str, name: str, known: Collection[str]) -> None:
    if about.case is not None and name not in known:
        listed = f"its {what}s: {', '.join(known) or 'none yet'}"
        raise InvalidRequest(f"{about.name} has no {what} {name!r}", hint_at(name, known, listed))


async def publish_changes(kafka: Session, events: Sequence[Any]) -> None:
    """Publish them, if their tenants exist.  Raises OperationError."""
    assert not any(isinstance(event, UnknownCaseEvent) for event in events)
    await kafka.require_tenants(*dict.fromkeys(event.tenant for event in events))
    await kafka.publish(CASE_EVENTS, events)
