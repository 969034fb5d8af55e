"""What a message's end tells of its number's consent: that the carrier has it on its own list of STOPs, and that an
opt-in request has asked nobody."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

from schemas.consent_event import ConsentAction, ConsentEvent
from schemas.consent_source import ConsentSource
from schemas.system_kind import SystemKind
from schemas.topics import CONSENT_EVENTS
from streams.error_codes import Effect
from streams.lifecycle import State
from streams.outcomes.evidence import evidence
from streams.outcomes.learned import effect_of
from streams.outcomes.state import Life, Told
from streams.processing import Publication

NOT_ASKED: Final = frozenset({State.REFUSED, State.FAILED, State.UNDELIVERED, State.CANCELED})
"""Ends in which an opt-in request has not reached anybody."""


def consent_told(before: Life, after: Life, now: datetime) -> tuple[Publication, ...]:
    """To the gate, when the news is new; told again after a crash it is the same event."""
    was, news = before.told, after.told
    if news is None or news == was or after.to is None:
        return ()
    events = []
    if (
        effect_of(news) is Effect.OPTED_OUT
        and effect_of(was) is not Effect.OPTED_OUT
        and news.sender
    ):
        events.append(_event(after, ConsentAction.OPT_OUT, news, now))
    asked = after.judged is not None and after.judged.kind == SystemKind.CONSENT_ASK
    if asked and news.state in NOT_ASKED and (was is None or was.state not in NOT_ASKED):
        events.append(_event(after, ConsentAction.ASK_FAILED, news, now))
    return tuple(Publication(CONSENT_EVENTS, event) for event in events)


def _event(life: Life, action: ConsentAction, news: Told, now: datetime) -> ConsentEvent:
    name = f"{action}/{life.tenant}/{life.message_id}/{news.error_code}"
    return ConsentEvent(
        event_id=f"outcome-{hashlib.sha256(name.encode()).hexdigest()[:32]}",
        tenant=life.tenant,
        number=life.to or "",
        sender=news.sender,
        message_id=life.message_id,
        action=action,
        source=ConsentSource.CARRIER,
        at=now,
        evidence=evidence(life),
    )
