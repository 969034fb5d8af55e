"""A step in the making: what has been changed so far is what is read."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

from schemas.attempt import Attempt, AttemptState
from schemas.base import Message
from schemas.numbers import e164
from schemas.send import Send
from schemas.topics import ATTEMPTS, Topic
from streams.dispatch.provider_calls import Lookup, SendCall
from streams.dispatch.sender_queue import SenderQueue
from streams.dispatch.state import LIVE, REMEMBERED, DispatchState, MessageEntry
from streams.processing import CancelCall, Publication, StateEntry, StateStore, StepResult

R = TypeVar("R", bound=StateEntry)

LONGEST_EVIDENCE = 500


class StepBuilder:
    def __init__(self, state: StateStore, queue: SenderQueue, now: datetime) -> None:
        self.sender, self.queue, self.now = state.entity_key, queue, now
        self._rows = state
        self._changed: dict[str, StateEntry | None] = {}
        self._publish: list[Publication] = []
        self._wake: dict[str, datetime | None] = {}
        self._effects: list[SendCall | Lookup | CancelCall] = []
        self._joined: tuple[Send, int] | None = None

    def get(self, name: str, model: type[R]) -> R | None:
        if name in self._changed:
            row = self._changed[name]
            return row if isinstance(row, model) else None
        return self._rows.get(name, model)

    def has(self, name: str) -> bool:
        return name in self._changed or name in self._rows.raw

    def put(self, name: str, row: StateEntry | None) -> None:
        """What changes may be news of the sender (`status`)."""
        self.queue.news = True
        self.keep(name, row)

    def keep(self, name: str, row: StateEntry | None) -> None:
        self._changed[name] = row

    def set_timer(self, name: str, at: datetime | None) -> None:
        self._wake[name] = at

    def publish(self, topic: Topic[Any], value: Message) -> None:
        self._publish.append(Publication(topic, value))

    def set_aside(self, letter: Publication) -> None:
        self._publish.append(letter)

    def effect(self, effect: SendCall | Lookup) -> None:
        self._effects.append(effect)

    def withdraw(self, row: MessageEntry) -> None:
        """Its call may not have begun: it waits for its turn at the sender for up to `pump.AHEAD`."""
        if row.place is DispatchState.SENDING and row.order is not None:
            self._effects.append(CancelCall((row.order.tenant, row.order.message_id, row.attempt)))

    def step(self) -> StepResult:
        self._report_joined()
        return StepResult(self._changed, tuple(self._publish), self._wake, tuple(self._effects))

    # --- what happens to a message

    def join(self, order: Send, attempt: int) -> None:
        """Report it as queued, unless this step lets it go at once: nobody could see the one without the other."""
        self._joined = order, attempt

    def _report_joined(self) -> None:
        if self._joined is not None:
            (order, attempt), self._joined = self._joined, None
            self.report(order, attempt, AttemptState.QUEUED)

    def report(
        self,
        order: Send,
        attempt: int,
        state: AttemptState,
        *,
        code: str | None = None,
        provider_id: str | None = None,
        segments: int | None = None,
        evidence: str | None = None,
    ) -> None:
        if self._joined is not None and self._joined[0].message_key == order.message_key:
            if state is AttemptState.SENDING:
                self._joined = None
            else:
                self._report_joined()
        told = Attempt(
            message_id=order.message_id,
            tenant=order.tenant,
            attempt=attempt,
            sender=self.sender,
            to=order.to,
            state=state,
            provider_id=provider_id,
            code=code,
            segments=segments,
            at=self.now,
            evidence=evidence[:LONGEST_EVIDENCE] if evidence else None,
        )
        self._publish.append(Publication(ATTEMPTS, told))

    def place(self, name: str, row: MessageEntry) -> None:
        """Write a live message's row, and give it its place in the queue or take that away."""
        assert row.place in LIVE
        self.put(name, row)
        self.queue.leave(name)
        self.queue.track(name, row)

    def finish(
        self, name: str, row: MessageEntry, place: DispatchState, **more: str | None
    ) -> None:
        """Done with: the text is dropped, the id remembered for a while; of what was taken the number too, so that an
        entry of the provider's list can be told to be its own."""
        done = {
            "place": place,
            "order": None,
            "not_before": None,
            "look_at": None,
            "again_at": None,
            **more,
        }
        order = row.order
        if order is not None:
            self.queue.forget(name, order.to)
            done["to"] = e164(order.to) if done.get("provider_id") else None
        row = row.model_copy(update=done)
        self.queue.taken(row)
        self.put(name, row)
        self.set_timer(name, self.now + REMEMBERED)
