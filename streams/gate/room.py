"""The gate's fold: each type of fact has its answer, each kind of row its wake."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from schemas.approval import Approval
from schemas.base import Evidence
from schemas.consent_event import ConsentEvent
from schemas.number_fact import NumberFact
from schemas.reply import Reply
from schemas.request_cancel import CancelRequest
from schemas.returned import Returned
from schemas.send_request import SendRequest
from schemas.topics import REQUEST_CANCELS
from streams.gate.approval import on_approval
from streams.gate.cancel import on_cancel
from streams.gate.consented import on_consent_event, on_reply, on_unreadable
from streams.gate.learned import learned
from streams.gate.limits import WORDS_AT_MOST
from streams.gate.release import judged_anew, judged_when_due
from streams.gate.requested import on_request, on_returned
from streams.gate.rows import NUMBER, NumberRow
from streams.gate.status import tell_held, with_status
from streams.gate.unasked import with_unasked
from streams.set_aside import set_aside
from streams.step import NOTHING, Fact, Fold, Rows, Settings, Step, Unreadable, Woke


def gate(rows: Rows, fact: Fact, now: datetime, settings: Settings) -> Step:
    step = _ANSWERS[type(fact.value)](rows, fact, now, settings)
    return with_status(rows, with_unasked(rows, step, settings), now)


def gate_woke(rows: Rows, name: str, now: datetime, settings: Settings) -> Step:
    return _WAKES[name.partition("/")[0]](rows, name, now, settings)


def _held_when_due(rows: Rows, name: str, now: datetime, settings: Settings) -> Step:
    return with_status(rows, judged_when_due(rows, name, now, settings), now)


def _on_number_fact(rows: Rows, fact: Fact, now: datetime, settings: Settings) -> Step:
    """Only what is given is changed.  What waits is judged by it when it is released, and at once if it tells where the
    recipient is: their hour may have come."""
    if (
        sum(
            len(getattr(fact.value, field) or "")
            for field in ("type", "time_zone", "postal_region")
        )
        > WORDS_AT_MOST
    ):
        return Step(
            publish=(set_aside("gate", fact, now, "too_large", "a field holds a file, not a word"),)
        )
    before = rows.get(NUMBER, NumberRow) or NumberRow()
    after = before.model_copy(update=learned(before, fact.value))
    if (after.time_zone, after.postal_region) == (before.time_zone, before.postal_region):
        return Step({NUMBER: after})
    place = Evidence(topic=fact.topic, partition=fact.partition, offset=fact.offset)
    return judged_anew(rows, after, place, now, settings)


def _on_unreadable(rows: Rows, fact: Fact, now: datetime, settings: Settings) -> Step:
    """What could not be read may have been a STOP, unless it came where requests are canceled."""
    return (
        NOTHING if fact.topic == REQUEST_CANCELS.name else on_unreadable(rows, fact, now, settings)
    )


def _forget(rows: Rows, name: str, now: datetime, settings: Settings) -> Step:
    return Step({name: None})


_ANSWERS: Final[dict[type[Any], Fold]] = {
    SendRequest: on_request,
    ConsentEvent: on_consent_event,
    Reply: on_reply,
    Returned: on_returned,
    NumberFact: _on_number_fact,
    CancelRequest: on_cancel,
    Approval: on_approval,
    Unreadable: _on_unreadable,
}
_WAKES: Final[dict[str, Woke]] = {
    NUMBER: tell_held,
    "held": _held_when_due,
    "msg": _forget,
    "ev": _forget,
    "in": _forget,
    "ap": _forget,
}
