"""What a consent fact leads to: its entry in the log, Stops to dispatch, an answer, and another look at all that
waits."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final

from schemas.consent_event import ConsentAction
from schemas.consent_source import ConsentSource
from schemas.controls import Stop
from schemas.tenant_settings import StopScope
from schemas.topics import DISPATCH_CONTROLS
from streams.dedup import dedup_name, forget_at, is_duplicate
from streams.gate.asked import ask_failed, asked_by_form, asked_by_hand
from streams.gate.claims import Claim, claim_of_event, claim_of_reply, claim_of_unreadable
from streams.gate.confirm import confirmed, on_help
from streams.gate.consent import Weighed, blocked, weigh
from streams.gate.entry import entered
from streams.gate.joined import joined
from streams.gate.release import judged_anew
from streams.gate.state import NUMBER, ClaimRow, NumberRow
from streams.processing import NO_CHANGE, InputRecord, Publication, Settings, StateStore, StepResult

_FAMILY: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._:@-]{0,127})/(\+[0-9]{3,15})")
"""A family by its record's key alone may be anything; only a tenant's number can be blocked."""

TAKES_AWAY: Final = frozenset({ConsentAction.OPT_OUT, ConsentAction.UNREADABLE})
ID_USED: Final = (
    "this event id was used before for something else: give each event an id of its own"
)


def on_consent_event(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    """A repeat, by event id, changes nothing and says nothing.  Another claim under a used id is refused, in the log;
    but what takes consent away counts whatever its producer calls it."""
    claim = claim_of_event(record)
    name, said = dedup_name("ev", claim.event_id), _said_of(claim)
    known = state.get(name, ClaimRow)
    if known is None:
        return _on_claim(state, name, claim, now, settings, said)
    if known.said in ("", said):
        return NO_CHANGE
    if claim.action in TAKES_AWAY:
        again = dedup_name("ev", f"{claim.event_id} {said}")
        return (
            NO_CHANGE
            if is_duplicate(state, again)
            else _on_claim(state, again, claim, now, settings)
        )
    before = state.get(NUMBER, NumberRow) or NumberRow()
    return entered(state.entity_key, claim, before, Weighed(before, False, ID_USED), now)[1]


def _said_of(claim: Claim) -> str:
    """Tells a repeat from another claim under the same id: an opt-out at another time is another one.  What outcomes
    tell of a carrier they may tell again, later."""
    told_anew = claim.action not in TAKES_AWAY or claim.source == ConsentSource.CARRIER
    return claim.action if told_anew else f"{claim.action} {claim.claimed_at.isoformat()}"


def on_reply(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    """Keywords and revocations are acted on, by the provider's id once; any other text is for people to read."""
    standing, tenant = (
        state.get(NUMBER, NumberRow) or NumberRow(),
        settings.tenants.get(record.value.tenant),
    )
    claim = claim_of_reply(record, standing, tenant, settings.senders.get(record.value.sender))
    if claim is None:
        return on_help(state, record, now, settings)
    name = dedup_name("in", claim.event_id)
    return NO_CHANGE if is_duplicate(state, name) else _on_claim(state, name, claim, now, settings)


def on_unreadable(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    if _FAMILY.fullmatch(state.entity_key) is None:
        return NO_CHANGE
    return _blocked(
        state,
        claim_of_unreadable(record),
        state.get(NUMBER, NumberRow) or NumberRow(),
        now,
        settings,
    )


def _blocked(
    state: StateStore, claim: Claim, before: NumberRow, now: datetime, settings: Settings
) -> StepResult:
    """Whoever says so: to block is the safe side."""
    weighed = blocked(before, claim)
    _, step = entered(state.entity_key, claim, before, weighed, now)
    return joined(step, _stops(state.entity_key, weighed, now))


def _on_claim(
    state: StateStore, name: str, claim: Claim, now: datetime, settings: Settings, said: str = ""
) -> StepResult:
    before = state.get(NUMBER, NumberRow) or NumberRow()
    heard = before.model_copy(update={"heard_ms": max(before.heard_ms, claim.at_ms)})
    step = _consequence(claim)(state, claim, heard, now, settings)
    forget = forget_at(now, for_good=claim.action == ConsentAction.OPT_IN)
    return joined(
        step, StepResult({name: ClaimRow(at_ms=claim.at_ms, said=said)}, timers={name: forget})
    )


Consequence = Callable[[StateStore, Claim, NumberRow, datetime, Settings], StepResult]


def _consequence(claim: Claim) -> Consequence:
    if claim.source == ConsentSource.WEB_FORM and claim.action == ConsentAction.OPT_IN:
        return asked_by_form
    return _CONSEQUENCES.get(claim.action, _said)


_CONSEQUENCES: Final[dict[str, Consequence]] = {
    ConsentAction.ASK: asked_by_hand,
    ConsentAction.ASK_FAILED: ask_failed,
    ConsentAction.UNREADABLE: _blocked,
}


def _said(
    state: StateStore, claim: Claim, before: NumberRow, now: datetime, settings: Settings
) -> StepResult:
    """Somebody said yes or no."""
    weighed = weigh(
        before, claim, _scope(state.entity_key.partition("/")[0], claim, before, settings)
    )
    row, entry = entered(state.entity_key, claim, before, weighed, now)
    if not weighed.applied:
        return entry
    answer = confirmed(state.entity_key, claim, row, now, settings)
    anew = judged_anew(state, answer.number, claim.place, now, settings)
    return joined(entry, _stops(state.entity_key, weighed, now), answer.step, anew)


def _scope(name: str, claim: Claim, before: NumberRow, settings: Settings) -> StopScope:
    """As the tenant wants it; but where somebody else has named a sender that is none of the tenant's (a form with a
    slip in it), to stop that one would stop nothing."""
    tenant, sender = settings.tenants.get(name), settings.senders.get(claim.sender or "")
    by_text = claim.source == ConsentSource.INBOUND
    theirs = by_text or claim.sender in before.senders or (sender and name in sender.tenants)
    return tenant.stop_scope if tenant and theirs else StopScope.TENANT


def _stops(entity_key: str, weighed: Weighed, now: datetime) -> StepResult:
    tenant, _, number = entity_key.partition("/")
    epoch = weighed.row.epoch
    return StepResult(
        publish=tuple(
            Publication(
                DISPATCH_CONTROLS,
                Stop(sender=sender, number=number, tenant=tenant, consent_epoch=epoch, at=now),
            )
            for sender in weighed.stop_at
        )
    )
