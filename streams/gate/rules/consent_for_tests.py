from __future__ import annotations

from schemas.consent_status import ConsentState
from schemas.decision import Finding, Verdict
from schemas.send_request import Kind
from streams.gate.case import Case


def consent_for_tests(case: Case) -> Finding | None:
    """A test is for somebody who is looking at their phone now: it does not wait for consent."""
    if case.request.kind != Kind.TEST or case.standing.state is ConsentState.OPTED_IN:
        return None
    return Finding(
        rule="consent_for_tests",
        verdict=Verdict.REJECT,
        reason="A test goes only to a number that has opted in",
        next_step="opt your own number in first",
    )
