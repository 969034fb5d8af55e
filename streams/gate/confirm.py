"""One answer to a STOP, a START or a HELP that came as a text, where the carrier does not answer by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from schemas.base import Evidence
from schemas.consent_event import ConsentAction
from schemas.consent_source import ConsentSource
from schemas.consent_status import ConsentState
from schemas.reply import Reply
from schemas.system_kind import SystemKind
from schemas.tenant_settings import TenantSettings
from streams.dedup import DedupEntry, dedup_name, forget_at, is_duplicate
from streams.gate import wording
from streams.gate.claims import Claim
from streams.gate.judge import Judged, judge
from streams.gate.limits import HELP_EVERY
from streams.gate.own import Draft, pending
from streams.gate.state import NUMBER, Helped, NumberRow
from streams.inbound_keywords import Meaning, read_answer
from streams.processing import NO_CHANGE, InputRecord, Settings, StateStore, StepResult

WITHIN: Final = timedelta(minutes=5)
"""How soon an answer has to go, or it does not: a confirmation later than that counts as one more text against the
recipient's will (47 CFR 64.1200(a)(12))."""


class Confirmation(NamedTuple):
    kind: SystemKind
    says: Callable[[TenantSettings], str]


CONFIRMATIONS: Final = {
    ConsentAction.OPT_OUT: Confirmation(SystemKind.STOP_CONFIRMATION, wording.stopped),
    ConsentAction.OPT_IN: Confirmation(SystemKind.START_CONFIRMATION, wording.started),
}


STOPPED_HERE: Final = Confirmation(SystemKind.STOP_CONFIRMATION, wording.stopped_here)
"""Where the tenant's other senders go on."""


def confirmed(
    entity_key: str, claim: Claim, row: NumberRow, now: datetime, settings: Settings
) -> Judged:
    """Only what changed something is confirmed, so that there is one confirmation however often they write STOP.  No
    carrier answers what was said in other words."""
    told = CONFIRMATIONS.get(ConsentAction(claim.action))
    if (
        told is not None
        and told.kind is SystemKind.STOP_CONFIRMATION
        and row.state is not ConsentState.OPTED_OUT
    ):
        told = STOPPED_HERE
    tenant = settings.tenants.get(entity_key.partition("/")[0])
    if told is None or tenant is None or claim.source != ConsentSource.INBOUND:
        return Judged(row, NO_CHANGE)
    if not _answers(claim.sender, settings, claim.flagged):
        return Judged(row, NO_CHANGE)
    number, until = (
        entity_key.partition("/")[2],
        datetime.fromtimestamp(claim.at_ms / 1000, UTC) + WITHIN,
    )
    draft = Draft(
        told.kind, row.epoch, tenant.tenant, number, claim.sender or "", told.says(tenant), until
    )
    return judge(pending(draft, claim.place, now), row, now, settings)


def on_help(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    """HELP changes nobody's consent; it is answered, by the provider's id once, and not in quick succession."""
    reply: Reply = record.value
    tenant, name = settings.tenants.get(reply.tenant), dedup_name("in", reply.provider_id)
    if (
        tenant is None
        or read_answer(reply.body, tenant).meaning is not Meaning.HELP
        or is_duplicate(state, name)
    ):
        return NO_CHANGE
    row = state.get(NUMBER, NumberRow) or NumberRow()
    last = row.helped or Helped(times=0, at=now - HELP_EVERY)
    if not _answers(reply.sender, settings) or now - last.at < HELP_EVERY:
        return NO_CHANGE
    row = row.model_copy(update={"helped": Helped(times=last.times + 1, at=now)})
    draft = Draft(
        SystemKind.HELP_ANSWER,
        last.times + 1,
        tenant.tenant,
        reply.number,
        reply.sender,
        wording.helped(tenant),
        record.at + WITHIN,
    )
    place = Evidence(topic=record.topic, partition=record.partition, offset=record.offset)
    number, step = judge(pending(draft, place, now), row, now, settings)
    remembered = {name: DedupEntry(at_ms=record.at_ms), NUMBER: number}
    return step._replace(
        state={**step.state, **remembered},
        timers={**step.timers, name: forget_at(now, for_good=False)},
    )


def _answers(sender: str | None, settings: Settings, in_other_words: bool = False) -> bool:
    """Whether it is for us to answer."""
    known = settings.senders.get(sender or "")
    return known is not None and (in_other_words or not known.carrier_answers)
