"""One number's life at the gate: requests, consent from two sides, returns and time, in any order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from schemas.base import Message
from schemas.consent_event import ConsentEvent
from schemas.consent_status import ConsentState
from schemas.decision import Verdict
from schemas.reply import Reply
from schemas.returned import Returned
from schemas.send_request import SendRequest
from schemas.topics import CONSENT_LOG, CONSENT_STATUS, DECISIONS, DISPATCH_CONTROLS, DISPATCH_ORDERS
from streams.gate.rows import NUMBER, NumberRow
from streams.step import Publication
from tests.core.gate.cases import opt_in, opt_out, played, reply, request
from tests.core.playing import of

IN, OUT, UNKNOWN = ConsentState.OPTED_IN, ConsentState.OPTED_OUT, ConsentState.UNKNOWN
seconds = st.integers(-20, 20).map(lambda count: timedelta(seconds=count))
spans = st.sampled_from([timedelta(seconds=1), timedelta(hours=1), timedelta(days=2), timedelta(days=31)])


class Gate(RuleBasedStateMachine):
    """The model: consent is where the last fact that counted put it; a yes counts unless an opt-out stands that is
    not earlier by append time; the word YES counts only where an opt-out stands."""

    said = Bundle("said")
    asked = Bundle("asked")

    def __init__(self) -> None:
        super().__init__()
        self.room = played()
        self.state = UNKNOWN
        self.since: datetime | None = None
        self.known: set[str] = set()
        self.ids: set[str] = set()
        self.epoch = 0

    # --- facts

    @rule(target=said, by=st.sampled_from([opt_in, opt_out]), shift=seconds)
    def consent_event(self, by: Callable[[], ConsentEvent], shift: timedelta) -> ConsentEvent | Reply:
        return self._consent(by(), shift)

    @rule(target=said, word=st.sampled_from(["STOP", "start", "Yes.", "unsubscribe", "leave me alone"]), shift=seconds)
    def keyword(self, word: str, shift: timedelta) -> ConsentEvent | Reply:
        return self._consent(reply(word), shift)

    @rule(fact=said, shift=seconds)
    def repeat_of_consent(self, fact: ConsentEvent | Reply, shift: timedelta) -> None:
        before = dict(self.room.rows.raw)
        forgotten = _identity(fact) not in self.known
        if not forgotten:
            assert self.room.tell(fact, at=self.room.now + shift) == []
            assert self.room.rows.raw == before

    @rule(
        target=asked, later=st.none() | spans, valid=st.none() | spans, sender=st.sampled_from([None, "+12125550111"])
    )
    def ask(self, later: timedelta | None, valid: timedelta | None, sender: str | None) -> SendRequest:
        now = self.room.now
        fact = request(
            requested_at=now, sender=sender, not_before=later and now + later, valid_until=valid and now + valid
        )
        self.ids.add(fact.message_id)
        assert len(of(DECISIONS, self._tell(fact))) == 1
        return fact

    @rule(fact=asked)
    def repeat_of_a_request(self, fact: SendRequest) -> None:
        if f"msg/{fact.message_id}" in self.room.rows.raw:
            assert self._tell(fact) == []

    @rule(place=st.integers(0, 50))
    def an_order_comes_back(self, place: int) -> None:
        if orders := self.room.all(DISPATCH_ORDERS):
            order = orders[place % len(orders)]
            if f"msg/{order.message_id}" in self.room.rows.raw:
                self.room.now += timedelta(milliseconds=1)
                self._tell(Returned(order=order, reason="late", at=self.room.now))

    @rule(span=spans)
    def time_passes(self, span: timedelta) -> None:
        self._check(self.room.until(self.room.now + span))
        self.known = {name for name in self.known if name in self.room.rows.raw}

    # --- what always holds

    @invariant()
    def the_standing_state_is_the_models(self) -> None:
        row = self.room.rows.get(NUMBER, NumberRow) or NumberRow()
        assert row.state is self.state
        statuses = self.room.all(CONSENT_STATUS)
        assert [change.now for change in self.room.all(CONSENT_LOG) if change.applied] == [s.state for s in statuses]

    @invariant()
    def the_epoch_never_falls(self) -> None:
        row = self.room.rows.get(NUMBER, NumberRow) or NumberRow()
        assert row.epoch >= self.epoch
        self.epoch = row.epoch

    @invariant()
    def every_request_has_one_decision_that_holds(self) -> None:
        seqs: dict[str, list[int]] = {}
        for decision in self.room.all(DECISIONS):
            seqs.setdefault(decision.message_id, []).append(decision.seq)
        assert seqs.keys() == self.ids
        assert all(counted == list(range(1, len(counted) + 1)) for counted in seqs.values())

    @invariant()
    def what_is_held_is_what_was_last_decided_to_wait(self) -> None:
        last = {decision.message_id: decision.verdict for decision in self.room.all(DECISIONS)}
        held = {name.removeprefix("held/") for name in self.room.rows.names("held/")}
        assert held == {identity for identity, verdict in last.items() if verdict is Verdict.HOLD}
        assert all(f"held/{identity}" in self.room.wakes for identity in held)

    @invariant()
    def there_is_an_order_for_each_decision_to_send(self) -> None:
        sent = Counter(d.message_id for d in self.room.all(DECISIONS) if d.verdict is Verdict.SEND)
        assert sent == Counter(order.message_id for order in self.room.all(DISPATCH_ORDERS))

    # --- the model

    def _consent(self, fact: ConsentEvent | Reply, shift: timedelta) -> ConsentEvent | Reply:
        at = self.room.now + shift
        body = getattr(fact, "body", "")
        if body == "Yes." and self.state is not OUT:
            assert self._tell(fact, at) == []
            return fact
        stop = getattr(fact, "action", None) == "opt_out" or body in ("STOP", "unsubscribe", "leave me alone")
        counts = stop or self.state is not OUT or self.since is None or at > self.since
        if counts:
            self.state = OUT if stop else IN
            self.since = at if self.since is None else max(self.since, at)
        self.known.add(_identity(fact))
        texted = {order.sender for order in self.room.all(DISPATCH_ORDERS)}
        out_before = self._row().state is OUT
        published = self._tell(fact, at)
        stops = {control.sender: control.consent_epoch for control in of(DISPATCH_CONTROLS, published)}
        assert stops == (dict.fromkeys(texted, self._row().epoch) if stop and not out_before else {})
        return fact

    def _tell(self, fact: Message, at: datetime | None = None) -> list[Publication]:
        published = self.room.tell(fact, at=at)
        self._check(published)
        return published

    def _check(self, published: list[Publication]) -> None:
        """Nothing is ordered but for somebody who is opted in now, under the epoch that stands now."""
        row = self._row()
        for order in of(DISPATCH_ORDERS, published):
            assert (row.state, order.consent_epoch) == (IN, row.epoch)

    def _row(self) -> NumberRow:
        return self.room.rows.get(NUMBER, NumberRow) or NumberRow()


def _identity(fact: ConsentEvent | Reply) -> str:
    return f"ev/{fact.event_id}" if isinstance(fact, ConsentEvent) else f"in/{fact.provider_id}"


Gate.TestCase.settings = hypothesis_settings(max_examples=60, stateful_step_count=30, deadline=None)
TestGate = Gate.TestCase
