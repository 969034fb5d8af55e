"""What a message's end tells of its number: that no text can reach it, or that none did on that day.  Which code tells
what is in the dictionary."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from schemas.number_fact import NumberFact
from schemas.topics import NUMBER_FACTS
from streams.error_codes import Effect, meaning
from streams.lifecycle import State
from streams.outcomes.evidence import evidence, telling
from streams.outcomes.state import Life, Told
from streams.processing import Publication

FIELDS: Final = {
    Effect.LANDLINE: "landline",
    Effect.SUPPRESS: "suppressed",
    Effect.DOUBTFUL: "unreachable_at",
}
"""The field of a number fact that says it.  `unreachable_at`: one such day says nothing of the number, several do (the
gate counts)."""

LASTING: Final = frozenset({Effect.LANDLINE, Effect.SUPPRESS})
"""What a handset that confirms after all takes back."""

ARRIVED: Final = frozenset({State.DELIVERED, State.READ})


def effect_of(told: Told | None) -> Effect:
    return meaning(told.error_code).effect if told and told.error_code else Effect.NONE


def number_learned(before: Life, after: Life, now: datetime) -> tuple[Publication, ...]:
    """To the gate, when the news is new."""
    was, news = before.told, after.told
    if news is None or news == was or after.to is None:
        return ()
    said = _said(effect_of(was), news, after, now)
    if not said:
        return ()
    record = NumberFact(
        tenant=after.tenant,
        number=after.to,
        message_id=after.message_id,
        error_code=news.error_code,
        evidence=evidence(after),
        at=now,
        **said,
    )
    return (Publication(NUMBER_FACTS, record),)


def _said(was: Effect, news: Told, after: Life, now: datetime) -> dict[str, Any]:
    if was in LASTING and news.state in ARRIVED:
        return {FIELDS[was]: False}
    effect = effect_of(news)
    if effect is was or effect not in FIELDS:
        return {}
    report = telling(after)
    day = report.at if report else now
    return {FIELDS[effect]: day if effect is Effect.DOUBTFUL else True}
