"""Whatever is approved, whenever: every other rule stands as it stood, and nothing leaves that
nobody has approved."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from schemas.approval import Approval, ApprovalAction
from schemas.consent import ConsentEvent, ConsentState
from schemas.send import Returned
from schemas.send_request import CancelRequest, Kind
from schemas.tenant_settings import Branch
from schemas.topics import APPROVAL_LOG, DISPATCH_ORDERS
from streams.gate.rule_context import RuleContext
from streams.gate.rules import evaluate
from streams.gate.state import NUMBER, ApprovedBy, NumberState
from streams.processing import Publication
from tests.core.gate.cases import NOON, PHONE, context, gate_processor, opt_in, opt_out, request
from tests.core.harness import on_topic

moments = st.datetimes(datetime(2026, 11, 1), datetime(2026, 12, 31), timezones=st.just(UTC))
policies = st.fixed_dictionaries(
    {},
    optional={
        "entitled": st.booleans(),
        "regions": st.just(("CA",)),
        "when": st.just({"quiet_hours": {"before": "08:00", "after": "21:00"}}),
    },
)
BY = ApprovedBy(by="dana", at=NOON)


@given(
    st.sampled_from(ConsentState),
    policies,
    st.sampled_from(Kind),
    st.sampled_from(["court", "intake", None]),
    st.text(max_size=20),
    st.sampled_from([PHONE, "+1212555", "+442079460000"]),
    moments,
    moments,
    st.none() | moments,
    st.none() | moments,
)
def test_an_approval_takes_one_finding_away_and_no_other(
    consent: ConsentState,
    policy: dict[str, Any],
    kind: Kind,
    branch: str | None,
    body: str,
    to: str,
    received: datetime,
    now: datetime,
    not_before: datetime | None,
    valid_until: datetime | None,
) -> None:
    """Approved is as if the branch had never asked; not approved is at least as strict."""
    asked = {
        "consent": consent,
        "kind": kind,
        "branch": branch,
        "body": body,
        "to": to,
        "received": min(received, now),
        "now": now,
        "requested_at": min(received, now),
        "not_before": not_before,
        "valid_until": valid_until,
    }
    asks = {**policy, "branches": {"court": Branch(send_immediately=False)}}
    waiting: RuleContext = context(policy=asks, **asked)
    approved, free = waiting._replace(approved=BY), context(policy=policy, **asked)
    seen, unasked = evaluate(approved), evaluate(free)
    assert seen.verdict is unasked.verdict
    assert [found for found in seen.findings if found.rule != "approved"] == list(unasked.findings)
    assert evaluate(waiting).verdict.strictness >= unasked.verdict.strictness


class Court(RuleBasedStateMachine):
    """One number, and a branch that sees its texts first.  The model: what was approved by its
    own text while it waits, and not rejected since."""

    def __init__(self) -> None:
        super().__init__()
        self.processor = gate_processor(branches={"court": Branch(send_immediately=False)})
        self.ids = count()
        self.texts: dict[str, str] = {"never-asked": ""}
        self.approved: set[str] = set()

    @rule()
    def a_request(self) -> None:
        name = f"m{next(self.ids)}"
        self.texts[name] = f"text {name}"
        record = request(
            message_id=name, branch="court", body=self.texts[name], requested_at=self.processor.now
        )
        self._check(self.processor.publish_from(record))

    @rule(by=st.sampled_from([opt_in, opt_out]))
    def consent(self, by: Callable[[], ConsentEvent]) -> None:
        self._check(self.processor.publish_from(by(), at=self.processor.now + timedelta(seconds=1)))

    @rule(place=st.integers(0, 9), action=st.sampled_from(ApprovalAction), changed=st.booleans())
    def a_word_of_staff(self, place: int, action: ApprovalAction, changed: bool) -> None:
        name = self._name(place)
        held = f"held/{name}" in self.processor.state.raw
        told = self.processor.publish_from(
            said(f"a{next(self.ids)}", name, action, self.texts[name] + "!" * changed)
        )
        (answer,) = on_topic(APPROVAL_LOG, told)
        assert answer.reason
        assert held or not answer.applied
        if action is ApprovalAction.APPROVE and answer.applied:
            assert not changed
            assert name not in self.approved
            self.approved.add(name)
        if action is ApprovalAction.REJECT and answer.applied:
            self.approved.discard(name)
        self._check(told)

    @rule(place=st.integers(0, 9))
    def a_cancel(self, place: int) -> None:
        self._check(
            self.processor.publish_from(
                CancelRequest(tenant="acme", number=PHONE, message_id=self._name(place), at=NOON)
            )
        )

    @rule(place=st.integers(0, 9))
    def an_order_comes_back(self, place: int) -> None:
        orders = [
            one
            for one in self.processor.published_on(DISPATCH_ORDERS)
            if one.message_id in self.texts
        ]
        if orders:
            self._check(
                self.processor.publish_from(
                    Returned(
                        order=orders[place % len(orders)], reason="late", at=self.processor.now
                    )
                )
            )

    @rule(span=st.sampled_from([timedelta(hours=1), timedelta(days=31)]))
    def time_passes(self, span: timedelta) -> None:
        self._check(self.processor.run_until(self.processor.now + span))

    def _name(self, place: int) -> str:
        return [*self.texts][-1 - place % len(self.texts)]

    def _check(self, told: list[Publication]) -> None:
        """Only what was approved goes, and only where every other rule lets it."""
        row = self.processor.state.get(NUMBER, NumberState) or NumberState()
        for order in (
            one for one in on_topic(DISPATCH_ORDERS, told) if one.message_id in self.texts
        ):
            assert order.message_id in self.approved
            assert order.body == self.texts[order.message_id]
            assert row.state is ConsentState.OPTED_IN
            assert order.consent_epoch == row.epoch


Court.TestCase.settings = hypothesis_settings(
    max_examples=80, stateful_step_count=25, deadline=None
)
TestCourt = Court.TestCase


def said(approval_id: str, message_id: str, action: ApprovalAction, text: str) -> Approval:
    return Approval(
        approval_id=approval_id,
        tenant="acme",
        number=PHONE,
        message_id=message_id,
        action=action,
        by="dana",
        at=NOON,
        body_sha256=hashlib.sha256(text.encode()).hexdigest(),
    )
