"""What a task or an event will text, to whom, when and at what price; and sending by it.

The processor's own functions say so, on the case as it was published and the people on record.
Consent comes from the ledger, as the gate published it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from schemas.case import Case, CasePerson, Party, Readiness
from schemas.case_event import TaskChanged, TaskTime
from schemas.consent import ConsentStatus
from schemas.person import Person
from schemas.sender import Sender
from schemas.tenant_settings import TenantSettings
from services.ledger import Ledger
from services.ledger.cases import (
    find_sender,
    list_case_texts,
    list_people,
    list_statuses,
)
from services.operations.case_view import Ahead, find_readiness, name_event
from services.operations.cases import (
    Change,
    KnownCase,
    build_change,
    hint_at,
    require_task,
)
from services.operations.errors import InvalidRequest, OperationFailed
from streams.cases import Preview, PreviewLine, preview, restore_state
from streams.processing import Settings, StateStore, build_settings
from streams.usage.measure import find_price, local_day

EXACT: Final = 300
"""Parties up to which a case's own page computes each text that is ahead."""
TASK, EVENT, DATE = "task", "event", "date"


class PreviewRow(NamedTuple):
    """One text to one person, as the processor will make it, and what comes after it."""

    line: PreviewLine
    readiness: Readiness
    asked_at: datetime | None
    ask_again_at: datetime | None
    micros: int | None
    """What it costs, in millionths of `currency`; None: there is no price."""
    currency: str | None


class CasePreview(NamedTuple):
    anchor: str
    """`task/ID`, `event/ID` or `date/NAME`."""
    rows: tuple[PreviewRow, ...]
    reason: str | None
    """Why nothing goes."""
    version: str
    """Of all that it was made from.  Send refuses another one."""
    needs_approval: bool
    pace_seconds: float | None
    """How long the sender needs for all of it, if nothing else waits."""

    @property
    def leaving(self) -> list[PreviewRow]:
        return [row for row in self.rows if row.line.departs_at is not None]


class Sources(NamedTuple):
    """What a preview is made from."""

    case: Case
    settings: Settings
    tenant: TenantSettings
    people: Mapping[str, Person]
    state: StateStore
    sender: Sender | None


def preview_anchor(
    about: KnownCase, name: str, now: datetime, *, as_sent_by: str | None = None
) -> CasePreview:
    """`name` is a task, an event or a named date of the case; `event/NAME` where two are named
    alike.  `as_sent_by`: a task as if they sent it now.  Raises OperationError."""
    sources = gather(about)
    anchor = _find_anchor(sources.case, name)
    changes = () if as_sent_by is None else (_send_now(about, anchor, as_sent_by, now),)
    return _look_ahead(about, sources, anchor, changes, now)


def preview_event(about: KnownCase, change: Change, now: datetime) -> CasePreview:
    """The texts of an event as if it were saved so.  Raises OperationError."""
    anchor = f"{EVENT}/{change.events[0].event_id}"
    return _look_ahead(about, gather(about), anchor, change.events, now)


def _look_ahead(
    about: KnownCase, sources: Sources, anchor: str, changes: Iterable[Any], now: datetime
) -> CasePreview:
    found = preview(sources.state, anchor, now, sources.settings, changes)
    statuses = _read_statuses(about.ledger, sources.case, found.lines)
    rows = tuple(_build_row(line, statuses, sources, now) for line in found.lines)
    tenant, branch = sources.tenant, sources.tenant.branches.get(sources.case.branch or "")
    sends_at_once = branch.send_immediately if branch else None
    return CasePreview(
        anchor,
        rows,
        found.reason.reason if found.reason else None,
        _name_version(found, sources),
        not (tenant.send_immediately if sends_at_once is None else sends_at_once),
        _measure_pace(rows, sources.sender),
    )


def build_send(
    about: KnownCase, task_id: str, version: str, by: str, now: datetime
) -> tuple[Change, CasePreview]:
    """Make a task due now, if nothing has changed since it was previewed.  Raises
    OperationError."""
    found = preview_anchor(about, task_id, now, as_sent_by=by)
    if about.case is not None and about.case.launched_at is None:
        raise OperationFailed(f"{about.name} is not launched", "sayso case launch")
    if found.version != version:
        raise OperationFailed(
            f"{about.name} has changed since that preview: it is version {found.version} now",
            "look at it again (sayso case preview)",
        )
    if not found.leaving:
        why = found.reason or "no text of it would leave"
        raise OperationFailed(f"Nothing can be sent: {why[:1].lower()}{why[1:]}")
    return Change((_send_now(about, found.anchor, by, now),)), found


def _send_now(about: KnownCase, anchor: str, by: str, now: datetime) -> Any:
    """Its words stay about the event or the date that its time counted from.  Raises
    InvalidRequest for what is no task."""
    sort, _, identity = anchor.partition("/")
    task = require_task(about, identity) if sort == TASK else None
    if task is None:
        raise InvalidRequest(f"{identity!r} is no task", "its texts go when they are due")
    when = TaskTime(now=True, event_id=task.when.event_id, date_name=task.when.date_name)
    return build_change(TaskChanged, about, by, now, task_id=identity, when=when)


def list_exact_ahead(about: KnownCase, now: datetime) -> Iterator[Ahead] | None:
    """Every text that is ahead, as the processor plans it.  None: of a case of so many parties
    only the next one of each event is known, from the case itself."""
    case = about.case
    if case is None or about.settings is None or len(case.parties) > EXACT:
        return None
    return _walk_ahead(gather(about), now)


