"""What holds of every set of findings and every request."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from schemas.consent import ConsentState
from schemas.decision import Finding, Verdict
from streams.gate.rules import CHECKS, Check, combine, evaluate
from tests.core.gate.cases import NOON, context

moments = st.none() | st.integers(1, 9999).map(lambda minutes: NOON + timedelta(minutes=minutes))
finding = st.builds(
    Finding,
    rule=st.just("r"),
    verdict=st.sampled_from(Verdict),
    reason=st.just("why"),
    until=moments,
)
findings = st.lists(finding, max_size=6)


@given(findings, findings)
def test_another_rule_never_loosens_a_verdict(some: list[Finding], more: list[Finding]) -> None:
    assert combine(some + more).verdict.strictness >= combine(some).verdict.strictness


@given(findings, findings)
def test_another_rule_never_ends_a_hold_sooner(some: list[Finding], more: list[Finding]) -> None:
    before, after = combine(some), combine(some + more)
    if before.verdict is after.verdict is Verdict.HOLD:
        assert after.until is None or (before.until is not None and after.until >= before.until)


@given(
    st.permutations(CHECKS),
    st.text(max_size=30),
    st.text(max_size=20),
    st.sampled_from(ConsentState),
)
def test_the_order_of_rules_only_orders_findings(
    checks: list[Check], body: str, to: str, consent: ConsentState
) -> None:
    asked = context(body=body, to=to, consent=consent)
    one, other = evaluate(asked), evaluate(asked, checks)
    assert (one.verdict, one.until) == (other.verdict, other.until)
    assert {found.rule for found in one.findings} == {found.rule for found in other.findings}


@given(
    st.text(max_size=1700),
    st.text(max_size=40),
    st.none() | st.text(max_size=20),
    st.text(max_size=12),
    st.none() | st.datetimes(timezones=st.just(NOON.tzinfo)),
    st.none() | st.datetimes(timezones=st.just(NOON.tzinfo)),
    st.datetimes(timezones=st.just(NOON.tzinfo)),
)
def test_every_request_gets_an_answer_in_words(
    body: str,
    to: str,
    sender: str | None,
    kind: str,
    not_before: datetime | None,
    valid_until: datetime | None,
    requested_at: datetime,
) -> None:
    asked = context(
        body=body,
        to=to,
        sender=sender,
        kind=kind,
        not_before=not_before,
        valid_until=valid_until,
        requested_at=requested_at,
    )
    verdict, found, _ = evaluate(asked)
    assert all(each.reason and each.next_step for each in found)
    assert (verdict is Verdict.SEND) == (
        not any(each.verdict is not Verdict.SEND for each in found)
    )
