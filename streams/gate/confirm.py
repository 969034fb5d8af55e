"""One answer to a STOP, a START or a HELP that came as a text, where the carrier does not answer by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from schemas.base import Evidence
from schemas.consent_event import ConsentAction
from schemas.consent_source import ConsentSource
from schemas.consent_status import ConsentState
from schemas.own_kind import OwnKind
from schemas.reply import Reply
from schemas.tenant_settings import TenantSettings
from streams.answers import Meaning, read_answer
from streams.gate import wording
from streams.gate.claims import Claim
from streams.gate.judge import Judged, judge
from streams.gate.limits import HELP_EVERY
from streams.gate.own import Draft, pending
from streams.gate.rows import NUMBER, Helped, NumberRow
from streams.seen import SeenRow, forget_at, seen, seen_row
from streams.step import NOTHING, Fact, Rows, Settings, Step

WITHIN: Final = timedelta(minutes=5)
"""How soon an answer has to go, or it does not: a confirmation later than that counts as one more text against the
recipient's will (47 CFR 64.1200(a)(12))."""


class Confirmation(NamedTuple):
    kind: OwnKind
    says: Callable[[TenantSettings], str]


CONFIRMATIONS: Final = {
    ConsentAction.OPT_OUT: Confirmation(OwnKind.STOP_CONFIRMATION, wording.stopped),
    ConsentAction.OPT_IN: Confirmation(OwnKind.START_CONFIRMATION, wording.started),
}


STOPPED_HERE: Final = Confirmation(OwnKind.STOP_CONFIRMATION, wording.stopped_here)
"""Where the tenant's other senders go on."""


def confirmed(
    family: str, claim: Claim, row: NumberRow, now: datetime, settings: Settings
) -> Judged:
    """Only what changed something is confirmed, so that there is one confirmation however often they write STOP.  No
    carrier answers what was said in other words."""
    told = CONFIRMATIONS.get(ConsentAction(claim.action))
    if (
        told is not None
        and told.kind is OwnKind.STOP_CONFIRMATION
        and row.state is not ConsentState.OPTED_OUT
    ):
        told = STOPPED_HERE
    tenant = settings.tenants.get(family.partition("/")[0])
    if told is None or tenant is None or claim.source != ConsentSource.INBOUND:
        return Judged(row, NOTHING)
    if not _answers(claim.sender, settings, claim.flagged):
        return Judged(row, NOTHING)
    number, until = (
        family.partition("/")[2],
        datetime.fromtimestamp(claim.at_ms / 1000, UTC) + WITHIN,
    )
    draft = Draft(
        told.kind, row.epoch, tenant.tenant, number, claim.sender or "", told.says(tenant), until
    )
    return judge(pending(draft, claim.place, now), row, now, settings)


def on_help(rows: Rows, fact: Fact, now: datetime, settings: Settings) -> Step:
    """HELP changes nobody's consent; it is answered, by the provider's id once, and not in quick succession."""
    reply: Reply = fact.value
    tenant, name = settings.tenants.get(reply.tenant), seen_row("in", reply.provider_id)
    if (
        tenant is None
        or read_answer(reply.body, tenant).meaning is not Meaning.HELP
        or seen(rows, name)
    ):
        return NOTHING
    row = rows.get(NUMBER, NumberRow) or NumberRow()
    last = row.helped or Helped(times=0, at=now - HELP_EVERY)
    if not _answers(reply.sender, settings) or now - last.at < HELP_EVERY:
        return NOTHING
    row = row.model_copy(update={"helped": Helped(times=last.times + 1, at=now)})
    draft = Draft(
        OwnKind.HELP_ANSWER,
        last.times + 1,
        tenant.tenant,
        reply.number,
        reply.sender,
        wording.helped(tenant),
        fact.at + WITHIN,
    )
    place = Evidence(topic=fact.topic, partition=fact.partition, offset=fact.offset)
    number, step = judge(pending(draft, place, now), row, now, settings)
    remembered = {name: SeenRow(at_ms=fact.at_ms), NUMBER: number}
    return step._replace(
        rows={**step.rows, **remembered}, wake={**step.wake, name: forget_at(now, for_good=False)}
    )


def _answers(sender: str | None, settings: Settings, in_other_words: bool = False) -> bool:
    """Whether it is for us to answer."""
    known = settings.senders.get(sender or "")
    return known is not None and (in_other_words or not known.carrier_answers)
