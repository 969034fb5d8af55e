"""Somebody wants a number to be asked, and what became of an ask that went out."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from schemas.consent_source import ConsentSource
from schemas.decision import Decision, Finding, Verdict
from schemas.system_kind import SystemKind
from schemas.topics import DECISIONS
from streams.gate.asking import draft, is_last_ask
from streams.gate.asks import (
    against,
    asking,
    asks_by_itself,
    handed_back,
    now_stands,
    one_less_before,
    opened,
)
from streams.gate.claims import Claim
from streams.gate.consent import Weighed
from streams.gate.decide import Ruling
from streams.gate.entry import entered
from streams.gate.follow import Pending
from streams.gate.joined import joined
from streams.gate.judge import Judged, judge, ruled
from streams.gate.own import own_id, pending
from streams.gate.proof import lacking
from streams.gate.release import judged_anew
from streams.gate.state import NUMBER, Ask, NumberRow
from streams.gate.waits import Wait
from streams.processing import Settings, StateStore, StepResult

NO_SETTINGS: Final = "this tenant has no settings: apply them first"
REPLACED: Final = Finding(
    rule="replaced",
    verdict=Verdict.CANCEL,
    reason="A later opt-in request has taken its place",
    next_step="nothing",
)


def asked_by_hand(
    state: StateStore, claim: Claim, row: NumberRow, now: datetime, settings: Settings
) -> StepResult:
    """Refused with the time left, or sent; either way the log has the answer under the event's id."""
    tenant = settings.tenants.get(state.entity_key.partition("/")[0])
    why = against(row, now, tenant.zone) if tenant else NO_SETTINGS
    if why:
        return entered(state.entity_key, claim, row, Weighed(row, False, why), now)[1]
    judged = _ask(state.entity_key, claim, row, now, settings)
    if asking(judged.number).last is Ask.OUT:
        return joined(judged.step, StepResult({NUMBER: judged.number}))
    _, entry = entered(
        state.entity_key, claim, row, Weighed(judged.number, False, _instead(judged)), now
    )
    return joined(judged.step, entry)


def asked_by_form(
    state: StateStore, claim: Claim, row: NumberRow, now: datetime, settings: Settings
) -> StepResult:
    """Anybody may have typed the number into a web form: whoever has it is asked, once."""
    tenant = settings.tenants.get(state.entity_key.partition("/")[0])
    after, entry = entered(
        state.entity_key, claim, row, Weighed(row, False, lacking(row, claim)), now
    )
    if tenant is None or against(after, now) or not asks_by_itself(after, now):
        return entry
    judged = _ask(state.entity_key, claim, after, now, settings)
    return joined(entry, judged.step, StepResult({NUMBER: judged.number}))


def ask_failed(
    state: StateStore, claim: Claim, row: NumberRow, now: datetime, settings: Settings
) -> StepResult:
    """It has asked nobody: the clock is free.  What is said of another ask than the last changes nothing."""
    tenant, _, number = state.entity_key.partition("/")
    ask = asking(row)
    current = own_id(SystemKind.CONSENT_ASK, tenant, number, ask.count)
    if (
        claim.source != ConsentSource.CARRIER
        or claim.message_id != current
        or ask.last is not Ask.OUT
    ):
        return entered(
            state.entity_key,
            claim,
            row,
            Weighed(row, False, "not the opt-in request that is out"),
            now,
        )[1]
    failed = Weighed(
        now_stands(row, Ask.FAILED),
        True,
        "the opt-in request failed: another may go at once, by hand",
    )
    return entered(state.entity_key, claim, row, failed, now)[1]


def ask_came_back(
    state: StateStore, ask: Pending, wait: Wait | None, now: datetime, settings: Settings
) -> StepResult:
    """Nobody was asked by it.  Where it has to wait, say for room in the tenant's budget, the texts that wait for its
    answer say so."""
    before, request = state.get(NUMBER, NumberRow) or NumberRow(), ask.request
    if not is_last_ask(before, request.tenant, request.number, request.message_id):
        return _replaced(ask, one_less_before(before), now, settings)
    judged = judge(ask, handed_back(before, wait), now, settings)
    if wait is None:
        return joined(judged.step, StepResult({NUMBER: judged.number}))
    return joined(judged.step, judged_anew(state, judged.number, ask.place, now, settings))


def _replaced(ask: Pending, row: NumberRow, now: datetime, settings: Settings) -> StepResult:
    """It lay at dispatch for so long that another was made: both together would be two in a day."""
    judged = ruled(ask, Ruling(Verdict.CANCEL, (REPLACED,)), row, now, settings)
    return joined(judged.step, StepResult({NUMBER: judged.number}))


def _ask(
    entity_key: str, claim: Claim, row: NumberRow, now: datetime, settings: Settings
) -> Judged:
    name, _, number = entity_key.partition("/")
    tenant = settings.tenants[name]
    ask = pending(draft(tenant, number, row, claim.sender), claim.place, now)
    return judge(ask._replace(claim=claim), opened(row), now, settings)


def _instead(judged: Judged) -> str:
    """Why it has not gone out, from its decision."""
    decision = next(value for topic, value in judged.step.publish if topic is DECISIONS)
    assert isinstance(decision, Decision)
    found = "; ".join(f"{one.reason}: {one.next_step}" for one in decision.findings)
    return f"{'it waits' if decision.verdict is Verdict.HOLD else 'not asked'}: {found}"
