"""One number's life at the gate: requests, consent from two sides, asks by hand and by itself, failures, returns and
time, in any order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from schemas.base import Message
from schemas.consent_event import ConsentEvent
from schemas.consent_status import ConsentState
from schemas.decision import Verdict
from schemas.reply import Reply
from schemas.returned import Returned
from schemas.send import Send
from schemas.send_request import SendRequest
from schemas.topics import (
    CONSENT_LOG,
    CONSENT_STATUS,
    DECISIONS,
    DISPATCH_CONTROLS,
    DISPATCH_ORDERS,
)
from streams.gate.rows import NUMBER, NumberRow
from streams.step import Publication
from tests.core.gate.cases import ask, ask_failed, opt_in, opt_out, played, reply, request
from tests.core.playing import of

IN, OUT, NONE, PENDING = (
    ConsentState.OPTED_IN,
    ConsentState.OPTED_OUT,
    ConsentState.NONE,
    ConsentState.PENDING,
)
NEED_NO_YES = {"consent_ask", "stop_confirmation", "start_confirmation", "help_answer"}
A_DAY = timedelta(days=1)
seconds = st.integers(-20, 20).map(lambda count: timedelta(seconds=count))
spans = st.sampled_from(
    [timedelta(seconds=1), timedelta(hours=1), A_DAY, timedelta(days=2), timedelta(days=31)]
)


class Gate(RuleBasedStateMachine):
    """The model: consent is where the last fact that counted put it; a yes counts unless an opt-out stands that is
    not earlier by append time.  Without either it is pending while an ask is out that has not failed."""

    said = Bundle("said")
    asked = Bundle("asked")

    def __init__(self) -> None:
        super().__init__()
        self.room = played()
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
        return self._consent(by(at=self.room.now + shift), shift)

    @rule(
        target=said,
        word=st.sampled_from(["STOP", "start", "Unstop.", "unsubscribe"]),
        shift=seconds,
    )
    def keyword(self, word: str, shift: timedelta) -> ConsentEvent | Reply:
        return self._consent(reply(word), shift)

    @rule(fact=said, shift=seconds)
    def repeat_of_consent(self, fact: ConsentEvent | Reply, shift: timedelta) -> None:
        before = dict(self.room.rows.raw)
        forgotten = _identity(fact) not in self.known
        if not forgotten:
            assert self.room.tell(fact, at=self.room.now + shift) == []
            assert self.room.rows.raw == before

    @rule(word=st.sampled_from(["help", "INFO", "what is this?"]))
    def a_question(self, word: str) -> None:
        """A clock that was ahead of ours shows nothing here: it holds, and the model counts on none."""
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
            (change,) = of(CONSENT_LOG, published)
            assert change.applied == last
            if last:
                self.failed[failing] = self.room.now

    @rule(
        target=asked,
        later=st.none() | spans,
        valid=st.none() | spans,
        sender=st.sampled_from([None, "+12125550111"]),
    )
    def a_request(
        self, later: timedelta | None, valid: timedelta | None, sender: str | None
    ) -> SendRequest:
        now = self.room.now
        fact = request(
            requested_at=now,
            sender=sender,
            not_before=later and now + later,
            valid_until=valid and now + valid,
        )
        self.ids.add(fact.message_id)
        decisions = of(DECISIONS, self._tell(fact))
        assert [
            decision.message_id for decision in decisions if decision.kind not in NEED_NO_YES
        ] == [fact.message_id]
        return fact

    @rule(fact=asked)
    def repeat_of_a_request(self, fact: SendRequest) -> None:
        if f"msg/{fact.message_id}" in self.room.rows.raw:
            assert self._tell(fact) == []

    @rule(place=st.integers(0, 50))
    def an_order_comes_back(self, place: int) -> None:
        if orders := self.room.all(DISPATCH_ORDERS):
            order = orders[place % len(orders)]
            if (
                f"msg/{order.message_id}" in self.room.rows.raw
                and order.message_id not in self.failed
            ):
                self.room.now += timedelta(milliseconds=1)
                self._tell(Returned(order=order, reason="late", at=self.room.now))

    @rule(span=spans)
    def time_passes(self, span: timedelta) -> None:
        self._check(self.room.until(self.room.now + span))
        self.known = {name for name in self.known if name in self.room.rows.raw}

    # --- what always holds

    @invariant()
    def the_standing_state_is_the_models(self) -> None:
        out = {order.message_id for order in self._asks()} - self.failed.keys()
        unanswered = any(self._verdicts()[identity] is Verdict.SEND for identity in out)
        assert self._row().state is (self.settled or (PENDING if unanswered else NONE))

    @invariant()
    def the_status_is_the_rows(self) -> None:
        statuses = self.room.all(CONSENT_STATUS)
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
        for decision in self.room.all(DECISIONS):
            seqs.setdefault(decision.message_id, []).append(decision.seq)
            own |= {decision.message_id} if decision.kind in NEED_NO_YES else set()
        assert seqs.keys() - own == self.ids
        assert all(counted == list(range(1, len(counted) + 1)) for counted in seqs.values())

    @invariant()
    def what_is_held_is_what_was_last_decided_to_wait(self) -> None:
        held = {name.removeprefix("held/") for name in self.room.rows.names("held/")}
        assert held == {
            identity for identity, verdict in self._verdicts().items() if verdict is Verdict.HOLD
        }
        assert all(f"held/{identity}" in self.room.wakes for identity in held)

    @invariant()
    def there_is_an_order_for_each_decision_to_send(self) -> None:
        sent = Counter(d.message_id for d in self.room.all(DECISIONS) if d.verdict is Verdict.SEND)
        assert sent == Counter(order.message_id for order in self.room.all(DISPATCH_ORDERS))

    # --- the model

    def _consent(self, fact: ConsentEvent | Reply, shift: timedelta) -> ConsentEvent | Reply:
        at = self.room.now + shift
        stop = getattr(fact, "action", None) == "opt_out" or getattr(fact, "body", "") in (
            "STOP",
            "unsubscribe",
        )
        counts = stop or self.settled is not OUT or self.since is None or at > self.since
        if counts:
            self.settled = OUT if stop else IN
            self.since = at if self.since is None else max(self.since, at)
        self.known.add(_identity(fact))
        texted = {order.sender for order in self.room.all(DISPATCH_ORDERS)}
        out_before = self._row().state is OUT
        published = self._tell(fact, at)
        stops = {
            control.sender: control.consent_epoch for control in of(DISPATCH_CONTROLS, published)
        }
        assert stops == (
            dict.fromkeys(texted, self._row().epoch) if stop and not out_before else {}
        )
        return fact

    def _tell(self, fact: Message, at: datetime | None = None) -> list[Publication]:
        published = self.room.tell(fact, at=at)
        self._check(published)
        return published

    def _check(self, published: list[Publication]) -> None:
        """Nothing is ordered but for somebody who is opted in now, under the epoch that stands now, or of the few
        kinds that need no yes; and no ask for somebody who has opted out."""
        row = self._row()
        for order in of(DISPATCH_ORDERS, published):
            assert order.kind in NEED_NO_YES or row.state is IN
            assert order.consent_epoch == row.epoch
            assert (order.kind, row.state) != ("consent_ask", OUT)

    def _verdicts(self) -> dict[str, Verdict]:
        return {decision.message_id: decision.verdict for decision in self.room.all(DECISIONS)}

    def _asks(self) -> list[Send]:
        return [order for order in self.room.all(DISPATCH_ORDERS) if order.kind == "consent_ask"]

    def _row(self) -> NumberRow:
        return self.room.rows.get(NUMBER, NumberRow) or NumberRow()


def _identity(fact: ConsentEvent | Reply) -> str:
    return f"ev/{fact.event_id}" if isinstance(fact, ConsentEvent) else f"in/{fact.provider_id}"


Gate.TestCase.settings = hypothesis_settings(max_examples=80, stateful_step_count=30, deadline=None)
TestGate = Gate.TestCase
