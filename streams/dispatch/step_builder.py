"""A step under construction: what has been changed so far is what is read."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, TypeVar

from schemas.attempt import Attempt, AttemptState
from schemas.base import Message
from schemas.numbers import e164
from schemas.topics import ATTEMPTS, Topic
from streams.dispatch.provider_calls import Lookup, SendCall
from streams.dispatch.sender_queue import SenderQueue
from streams.dispatch.state import (
    MAX_ID_LENGTH,
    RETENTION,
    DispatchState,
    Finished,
    LiveMessage,
    MessageEntry,
    Sending,
    TrackedMessage,
    read_message,
)
from streams.processing import CancelCall, Publication, StateEntry, StateStore, StepResult

R = TypeVar("R", bound=StateEntry)
M = TypeVar("M", bound=LiveMessage)

MAX_EVIDENCE: Final = 500
"""Characters."""


class StepBuilder:
    """State changes, publications, timers and calls of one step, and the sender's index."""

    def __init__(self, state: StateStore, queue: SenderQueue, now: datetime) -> None:
        self.sender = state.entity_key
        self.queue = queue
        self.now = now
        self._state = state
        self._changes: dict[str, StateEntry | None] = {}
        self._publish: list[Publication] = []
        self._timers: dict[str, datetime | None] = {}
        self._calls: list[SendCall | Lookup | CancelCall] = []
        self._joined: LiveMessage | None = None

    def build(self) -> StepResult:
        self._report_joined()
        return StepResult(self._changes, tuple(self._publish), self._timers, tuple(self._calls))

    # --- reading

    def get(self, name: str, model: type[R]) -> R | None:
        if name in self._changes:
            entry = self._changes[name]
            return entry if isinstance(entry, model) else None
        return self._state.get(name, model)

    def has(self, name: str) -> bool:
        return name in self._changes or name in self._state.raw

    def message(self, name: str) -> TrackedMessage | None:
        entry = self.get(name, MessageEntry)
        return None if entry is None else read_message(name, entry)

    def expect(self, name: str, view: type[M]) -> M:
        """A message that must be in this state, because the index says so."""
        message = self.message(name)
        if not isinstance(message, view):
            raise LookupError(f"the index has {name} as {view.__name__}, the state does not")
        return message

    # --- changing

    def put(self, name: str, entry: StateEntry | None) -> None:
        """None deletes the entry. The sender's status may differ afterwards."""
        self.queue.status_may_differ = True
        self.put_quietly(name, entry)

    def put_quietly(self, name: str, entry: StateEntry | None) -> None:
        self._changes[name] = entry

    def set_timer(self, name: str, at: datetime | None) -> None:
        self._timers[name] = at

    def publish(self, topic: Topic[Any], value: Message) -> None:
        self._publish.append(Publication(topic, value))

    def add_dead_letter(self, letter: Publication) -> None:
        self._publish.append(letter)

    def call(self, call: SendCall | Lookup) -> None:
        """To be made once the step is committed."""
        self._calls.append(call)

    def cancel_call(self, message: Sending) -> None:
        """The call may not have begun: it waits for its exact time for up to
        `send_loop.RELEASE_AHEAD`."""
        self._calls.append(CancelCall(message.call_identity))

    # --- what happens to a message

    def save(self, message: LiveMessage) -> None:
        """Write a live message, and give it its place in the index."""
        self.put(message.name, message.entry)
        self.queue.untrack(message.name)
        self.queue.track(message)

    def finish(
        self, message: LiveMessage, state: DispatchState, provider_id: str | None = None
    ) -> None:
        """The text is dropped, the id is remembered for a while. If the provider took it, its id
        and the number are remembered too, so that a listed message can be told to be this one."""
        changes: dict[str, Any] = {
            "place": state,
            "order": None,
            "not_before": None,
            "look_at": None,
            "again_at": None,
            "to": e164(message.order.to) if provider_id else None,
        }
        if provider_id is not None:
            changes["provider_id"] = provider_id[:MAX_ID_LENGTH]
        self.queue.remove(message)
        self.remember(Finished(message.name, message.entry.model_copy(update=changes)))

    def remember(self, message: Finished) -> None:
        self.queue.remember_accepted(message)
        self.put(message.name, message.entry)
        self.set_timer(message.name, self.now + RETENTION)

    # --- what is reported of it

    def report_queued(self, message: LiveMessage) -> None:
        """Unless this step sends it at once: nobody could see the one report without the other."""
        self._joined = message

    def report(
        self,
        message: LiveMessage,
        state: AttemptState,
        *,
        code: str | None = None,
        provider_id: str | None = None,
        segments: int | None = None,
        evidence: str | None = None,
    ) -> None:
        if self._joined is not None and self._joined.name == message.name:
            if state is AttemptState.SENDING:
                self._joined = None
            else:
                self._report_joined()
        attempt = Attempt(
            message_id=message.order.message_id,
            tenant=message.order.tenant,
            attempt=message.attempt,
            sender=self.sender,
            to=message.order.to,
            state=state,
            provider_id=provider_id,
            code=code,
            segments=segments,
            at=self.now,
            evidence=evidence[:MAX_EVIDENCE] if evidence else None,
        )
        self._publish.append(Publication(ATTEMPTS, attempt))

    def _report_joined(self) -> None:
        if (message := self._joined) is not None:
            self._joined = None
            self.report(message, AttemptState.QUEUED)
