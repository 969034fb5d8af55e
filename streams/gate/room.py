"""The gate's fold: each type of fact has its answer, each kind of row its wake."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from schemas.consent_event import ConsentEvent
from schemas.number_fact import NumberFact
from schemas.reply import Reply
from schemas.returned import Returned
from schemas.send_request import SendRequest
from streams.gate.consented import on_consent_event, on_reply, on_unreadable
from streams.gate.limits import WORDS_AT_MOST
from streams.gate.release import judged_when_due
from streams.gate.requested import on_request, on_returned
from streams.gate.rows import NUMBER, NumberRow
from streams.set_aside import set_aside
from streams.step import Fact, Fold, Rows, Settings, Step, Unreadable, Woke

LEARNED: Final = ("sms_enabled", "type", "time_zone", "postal_region", "landline", "doubtful")


def gate(rows: Rows, fact: Fact, now: datetime, settings: Settings) -> Step:
    return _ANSWERS[type(fact.value)](rows, fact, now, settings)


def gate_woke(rows: Rows, name: str, now: datetime, settings: Settings) -> Step:
    return _WAKES[name.partition("/")[0]](rows, name, now, settings)


def _on_number_fact(rows: Rows, fact: Fact, now: datetime, settings: Settings) -> Step:
    """Only what is given is changed.  What waits is judged by it when it is released."""
    if sum(len(getattr(fact.value, field) or "") for field in ("type", "time_zone", "postal_region")) > WORDS_AT_MOST:
        return Step(publish=(set_aside("gate", fact, now, "too_large", "a field holds a file, not a word"),))
    given = {field: value for field in LEARNED if (value := getattr(fact.value, field)) is not None}
    before = rows.get(NUMBER, NumberRow) or NumberRow()
    return Step({NUMBER: before.model_copy(update=given)})


def _forget(rows: Rows, name: str, now: datetime, settings: Settings) -> Step:
    return Step({name: None})


_ANSWERS: Final[dict[type[Any], Fold]] = {
    SendRequest: on_request,
    ConsentEvent: on_consent_event,
    Reply: on_reply,
    Returned: on_returned,
    NumberFact: _on_number_fact,
    Unreadable: on_unreadable,
}
_WAKES: Final[dict[str, Woke]] = {"held": judged_when_due, "msg": _forget, "ev": _forget, "in": _forget}
