"""What a message's end tells of its number: that no text can reach it, or that none did on that day."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from schemas.number_fact import NumberFact
from schemas.topics import NUMBER_FACTS
from streams.lifecycle import State
from streams.outcomes.rows import Life, Told
from streams.step import Publication

LANDLINES: Final = frozenset({"21614", "30006"})
"""Twilio: not a mobile number; landline or unreachable carrier."""

UNREACHABLE: Final = frozenset({"30003", "30005"})
"""Twilio: unreachable handset; unknown destination.  Also what is switched off or out of range: one says nothing of the
number, several on different days do (the gate counts)."""

ARRIVED: Final = frozenset({State.DELIVERED, State.READ})


def number_learned(before: Life, after: Life, now: datetime) -> tuple[Publication, ...]:
    """To the gate, when the news is new.  A handset that confirms after all takes `landline` back."""
    was, news = before.told, after.told
    if news is None or news == was or after.to is None:
        return ()
    fact = _fact(_code(was), news, now)
    if fact is None:
        return ()
    return (Publication(NUMBER_FACTS, NumberFact(tenant=after.tenant, number=after.to, at=now, **fact)),)


def _fact(was: str | None, news: Told, now: datetime) -> dict[str, Any] | None:
    if was in LANDLINES and news.state in ARRIVED:
        return {"landline": False}
    if news.error_code == was:
        return None
    if news.error_code in LANDLINES:
        return {"landline": True}
    return {"unreachable_at": now} if news.error_code in UNREACHABLE else None


def _code(told: Told | None) -> str | None:
    return told.error_code if told else None