def _walk_ahead(sources: Sources, now: datetime) -> Iterator[Ahead]:
    zone = ZoneInfo(sources.case.time_zone)
    for anchor, what in _anchors(sources.case, now, zone):
        found = preview(sources.state, anchor, now, sources.settings)
        sort, _, identity = anchor.partition("/")
        leaving: dict[tuple[datetime, str | None], list[str]] = {}
        for line in found.lines:
            if line.departs_at is not None and found.reason is None:
                leaving.setdefault((line.departs_at, line.recipe), []).append(line.person_id)
        for (at, recipe), people in leaving.items():
            yield Ahead(
                at,
                what,
                tuple(people),
                identity if sort == EVENT else None,
                identity if sort == TASK else None,
                recipe,
            )


def _anchors(case: Case, now: datetime, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    for event in case.events:
        if not event.canceled:
            yield f"{EVENT}/{event.event_id}", name_event(event.title, event.at, now, zone)
    for task in case.tasks:
        waits = case.launched_at is None and task.written_by is None
        if not task.canceled and not waits:
            yield f"{TASK}/{task.task_id}", f"{task.task_id!r}"
    for name in case.dates:
        yield f"{DATE}/{name}", f"the {name} date"


def gather(about: KnownCase) -> Sources:
    """By the settings that `about` has.  Raises OperationFailed."""
    case, tenant = about.case, about.settings
    if case is None:
        raise OperationFailed(
            f"{about.name} is not processed yet",
            "try again in a moment; if it stays so, see sayso lag",
        )
    if tenant is None:
        raise OperationFailed(f"{about.tenant} has no settings", "sayso tenants apply")
    people = list_people(about.ledger, about.tenant, {one.person_id for one in case.parties})
    texts = list_case_texts(about.ledger, case.tenant, case.case_id)
    records = [_record(case, party, people.get(party.person_id)) for party in case.parties]
    branch = tenant.branches.get(case.branch or "")
    sender = find_sender(about.ledger, (branch.sender if branch else None) or tenant.sender)
    settings = build_settings({tenant.tenant: tenant}, {sender.sender: sender} if sender else {})
    return Sources(case, settings, tenant, people, restore_state(case, records, texts), sender)


def _record(case: Case, party: Party, person: Person | None) -> CasePerson:
    """As people tell the case of them."""
    said: dict[str, Any] = {"person_id": party.person_id, "known": False}
    if person is not None:
        names = set(CasePerson.model_fields) & set(Person.model_fields)
        said = {name: getattr(person, name) for name in names}
    of_case = {"tenant": case.tenant, "case_id": case.case_id, "version": 0, "at": case.at}
    return CasePerson.model_validate({**said, **of_case})


def _find_anchor(case: Case, name: str) -> str:
    anchors = [
        *(f"{TASK}/{task.task_id}" for task in case.tasks),
        *(f"{EVENT}/{event.event_id}" for event in case.events),
        *(f"{DATE}/{date}" for date in case.dates),
    ]
    found = [one for one in anchors if name in (one, one.partition("/")[2])]
    if not found:
        by_hand = {f"{TASK}/{task.task_id}" for task in case.tasks if task.written_by is not None}
        known = [one.partition("/")[2] for one in anchors if one not in by_hand]
        raise InvalidRequest(
            f"{case.tenant}/{case.case_id} has no task, event or date {name!r}",
            hint_at(name, known, f"it has {', '.join(known) or 'none yet'}"),
        )
    if len(found) > 1:
        raise InvalidRequest(f"{name!r} may be several things", f"say {' or '.join(found)}")
    return found[0]


def _read_statuses(
    ledger: Ledger, case: Case, lines: Iterable[PreviewLine]
) -> Mapping[str, ConsentStatus]:
    return list_statuses(ledger, case.tenant, {line.number for line in lines if line.number})


def _build_row(
    line: PreviewLine, statuses: Mapping[str, ConsentStatus], sources: Sources, now: datetime
) -> PreviewRow:
    status = statuses.get(line.number) if line.number else None
    party = Party(person_id=line.person_id, role="", number=line.number, reason=line.readiness)
    tenant = sources.tenant
    day = local_day(line.departs_at or now, tenant.zone)
    sender = sources.sender.sender if sources.sender else None
    price = find_price(tenant.tenant, sender, line.number, day, sources.settings)
    return PreviewRow(
        line,
        find_readiness(party, status),
        status.asked_at if status else None,
        status.ask_again_at if status else None,
        price.micros * line.segments if price else None,
        price.currency if price else None,
    )


def _name_version(found: Preview, sources: Sources) -> str:
    """The case's own version, and a hash of everything else: `7-3f9a0c11`."""
    said = [found.settings_version, *(one.model_dump_json() for one in _in_order(sources.people))]
    return f"{found.case_version}-{hashlib.sha256(chr(0).join(said).encode()).hexdigest()[:8]}"


def _in_order(people: Mapping[str, Person]) -> list[Person]:
    return [people[name] for name in sorted(people)]


def _measure_pace(rows: Iterable[PreviewRow], sender: Sender | None) -> float | None:
    segments = sum(row.line.segments for row in rows if row.line.departs_at is not None)
    pace = sender.segments_per_second if sender else None
    return segments / pace if pace else None
