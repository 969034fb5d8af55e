"""What a change of an event does to its texts, before it is saved: the same fold with another
fact."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from schemas.case import TextState
from services.operations.case_preview import (
    CasePreview,
    PreviewRow,
    preview_anchor,
    preview_event,
)
from services.operations.cases import Change, KnownCase
from services.operations.errors import InvalidRequest

UNDER_WAY: Final = frozenset({TextState.REQUESTED, TextState.CANCELING})
WENT: Final = frozenset({TextState.SENT, TextState.ARRIVED})


class Effect(StrEnum):
    """What becomes of one text, the most important first."""

    CORRECTED = "corrected"
    """The old words have left already: a new text goes."""
    CHANGED = "changed"
    """It goes at another time or in other words."""
    TAKEN_BACK = "taken_back"
    """It does not go any more."""
    NEW = "new"
    SAME = "same"
    NOT_SENT = "not_sent"
    """It would not go, before or after."""


class TextEffect(NamedTuple):
    person_id: str
    name: str
    recipe: str | None
    effect: Effect
    before: PreviewRow | None
    after: PreviewRow | None


class EventEffects(NamedTuple):
    texts: tuple[TextEffect, ...]
    """The most important first."""
    version: str
    """Of all that it was made from."""
    warnings: tuple[str, ...]

    @property
    def counts(self) -> dict[Effect, int]:
        return {one: sum(text.effect is one for text in self.texts) for one in Effect}


def compare_event(about: KnownCase, change: Change, now: datetime) -> EventEffects:
    """Texts of the event as they stand, and as they would if `change` were recorded. Raises
    OperationError."""
    event_id = change.events[0].event_id
    before = _preview_known(about, event_id, now)
    after = preview_event(about, change, now)
    old = {_key(row): row for row in before.rows} if before else {}
    new = {_key(row): row for row in after.rows}
    texts = [_compare(key, old.get(key), new.get(key)) for key in dict.fromkeys((*old, *new))]
    order = list(Effect)
    texts.sort(key=lambda one: (order.index(one.effect), one.name, one.recipe or ""))
    return EventEffects(tuple(texts), after.version, change.warnings)


def _preview_known(about: KnownCase, event_id: str, now: datetime) -> CasePreview | None:
    try:
        return preview_anchor(about, f"event/{event_id}", now)
    except InvalidRequest:
        return None  # it is a new event


def _key(row: PreviewRow) -> tuple[str, str | None, str]:
    """Which text it is, whatever the event's time: a new time makes new ids."""
    line = row.line
    return line.person_id, line.recipe, line.template or ""


def _compare(
    key: tuple[str, str | None, str], before: PreviewRow | None, after: PreviewRow | None
) -> TextEffect:
    known = after or before
    assert known is not None
    return TextEffect(key[0], known.line.name, key[1], _judge(before, after), before, after)


def _judge(before: PreviewRow | None, after: PreviewRow | None) -> Effect:
    was, will = _state(before), _state(after)
    is_same_text = before is not None and after is not None and _says_same(before, after)
    leaves = after is not None and after.line.departs_at is not None
    if leaves and was in WENT:
        return Effect.CORRECTED
    if _would_go(before):
        if leaves or will in UNDER_WAY:
            return Effect.SAME if is_same_text else Effect.CHANGED
        return Effect.TAKEN_BACK
    if leaves:
        return Effect.NEW
    return Effect.SAME if was in WENT and will in WENT else Effect.NOT_SENT


def _state(row: PreviewRow | None) -> TextState | None:
    state = row.line.state if row else None
    return TextState(state) if state in set(TextState) else None


def _would_go(row: PreviewRow | None) -> bool:
    return row is not None and (row.line.departs_at is not None or _state(row) in UNDER_WAY)


def _says_same(before: PreviewRow, after: PreviewRow) -> bool:
    one, other = before.line, after.line
    return (one.body, one.departs_at, one.number) == (other.body, other.departs_at, other.number)
