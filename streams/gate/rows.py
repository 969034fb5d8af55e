"""What the gate remembers of a number: a family of small rows, by name.

- the number itself has no name
- `msg/<id>`: a request's identity and where it stands, until 35 days after it was decided
- `held/<id>`: a request that waits, whole
- `ev/<id>`, `in/<id>`: a consent event or an inbound keyword that was dealt with
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from schemas.base import Evidence, UtcTime
from schemas.consent_status import ConsentState
from schemas.decision import Verdict
from schemas.send_request import SendRequest
from streams.step import Row

NUMBER: Final = ""


class NumberRow(Row):
    """`since_ms` is the latest broker append time of a consent fact that counted, `unreadable_ms` that of a record
    which may have been a STOP (0: none).  `flagged`: the opt-out that stands was read from other words than STOP, and
    a person may lift it.  `log_seq` and `log_hash`: where the chain of its consent log ends.  Who was ever texted from
    where is kept for ever: a STOP goes to all."""

    state: ConsentState = ConsentState.UNKNOWN
    epoch: int = 0
    since_ms: int = 0
    source: str = ""
    unreadable_ms: int = 0
    flagged: bool = False
    senders: tuple[str, ...] = ()
    sender: str = ""
    sms_enabled: bool | None = None
    type: str | None = None
    time_zone: str | None = None
    postal_region: str | None = None
    landline: bool | None = None
    doubtful: bool | None = None
    region: str = ""
    problem: str = ""
    checked_by: str = ""
    log_seq: int = 0
    log_hash: str = ""
    texted_ms: dict[str, tuple[int, ...]] | None = None


class MessageRow(Row):
    """`seq` counts its decisions.  `received`: when the gate first saw it.  While an order is out, `issued_at` is that
    order's, and `request` the request without its text, so that it can be judged again if it is returned."""

    fingerprint: str
    seq: int = 0
    verdict: Verdict = Verdict.HOLD
    received: UtcTime
    issued_at: UtcTime | None = None
    request: SendRequest | None = None


class HeldRow(Row):
    """`place` is where the request stands on Kafka; `rules` and `until` say why it waits, as last published."""

    request: SendRequest
    place: Evidence
    rules: tuple[str, ...] = ()
    until: UtcTime | None = None


def message_row(message_id: str) -> str:
    return f"msg/{message_id}"


def held_row(message_id: str) -> str:
    return f"held/{message_id}"


def to_ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
