"""What people remembers of a person: small entries, by name.

- `person`: the person, as a whole
- `req/<id>`: a person-request that is not over, whole
- `done/<id>`: one that is over, so that a repeat changes nothing
- `cancel/<id>`: a cancel that has come before its request
- `case/<id>`: a case that wants to hear of the person's changes
- `ev/<id>`: an event that was processed
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from schemas.base import Evidence
from schemas.person import Person, PersonRequest
from streams.processing import StateEntry

PERSON: Final = "person"
REQUESTS: Final = "req/"
CASES: Final = "case/"

MAX_ID: Final = 128
MAX_CHARACTERS: Final = 4_000
"""In all of an event's or request's fields but the text: an entry must stay under 64 kB."""

MAX_NUMBERS: Final = 20
"""Numbers one person may have."""

CANCELABLE: Final = timedelta(hours=72)
"""How long after its order a text may still be canceled at dispatch, which remembers ids as long.
"""

MAX_AT_ONCE: Final = 500
"""Requests advanced, and cases told, in one step when a person changes.  The others follow at once,
one by one."""

WORDS_AT_MOST: Final = 200
"""Characters of who and why that are kept of a cancel."""


class PersonEntry(StateEntry):
    person: Person
    version: int = 0
    """Counts the person's changes."""


class LinkedCase(StateEntry):
    """A case with this person as a party."""

    at: datetime
    """When the case said so."""


class Cancellation(StateEntry):
    """Somebody does not want the text any more."""

    by: str
    case_id: str | None = None
    """The case to tell when nothing is under way any more."""
    reason: str = ""
    at: datetime


class Stage(StrEnum):
    HELD = "held"
    """With us: the person has no number that may be texted."""
    ISSUED = "issued"
    """With the gate."""
    ORDERED = "ordered"
    """The gate has let it go."""
    CANCELING = "canceling"
    """We have asked for it back."""


class RequestEntry(StateEntry):
    request: PersonRequest
    place: Evidence
    """Where the request stands on Kafka."""
    received: datetime
    issue: int = 1
    """How many ids it has had: each number that it goes to gets a new one."""
    decided: int = 0
    """How many decisions we have published under the present id."""
    stage: Stage = Stage.HELD
    number: str = ""
    """The number that it was issued to."""
    rules: tuple[str, ...] = ()
    """Why it is held, as last published."""
    since: datetime
    """When its stage began."""
    canceled: Cancellation | None = None
    """It is taken back for good: it is not issued again."""

    @property
    def message_id(self) -> str:
        return build_message_id(self.request.message_id, self.issue)

    @property
    def resend_of(self) -> str | None:
        """A text that was issued again names the id it had before."""
        if self.issue == 1:
            return self.request.resend_of
        return build_message_id(self.request.message_id, self.issue - 1)


class FinishedRequest(StateEntry):
    fingerprint: str


def request_name(message_id: str) -> str:
    return f"{REQUESTS}{message_id}"


def cancel_name(message_id: str) -> str:
    return f"cancel/{message_id}"


def case_name(case_id: str) -> str:
    return f"{CASES}{case_id}"


def fingerprint_name(message_id: str) -> str:
    return f"done/{message_id}"


def build_message_id(request_id: str, issue: int) -> str:
    """The request's own id at first, then `m1:moved-2`: the gate and the reconciliation need an id
    for each try.

    A long id is cut; the hash of the whole keeps two of them apart."""
    if issue == 1:
        return request_id
    suffix = f":moved-{issue}"
    if len(request_id) + len(suffix) > MAX_ID:
        digest = hashlib.sha256(request_id.encode()).hexdigest()[:16]
        request_id = f"{request_id[: MAX_ID - len(suffix) - len(digest) - 1]}.{digest}"
    return request_id + suffix


def fingerprint(request: PersonRequest) -> str:
    """Tells a repeat from another text under the same id."""
    test = "\0test" if request.test_mode else ""
    return hashlib.sha256(f"{request.to or ''}\0{request.body}{test}".encode()).hexdigest()[:16]
