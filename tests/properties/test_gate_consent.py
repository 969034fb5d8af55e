"""One number's life at the gate: requests, consent from two sides, asks by hand and by itself,
failures, returns and time, in any order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from schemas.base import Message
from schemas.consent import ConsentEvent, ConsentState
from schemas.decision import Verdict
from schemas.inbound import Reply
from schemas.send import Returned, Send
from schemas.send_request import SendRequest
from schemas.topics import (
    CONSENT_LOG,
    CONSENT_STATUS,
    DECISIONS,
    DISPATCH_CONTROLS,
    DISPATCH_ORDERS,
)
from streams.gate.state import NUMBER, NumberState
from streams.processing import Publication
from tests.core.gate.cases import ask, ask_failed, gate_processor, opt_in, opt_out, reply, request
from tests.core.harness import on_topic

IN, OUT, NONE, PENDING = (
    ConsentState.OPTED_IN,
    ConsentState.OPTED_OUT,
    ConsentState.NONE,
    ConsentState.PENDING,
)
NEED_NO_YES = {
    "consent_ask",
    "stop_confirmation",
    "start_confirmation",
    "help_answer",
    "opt_in_hint",
}
A_DAY = timedelta(days=1)
seconds = st.integers(-20, 20).map(lambda count: timedelta(seconds=count))
spans = st.sampled_from(
    [timedelta(seconds=1), timedelta(hours=1), A_DAY, timedelta(days=2), timedelta(days=31)]
)


class Gate(RuleBasedStateMachine):
    """The model: consent is where the last fact that counted put it; a yes counts unless an
    opt-out stands that is not earlier by append time.  Without either it is pending while an ask
    is out that has not failed."""

    said = Bundle("said")
    asked = Bundle("asked")

    def __init__(self) -> None:
        super().__init__()
        self.processor = gate_processor()
        self.settled: ConsentState | None = None
        self.since: datetime | None = None
        self.known: set[str] = set()
        self.ids: set[str] = set()
        self.failed: dict[str, datetime] = {}
        self.epoch = 0

    # --- facts

    @rule(target=said, by=st.sampled_from([opt_in, opt_out]), shift=seconds)
    def consent_event(
        self, by: Callable[..., ConsentEvent], shift: timedelta
    ) -> ConsentEvent | Reply:
        return self._consent(by(at=self.processor.now + shift), shift)

    @rule(
        target=said,
        word=st.sampled_from(["STOP", "start", "Unstop.", "unsubscribe"]),
        shift=seconds,
    )
    def keyword(self, word: str, shift: timedelta) -> ConsentEvent | Reply:
        return self._consent(reply(word), shift)

    @rule(record=said, shift=seconds)
    def repeat_of_consent(self, record: ConsentEvent | Reply, shift: timedelta) -> None:
        before = dict(self.processor.state.raw)
        forgotten = _identity(record) not in self.known
        if not forgotten:
            assert self.processor.publish_from(record, at=self.processor.now + shift) == []
            assert self.processor.state.raw == before

    @rule(word=st.sampled_from(["help", "INFO", "what is this?"]))
    def a_question(self, word: str) -> None:
        """A clock that was ahead of ours shows nothing here: it holds, and the model counts on
        none."""
        self._tell(reply(word))

    @rule()
    def an_ask_by_hand(self) -> None:
        self._tell(ask())

    @rule(place=st.integers(0, 20))
    def an_ask_fails(self, place: int) -> None:
        if asks := self._asks():
            failing = asks[place % len(asks)].message_id
            out = self._verdicts()[failing] is Verdict.SEND and failing not in self.failed
            last = asks[-1].message_id == failing and out
            published = self._tell(ask_failed(message_id=failing))
            (change,) = on_topic(CONSENT_LOG, published)
            assert change.applied == last
            if last:
                self.failed[failing] = self.processor.now

    @rule(
        target=asked,
        later=st.none() | spans,
        valid=st.none() | spans,
        sender=st.sampled_from([None, "+12125550111"]),
    )
    def a_request(
        self, later: timedelta | None, valid: timedelta | None, sender: str | None
    ) -> SendRequest:
        now = self.processor.now
        record = request(
            requested_at=now,
            sender=sender,
            not_before=later and now + later,
            valid_until=valid and now + valid,
        )
        self.ids.add(record.message_id)
        decisions = on_topic(DECISIONS, self._tell(record))
        assert [
            decision.message_id for decision in decisions if decision.kind not in NEED_NO_YES
        ] == [record.message_id]
        return record

    @rule(record=asked)
    def repeat_of_a_request(self, record: SendRequest) -> None:
        if f"msg/{record.message_id}" in self.processor.state.raw:
            assert self._tell(record) == []

    @rule(place=st.integers(0, 50))
    def an_order_comes_back(self, place: int) -> None:
        if orders := self.processor.published_on(DISPATCH_ORDERS):
            order = orders[place % len(orders)]
            if (
                f"msg/{order.message_id}" in self.processor.state.raw
                and order.message_id not in self.failed
            ):
                self.processor.now += timedelta(milliseconds=1)
                self._tell(Returned(order=order, reason="late", at=self.processor.now))

    @rule(span=spans)
    def time_passes(self, span: timedelta) -> None:
        self._check(self.processor.run_until(self.processor.now + span))
        self.known = {name for name in self.known if name in self.processor.state.raw}

    # --- what always holds

    @invariant()
    def the_standing_state_is_the_models(self) -> None:
        out = {order.message_id for order in self._asks()} - self.failed.keys()
        unanswered = any(self._verdicts()[identity] is Verdict.SEND for identity in out)
        assert self._row().state is (self.settled or (PENDING if unanswered else NONE))

    @invariant()
    def the_status_is_the_rows(self) -> None:
        statuses = self.processor.published_on(CONSENT_STATUS)
        assert (statuses[-1].state if statuses else NONE) is self._row().state

    @invariant()
    def no_two_asks_go_out_within_24_hours_unless_the_first_failed(self) -> None:
        for one, other in pairwise(self._asks()):
            if one.message_id != other.message_id and one.message_id not in self.failed:
                assert other.issued_at - one.issued_at >= A_DAY

    @invariant()
    def the_epoch_never_falls(self) -> None:
        assert self._row().epoch >= self.epoch
        self.epoch = self._row().epoch

    @invariant()
    def every_request_has_one_decision_that_holds(self) -> None:
        seqs: dict[str, list[int]] = {}
        own: set[str] = set()
        for decision in self.processor.published_on(DECISIONS):
            seqs.setdefault(decision.message_id, []).append(decision.seq)
            own |= {decision.message_id} if decision.kind in NEED_NO_YES else set()
        assert seqs.keys() - own == self.ids
        assert all(counted == list(range(1, len(counted) + 1)) for counted in seqs.values())

    @invariant()
    def what_is_held_is_what_was_last_decided_to_wait(self) -> None:
        held = {name.removeprefix("held/") for name in self.processor.state.names("held/")}
        assert held == {
            identity for identity, verdict in self._verdicts().items() if verdict is Verdict.HOLD
        }
        assert all(f"held/{identity}" in self.processor.timers for identity in held)

    @invariant()
    def there_is_an_order_for_each_decision_to_send(self) -> None:
        sent = Counter(
            d.message_id
            for d in self.processor.published_on(DECISIONS)
            if d.verdict is Verdict.SEND
        )
        assert sent == Counter(
            order.message_id for order in self.processor.published_on(DISPATCH_ORDERS)
        )

    # --- the model

    def _consent(self, record: ConsentEvent | Reply, shift: timedelta) -> ConsentEvent | Reply:
        at = self.processor.now + shift
        stop = getattr(record, "action", None) == "opt_out" or getattr(record, "body", "") in (
            "STOP",
            "unsubscribe",
        )
        counts = stop or self.settled is not OUT or self.since is None or at > self.since
        if counts:
            self.settled = OUT if stop else IN
            self.since = at if self.since is None else max(self.since, at)
        self.known.add(_identity(record))
        texted = {order.sender for order in self.processor.published_on(DISPATCH_ORDERS)}
        out_before = self._row().state is OUT
        published = self._tell(record, at)
        stops = {
            control.sender: control.consent_epoch
            for control in on_topic(DISPATCH_CONTROLS, published)
        }
        assert stops == (
            dict.fromkeys(texted, self._row().epoch) if stop and not out_before else {}
        )
        return record

    def _tell(self, record: Message, at: datetime | None = None) -> list[Publication]:
        published = self.processor.publish_from(record, at=at)
        self._check(published)
        return published

    def _check(self, published: list[Publication]) -> None:
        """Nothing is ordered but for somebody who is opted in now, under the epoch that stands
        now, or of the few kinds that need no yes; and no ask for somebody who has opted out."""
        row = self._row()
        for order in on_topic(DISPATCH_ORDERS, published):
            assert order.kind in NEED_NO_YES or row.state is IN
            assert order.consent_epoch == row.epoch
            assert (order.kind, row.state) != ("consent_ask", OUT)

    def _verdicts(self) -> dict[str, Verdict]:
        return {
            decision.message_id: decision.verdict
            for decision in self.processor.published_on(DECISIONS)
        }

    def _asks(self) -> list[Send]:
        return [
            order
            for order in self.processor.published_on(DISPATCH_ORDERS)
            if order.kind == "consent_ask"
        ]

    def _row(self) -> NumberState:
        return self.processor.state.get(NUMBER, NumberState) or NumberState()


def _identity(record: ConsentEvent | Reply) -> str:
    return (
        f"ev/{record.event_id}" if isinstance(record, ConsentEvent) else f"in/{record.provider_id}"
    )


Gate.TestCase.settings = hypothesis_settings(max_examples=80, stateful_step_count=30, deadline=None)
TestGate = Gate.TestCase
