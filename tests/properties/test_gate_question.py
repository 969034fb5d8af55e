"""One number's life at the gate while it comes and goes that somebody may have opted out: in any
order, no automatic text is ordered while that is open, and no text is lost."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from schemas.base import Message
from schemas.controls import Recall
from schemas.decision import Verdict
from schemas.send import Returned
from schemas.topics import (
    CONSENT_LOG,
    CONSENT_STATUS,
    DECISIONS,
    DISPATCH_CONTROLS,
    DISPATCH_ORDERS,
)
from streams.gate.consent_log import find_flaws
from streams.gate.state import NUMBER, NumberState
from streams.processing import Publication
from tests.core.gate.cases import (
    ask,
    gate_processor,
    go_on,
    opt_in,
    opt_out,
    recorded,
    reply,
    request,
)
from tests.core.harness import on_topic

MAYBE = ["fin", "alto", "FIN!", "no", "👎"]
OTHERS = ["START", "STOP", "YES", "HELP", "ok", "who is this?", "please stop texting me"]
ANSWERS = {"help_answer", "stop_confirmation"}
seconds = st.integers(-20, 20).map(lambda count: timedelta(seconds=count))
spans = st.sampled_from([timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)])


class Question(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.processor = gate_processor()
        self.by_hand: set[str] = set()
        self.asked: set[str] = set()

    @rule(body=st.sampled_from([*MAYBE, *OTHERS]), shift=seconds)
    def they_write(self, body: str, shift: timedelta) -> None:
        before = self._number()
        published = self._tell(reply(body), shift)
        recalls = [one for one in on_topic(DISPATCH_CONTROLS, published) if isinstance(one, Recall)]
        after = self._number()
        is_opened = before.question is None and after.question is not None
        assert {one.sender for one in recalls} == (set(before.senders) if is_opened else set())
        assert {one.consent_epoch for one in recalls} <= {after.epoch}
        assert not is_opened or after.state is before.state

    @rule(by=st.sampled_from([opt_in, opt_out, recorded, ask, go_on]), shift=seconds)
    def an_event(self, by: object, shift: timedelta) -> None:
        assert callable(by)
        self._tell(by(at=self.processor.now + shift), shift)

    @rule(written_by=st.sampled_from([None, None, "dana", " "]))
    def a_request(self, written_by: str | None) -> None:
        record = request(requested_at=self.processor.now, written_by=written_by)
        self.asked.add(record.message_id)
        if (written_by or "").strip():
            self.by_hand.add(record.message_id)
        self._tell(record)

    @rule(place=st.integers(0, 50))
    def an_order_is_recalled(self, place: int) -> None:
        if orders := self.processor.published_on(DISPATCH_ORDERS):
            order = orders[place % len(orders)]
            if f"msg/{order.message_id}" in self.processor.state.raw:
                self.processor.now += timedelta(milliseconds=1)
                at = self.processor.now
                self._tell(Returned(order=order, reason="recalled", code="recalled", at=at))

    @rule(span=spans)
    def time_passes(self, span: timedelta) -> None:
        self._check(self.processor.run_until(self.processor.now + span))

    # --- what always holds

    @invariant()
    def an_open_question_has_a_time(self) -> None:
        question = self._number().question
        if question is not None:
            assert self.processor.timers[NUMBER] <= question.opt_out_at
            assert self.processor.now <= question.opt_out_at

    @invariant()
    def the_status_tells_it(self) -> None:
        statuses = self.processor.published_on(CONSENT_STATUS)
        is_told = bool(statuses) and statuses[-1].in_question is not None
        assert is_told is (self._number().question is not None)

    @invariant()
    def no_text_is_lost(self) -> None:
        held = {name.removeprefix("held/") for name in self.processor.state.names("held/")}
        last = {one.message_id: one.verdict for one in self.processor.published_on(DECISIONS)}
        assert self.asked <= last.keys()
        assert {name for name, verdict in last.items() if verdict is Verdict.HOLD} == held
        assert Verdict.CANCEL not in {last[name] for name in self.asked}

    def teardown(self) -> None:
        entries = self.processor.published_on(CONSENT_LOG)
        assert find_flaws(e.model_dump(mode="json", exclude_none=True) for e in entries) == ()

    def _tell(self, record: Message, shift: timedelta = timedelta()) -> list[Publication]:
        published = self.processor.publish_from(record, at=self.processor.now + shift)
        self._check(published)
        return published

    def _check(self, published: list[Publication]) -> None:
        number = self._number()
        if number.question is None:
            return
        for order in on_topic(DISPATCH_ORDERS, published):
            assert order.kind in ANSWERS or order.message_id in self.by_hand
            assert order.consent_epoch == number.epoch

    def _number(self) -> NumberState:
        return self.processor.state.get(NUMBER, NumberState) or NumberState()


Question.TestCase.settings = hypothesis_settings(
    max_examples=60, stateful_step_count=30, deadline=None
)
TestQuestion = Question.TestCase
