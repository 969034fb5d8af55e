"""What the gate remembers of a number: a family of small rows, by name.

- the number itself has no name
- `msg/<id>`: a request's identity and where it stands, until 35 days after it was decided
- `held/<id>`: a request that waits, whole
- `ev/<id>`, `in/<id>`, `ap/<id>`: a consent event, an inbound keyword or an approval that was dealt with
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Final

from msgspec.structs import force_setattr

from schemas.base import Evidence
from schemas.consent_status import ConsentState
from schemas.decision import Verdict
from schemas.send_request import SendRequest
from streams.processing import StateEntry

NUMBER: Final = ""
HELD: Final = "held/"


class Ask(StrEnum):
    """Where an opt-in request stands."""

    NONE = "none"
    WAITING = "waiting"
    """Not ordered yet: for the morning, say."""
    OUT = "out"
    FAILED = "failed"
    """Refused, or not delivered, or not allowed: it has asked nobody."""


class Asking(StateEntry):
    """A number's opt-in requests: how many there were, where the last stands, when the last that went out was ordered;
    `before`: how many earlier ones are unanswered; `earlier`: when the one before it was ordered; `no_room_until`:
    there is no room for it before, and `no_room_rule` says where: in the tenant's budget if it is empty."""

    count: int = 0
    last: Ask = Ask.NONE
    at: datetime | None = None
    before: int = 0
    earlier: datetime | None = None
    no_room_until: datetime | None = None
    no_room_rule: str = ""


class Helped(StateEntry):
    """How often HELP was answered, and when last."""

    times: int
    at: datetime


class NumberRow(StateEntry):
    """`since_ms` is the latest broker append time of a consent fact that counted, `heard_ms` of any, `unreadable_ms` of
    a record which may have been a STOP (0: none).  `flagged`: the opt-out that stands was read from other words than
    STOP, and a person may lift it; `had_agreed`: they had opted in before it.  `log_seq` and `log_hash`: where the
    chain of its consent log ends.  Who was ever texted from where is kept for ever: a STOP goes to all; `sender` texted
    last, and is the one they know.  `out` and `blocked`: senders that the person, or the carrier, has stopped for this
    number alone, with the append time.  `tell_at`: when the number of held texts, last told as `told_held`, is told
    again.  `switches`: by person, whether the number is on for them.  `unreachable`: days (UTC) on which no text
    reached it.  `texted_ms`: by kind that has a cap, when the last few were ordered."""

    state: ConsentState = ConsentState.NONE
    epoch: int = 0
    since_ms: int = 0
    source: str = ""
    unreadable_ms: int = 0
    heard_ms: int = 0
    flagged: bool = False
    had_agreed: bool | None = None
    senders: tuple[str, ...] = ()
    sender: str = ""
    sms_enabled: bool | None = None
    switches: dict[str, bool] = {}
    type: str | None = None
    time_zone: str | None = None
    postal_region: str | None = None
    landline: bool | None = None
    doubtful: bool | None = None
    suppressed: bool | None = None
    unreachable: tuple[date, ...] = ()
    region: str = ""
    problem: str = ""
    checked_by: str = ""
    texted_ms: dict[str, tuple[int, ...]] | None = None
    log_seq: int = 0
    log_hash: str = ""
    asking: Asking | None = None
    out: dict[str, int] | None = None
    blocked: dict[str, int] | None = None
    helped: Helped | None = None
    tell_at: datetime | None = None
    told_held: int | None = None

    def __post_init__(self) -> None:
        if self.state is ConsentState.UNKNOWN:
            force_setattr(self, "state", ConsentState.NONE)


class ClaimRow(StateEntry):
    """A consent event that was dealt with: when it was appended, and what it said ("": not noted)."""

    at_ms: int
    said: str = ""


class Canceled(StateEntry):
    """Who took a request back, why and when."""

    by: str
    reason: str
    at: datetime


class Approved(StateEntry):
    """Who approved a text, and when."""

    by: str
    at: datetime


class MessageRow(StateEntry):
    """`seq` counts its decisions.  `received`: when it first came to us.  While an order is out, `issued_at` and
    `sender` are that order's, and `request` the request without its text, so that it can be judged again if it is
    returned.  `own`: Sayso started it.  `approved`: somebody has approved this text; nobody is asked again.
    `next_attempt`: the number for its next order, above all that dispatch has reported of it.
    `asked_sha256`: of the words that were asked for, where it went out in other characters and may come back in those.
    `because`: the rule that ended it.  `canceled`: it was asked to be taken back; its `fingerprint` is empty where that
    came before the request."""

    fingerprint: str
    seq: int = 0
    verdict: Verdict = Verdict.HOLD
    received: datetime
    own: bool = False
    issued_at: datetime | None = None
    sender: str = ""
    approved: Approved | None = None
    because: str = ""
    canceled: Canceled | None = None
    request: SendRequest | None = None
    next_attempt: int = 0
    asked_sha256: str = ""


class HeldRow(StateEntry):
    """`place` is where the request stands on Kafka; `rules` and `until` say why it waits, as last published."""

    request: SendRequest
    place: Evidence
    rules: tuple[str, ...] = ()
    until: datetime | None = None


def message_row(message_id: str) -> str:
    return f"msg/{message_id}"


def held_row(message_id: str) -> str:
    return f"held/{message_id}"


def to_ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
