"""The opt-in request: when one is made, and what follows from where it goes.

It is a text of its own, judged by the same rules as any other: at night it waits, a forbidden country refuses it.
"""

from __future__ import annotations

from typing import Final

from schemas.consent_change import ConsentChange
from schemas.consent_event import ConsentAction
from schemas.decision import Verdict
from schemas.system_kind import SystemKind
from schemas.tenant_settings import TenantSettings
from schemas.topics import CONSENT_LOG
from streams.gate.asks import asking, asks_by_itself, now_stands, opened
from streams.gate.case import Case
from streams.gate.chain import linked
from streams.gate.decide import Ruling
from streams.gate.follow import Issued, Pending
from streams.gate.identity import sha256_of
from streams.gate.limits import ASK_EVERY
from streams.gate.own import BY, Draft, own_id, pending
from streams.gate.state import Ask, NumberRow
from streams.processing import Publication
from streams.reasons import NOT_OPTED_IN, moment

STANDS: Final = {Verdict.SEND: Ask.OUT, Verdict.HOLD: Ask.WAITING}
"""Where an ask stands after a verdict; any other has ended it."""


def is_wanted(case: Case, ruling: Ruling) -> bool:
    """The request waits, at least for consent, and nobody has asked yet."""
    if (
        case.own
        or ruling.verdict is not Verdict.HOLD
        or not asks_by_itself(case.standing, case.now)
    ):
        return False
    return any(found.rule == NOT_OPTED_IN.rule for found in ruling.findings)


def draft(tenant: TenantSettings, number: str, row: NumberRow, sender: str | None) -> Draft:
    """The next ask of this number.  `row` is the one from before it was opened; a sender that is not given is chosen as
    for any text."""
    ordinal = asking(row).count + 1
    return Draft(
        SystemKind.CONSENT_ASK, ordinal, tenant.tenant, number, sender, tenant.opt_in_request
    )


def before(case: Case, cause: Pending) -> tuple[Pending, NumberRow]:
    """The ask that goes ahead of the request of this case, and the number's row with it."""
    assert case.tenant is not None
    request = case.request
    ask = draft(case.tenant, case.number, case.standing, request.sender)
    about = ask._replace(
        branch=request.branch, time_zone=request.time_zone, postal_region=request.postal_region
    )
    return pending(about, cause.place, case.now), opened(case.standing)


def is_last_ask(row: NumberRow, tenant: str, number: str, message_id: str) -> bool:
    return message_id == own_id(SystemKind.CONSENT_ASK, tenant, number, asking(row).count)


def followed(case: Case, ruling: Ruling, cause: Pending, issued: Issued) -> Issued:
    """An ask's verdict shows in the number's row; one that goes out is entered in the consent log with its wording."""
    if not case.own or case.request.kind != SystemKind.CONSENT_ASK:
        return issued
    if not is_last_ask(case.standing, case.request.tenant, case.number, case.request.message_id):
        return issued
    stands = STANDS.get(ruling.verdict, Ask.FAILED)
    if stands is not Ask.OUT:
        return issued._replace(number=now_stands(issued.number, stands))
    row, change = linked(*_entered(case, cause, now_stands(issued.number, stands, case.now)))
    return issued._replace(number=row, publish=(*issued.publish, Publication(CONSENT_LOG, change)))


def _entered(case: Case, cause: Pending, row: NumberRow) -> tuple[NumberRow, ConsentChange]:
    assert case.tenant is not None
    request, by, again = (
        case.request,
        cause.claim,
        cause.message.seq > 0 and cause.message.issued_at is not None,
    )
    free = moment(case.now + ASK_EVERY, case.tenant.zone)
    wording = {
        "wording": request.body,
        "wording_version": case.tenant.consent_request.version,
        "wording_sha256": sha256_of(request.body),
    }
    change = ConsentChange(
        tenant=request.tenant,
        number=case.number,
        sender=case.sender,
        event_id=by.event_id if by else request.message_id,
        action=ConsentAction.ASK,
        source=by.source if by else BY,
        was=case.standing.state,
        now=row.state,
        applied=not again,
        reason=f"{'issued again, for it could not leave in time' if again else 'asked'}: the next may go {free}",
        consent_epoch=row.epoch,
        claimed_at=by.claimed_at if by else request.requested_at,
        at=case.now,
        evidence=(by.evidence if by else cause.place).model_copy(update=wording),
    )
    return row, change
