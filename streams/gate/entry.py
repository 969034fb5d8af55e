"""A claim's entry in the consent log, whether it changed anything or not."""

from __future__ import annotations

from datetime import datetime

from schemas.consent_change import ConsentChange
from schemas.topics import CONSENT_LOG
from streams.gate.chain import linked
from streams.gate.claims import Claim
from streams.gate.consent import Weighed
from streams.gate.state import NUMBER, NumberRow
from streams.processing import Publication, StepResult


def entered(
    entity_key: str, claim: Claim, before: NumberRow, weighed: Weighed, now: datetime
) -> tuple[NumberRow, StepResult]:
    """The number's row, which remembers where its log ends, and the step that says so."""
    tenant, _, number = entity_key.partition("/")
    change = ConsentChange(
        tenant=tenant,
        number=number,
        sender=claim.sender,
        event_id=claim.event_id,
        action=claim.action,
        source=claim.source,
        was=before.state,
        now=weighed.row.state,
        applied=weighed.applied,
        flagged=claim.flagged and weighed.applied,
        reason=weighed.reason,
        consent_epoch=weighed.row.epoch,
        claimed_at=claim.claimed_at,
        at=now,
        evidence=claim.evidence,
    )
    row, entry = linked(weighed.row, change)
    return row, StepResult({NUMBER: row}, (Publication(CONSENT_LOG, entry),))
