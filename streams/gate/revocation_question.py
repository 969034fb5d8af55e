"""What somebody wrote may be an opt-out: automatic texts wait until staff have read it.

Theory of operation
-------------------
A reply that is read as `Meaning.POSSIBLE` changes no consent.  The consent log has it
(`maybe_revoked`), and the number's state a question.  While that is open:

- The rule `revocation_in_question` holds every automatic text.  What staff write by hand goes, and
  the answer to HELP.
- The epoch is raised and a Recall is published for every sender that texted the number: dispatch
  returns what is queued, and the gate holds it.  Nothing is canceled.

It is closed by an opt-out of any kind, by a later START, or by staff (`go_on`), who release what
waits.  If nobody answers within two business days, it is an opt-out, flagged like one in other
words: staff may still lift it.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Final

from schemas.consent import ConsentAction, ConsentState
from streams.gate.consent_claims import Claim
from streams.gate.consent_state import ClaimResult, apply_claim
from streams.gate.messages import SYSTEM
from streams.gate.state import NumberState, RevocationQuestion
from streams.local_time.business_days import add_business_days
from streams.reasons import format_time

BUSINESS_DAYS: Final = 2
"""The law leaves ten (47 CFR 64.1200(a)(10))."""

TEXT_AT_MOST: Final = 1_600
"""Characters of what they wrote that the number's state keeps: what a phone sends at most."""


def open_question(number: NumberState, claim: Claim, zone: tzinfo) -> ClaimResult:
    if number.state is ConsentState.OPTED_OUT:
        return ClaimResult(number, False, "had opted out already")
    if number.question is not None:
        return ClaimResult(number, False, "it is in question already whether they opted out")
    since = datetime.fromtimestamp(claim.at_ms / 1000, UTC)
    opt_out_at = add_business_days(since, BUSINESS_DAYS, zone)
    text = claim.evidence.text
    question = RevocationQuestion(
        since_ms=claim.at_ms,
        opt_out_at=opt_out_at,
        event_id=claim.event_id,
        read_by=claim.read_by,
        evidence=claim.cause.model_copy(update={"text": text and text[:TEXT_AT_MOST]}),
    )
    found = f" ({claim.read_by})" if claim.read_by else ""
    reason = (
        f"it may be an opt-out{found}: automatic texts wait until somebody has read it; "
        f"unanswered, it is one from {format_time(opt_out_at, zone)}"
    )
    after = number.model_copy(update={"question": question, "epoch": number.epoch + 1})
    return ClaimResult(after, True, reason, recall_at=number.senders)


def opt_out_unanswered(number: NumberState) -> tuple[Claim, ClaimResult]:
    """Nobody has read it in time: it counts from when it was written."""
    question = number.question
    assert question is not None
    claim = Claim(
        question.event_id,
        ConsentAction.OPT_OUT,
        SYSTEM,
        None,
        question.opt_out_at,
        question.since_ms,
        question.evidence,
        flagged=True,
        read_by=question.read_by,
    )
    found = f" ({question.read_by})" if question.read_by else ""
    reason = (
        f"nobody has read for two business days what may be an opt-out{found}: opted out, "
        "to be confirmed or lifted"
    )
    return claim, apply_claim(number, claim)._replace(reason=reason)
