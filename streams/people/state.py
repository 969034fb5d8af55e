"""What people remembers of a person: a family of small rows, by name.

- `person`: the person, as a whole
- `req/<id>`: a person-request that is not over, whole
- `done/<id>`: one that is over, so that a repeat changes nothing
- `ev/<id>`: an event that was taken in
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Final

from schemas.base import Evidence
from schemas.person import Person
from schemas.person_request import PersonRequest
from streams.processing import StateEntry

PERSON: Final = "person"
LIVE: Final = "req/"
LONGEST_ID: Final = 128


class PersonRow(StateEntry):
    person: Person


class Stage(StrEnum):
    """Where a request is: with us for want of a number, with the gate, ordered by it, or being taken back."""

    HELD = "held"
    ISSUED = "issued"
    ORDERED = "ordered"
    CANCELING = "canceling"


class RequestRow(StateEntry):
    """`place` is where the request stands on Kafka.  `issue` counts the ids it has had, `decided` our decisions under
    the present one; `number` is the one it was issued to; `rules` say why it is held, as last published; `since` is
    when its stage began."""

    request: PersonRequest
    place: Evidence
    received: datetime
    issue: int = 1
    decided: int = 0
    stage: Stage = Stage.HELD
    number: str = ""
    rules: tuple[str, ...] = ()
    since: datetime

    @property
    def message_id(self) -> str:
        return issued_id(self.request.message_id, self.issue)

    @property
    def resend_of(self) -> str | None:
        """What was issued again names the id it had before."""
        return (
            self.request.resend_of
            if self.issue == 1
            else issued_id(self.request.message_id, self.issue - 1)
        )


class DoneRow(StateEntry):
    fingerprint: str


def live_row(message_id: str) -> str:
    return f"{LIVE}{message_id}"


def done_row(message_id: str) -> str:
    return f"done/{message_id}"


def issued_id(message_id: str, issue: int) -> str:
    """The first time its own id, then `m1:moved-2`: the gate and the books know every try by an id of its own.  A long
    one is cut and told apart by its hash."""
    if issue == 1:
        return message_id
    ending = f":moved-{issue}"
    if len(message_id) + len(ending) > LONGEST_ID:
        digest = hashlib.sha256(message_id.encode()).hexdigest()[:16]
        message_id = f"{message_id[: LONGEST_ID - len(ending) - len(digest) - 1]}.{digest}"
    return message_id + ending


def fingerprint(request: PersonRequest) -> str:
    """Tells a repeat from another text under the same id."""
    return hashlib.sha256(f"{request.to or ''}\0{request.body}".encode()).hexdigest()[:16]
