"""People and their numbers as pages show them: a mark and words for each state, and what may be
done now."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from schemas.consent import ConsentState, ConsentStatus
from schemas.numbers import e164
from schemas.person import Person, PersonNumber
from services.console.access import Visit
from services.console.number_tokens import NumberTokens
from services.ledger.cases import list_statuses
from services.ledger.people import list_number_facts
from services.ledger.person_index import Reach
from services.ledger.person_pages import PersonRow, find_person_row
from services.ledger.scope import Scope


class Words(NamedTuple):
    mark: str
    """Of `badge` in macros.html."""
    words: str
    hint: str = ""


CONSENT: Final[Mapping[str, Words]] = {
    ConsentState.NONE: Words(
        "off", "Not asked yet", "Nobody has asked them, and they said nothing."
    ),
    ConsentState.PENDING: Words("wait", "Waiting for an answer", "They were asked to opt in."),
    ConsentState.OPTED_IN: Words("good", "Opted in", "They may be texted."),
    ConsentState.OPTED_OUT: Words(
        "bad", "Opted out", "They want no texts. Only they can come back."
    ),
}
IN_QUESTION: Final = Words("warn", "May have opted out", "Somebody has to read their reply.")
SMS_OFF: Final = Words("off", "SMS off", "Staff have switched texts to this number off.")

REACH: Final[Mapping[Reach, Words]] = {
    Reach.OPTED_IN: Words("good", "Can be reached"),
    Reach.PENDING: Words("wait", "Waiting for an answer"),
    Reach.NOT_ASKED: Words("off", "Not asked yet"),
    Reach.OPTED_OUT: Words("bad", "Opted out"),
    Reach.NOT_SMS_ENABLED: Words("off", "SMS off"),
    Reach.NO_NUMBER: Words("off", "No number"),
}

_FACTS: Final = {
    "landline": "This is a landline: texts do not arrive. Add a mobile number.",
    "doubtful": "Texts to this number failed: it may not be theirs any more. Make sure that it is.",
    "suppressed": "The provider takes no texts for this number any more. Add another one.",
}
"""What is known of a number that staff should see."""


class NumberLine(NamedTuple):
    """One number of a person, with its consent."""

    number: str
    """In E.164 where it can be."""
    shown: str
    kind: str
    is_main: bool
    is_on: bool
    token: str
    status: ConsentStatus | None
    consent: Words
    may_ask: bool
    """An opt-in request may go now."""
    ask_again_at: datetime | None
    """When the next one may go, where one may not go now and will."""
    warnings: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        return e164(self.number)

    @property
    def state(self) -> str:
        return self.status.state if self.status else ConsentState.NONE

    @property
    def held(self) -> int:
        return self.status.held if self.status else 0


def scope_of(visit: Visit) -> Scope:
    return Scope({visit.tenant: visit.branches})


def find_person(visit: Visit, person_id: str) -> PersonRow | None:
    """None: there is nobody of this id, or none that the viewer may see."""
    return find_person_row(visit.console.ledger, scope_of(visit), visit.tenant, person_id)


def list_numbers(
    visit: Visit, people: Sequence[Person], *, facts: bool = False
) -> list[tuple[NumberLine, ...]]:
    """Of each person, their main number first."""
    numbers = {e164(one.number) for person in people for one in person.numbers}
    statuses = list_statuses(visit.console.ledger, visit.tenant, numbers)
    return [
        tuple(
            _build_line(visit, one, statuses.get(e164(one.number)), facts)
            for one in sorted(person.numbers, key=lambda one: not one.primary)
        )
        for person in people
    ]


def find_number_line(visit: Visit, person: Person, token: str) -> NumberLine | None:
    tokens: NumberTokens = visit.request.app.state.tokens
    number = tokens.read(visit.tenant, token)
    [lines] = list_numbers(visit, [person], facts=True)
    return next((one for one in lines if number is not None and one.identity == number), None)


def _build_line(
    visit: Visit, one: PersonNumber, status: ConsentStatus | None, facts: bool
) -> NumberLine:
    identity = e164(one.number)
    state = status.state if status else ConsentState.NONE
    again_at = status.ask_again_at if status else None
    is_open = state in (ConsentState.NONE, ConsentState.PENDING)
    waits = again_at is not None and again_at > visit.now
    tokens: NumberTokens = visit.request.app.state.tokens
    return NumberLine(
        one.number,
        show_number(one.number),
        one.type,
        one.primary,
        one.sms_enabled,
        tokens.write(visit.tenant, identity),
        status,
        IN_QUESTION if status and status.in_question else CONSENT[state],
        is_open and not waits,
        again_at if is_open and waits else None,
        _warn(visit, identity) if facts else (),
    )


def _warn(visit: Visit, number: str) -> tuple[str, ...]:
    known: dict[str, Any] = {}
    for record in list_number_facts(visit.console.ledger, number, visit.tenant):
        known |= record.what
    return tuple(words for name, words in _FACTS.items() if known.get(name))


def show_number(number: str) -> str:
    """As people write it: `+1 212-555-0123`."""
    try:
        parsed = phonenumbers.parse(number, None)
    except NumberParseException:
        return number
    return str(phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL))


def show_span(until: datetime, now: datetime) -> str:
    """`23 h 10 min`, rounded up: at its end it has passed."""
    minutes = max(1, -int(-(until - now).total_seconds() // 60))
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min"


def describe_person(person: Person) -> str:
    """Role, language, zone, address: whatever is on record."""
    said = (person.role, person.language, person.time_zone, person.email)
    return ", ".join(filter(None, said))


_NUMBER: Final = re.compile(r"[\d\s().+\-/]+")


def read_search(written: str) -> str:
    """Of a number, in any writing, the digits: as numbers are kept."""
    digits = re.sub(r"\D", "", written)
    return digits if digits and _NUMBER.fullmatch(written) else written
