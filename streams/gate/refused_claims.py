"""Claims that cannot be applied: about no number that could be texted, or for a tenant that nobody
knows.

Such a claim is a dead letter that says so.  If it takes consent away, what it may have meant is
blocked until a person has looked: the nearest numbers of the tenant, or the number at the tenants
whose names are near, or else at every tenant.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Final, NamedTuple

from schemas.consent import ConsentAction, ConsentEvent
from schemas.dead_letter import DeadLetterCause
from schemas.numbers import E164, e164
from schemas.topics import CONSENT_EVENTS, REPLIES
from streams.gate.consent_claims import Claim
from streams.gate.number_readings import find_readings
from streams.gate.number_validation import PROBLEMS, validate_number
from streams.gate.state import StepBuilder
from streams.processing import InputRecord

NEAR: Final = 0.8
"""How alike two tenants' names are, by `difflib`, if one may be a slip for the other."""


class Refusal(NamedTuple):
    cause: DeadLetterCause
    reason: str


UNKNOWN_TENANT: Final = Refusal(
    DeadLetterCause.UNKNOWN_TENANT,
    "it changed no consent, for no such tenant has been applied: "
    "apply the tenant or correct its name, then replay it",
)


def find_refusal(step: StepBuilder) -> Refusal | None:
    """Why no claim about this number of this tenant can be applied."""
    if problem := validate_number(step.phone).problem:
        reason, next_step = PROBLEMS[problem]
        words = f"{reason[:1].lower()}{reason[1:]}; {next_step}, then replay it"
        return Refusal(DeadLetterCause.NOT_A_NUMBER, f"it changed no consent: {words}")
    return None if step.tenant_id in step.settings.tenants else UNKNOWN_TENANT


def is_only_unset(refusal: Refusal) -> bool:
    """Whether all that is missing are the tenant's settings."""
    return refusal is UNKNOWN_TENANT


def block_meant(step: StepBuilder, record: InputRecord, claim: Claim | None = None) -> None:
    """Block what a record may have meant that takes consent away.

    Who the inbox or the gate itself names is who is meant: then there is nothing to guess."""
    if record.topic == REPLIES.name or (claim and claim.action == ConsentAction.UNREADABLE):
        return
    tenants = step.settings.tenants
    if e164(step.phone) != step.phone and E164.fullmatch(e164(step.phone)):
        # The key of a record that could not be read: a number in another writing.
        _block(step, record, step.tenant_id, step.phone, is_guess=False)
        return
    is_known = step.tenant_id in tenants
    for tenant in (step.tenant_id,) if is_known else _meant_tenants(step.tenant_id, tenants):
        if not validate_number(step.phone).problem:
            _block(step, record, tenant, step.phone, is_guess=False)
            continue
        readings = find_readings(step.phone, tenants[tenant].regions)
        for number in readings.likely:
            _block(step, record, tenant, number, is_guess=False)
        for number in readings.guesses:
            _block(step, record, tenant, number, is_guess=True)


def _meant_tenants(written: str, known: Iterable[str]) -> list[str]:
    """Those with a name like it; if there is none, it may be any of them."""
    names = sorted(known)
    near = [name for name in names if _is_near(written, name)]
    return near or names


def _is_near(written: str, name: str) -> bool:
    return SequenceMatcher(None, written.lower(), name.lower()).ratio() >= NEAR


def _block(
    step: StepBuilder, record: InputRecord, tenant: str, number: str, *, is_guess: bool
) -> None:
    event = ConsentEvent(
        event_id=record.event_id,
        tenant=tenant,
        number=e164(number),
        action=ConsentAction.UNREADABLE,
        source=record.topic,
        at=record.at,
        evidence=record.evidence,
        only_if_known=is_guess,
    )
    step.publish(CONSENT_EVENTS, event)
