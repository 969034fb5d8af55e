"""Many texts: each step costs about the same, however many wait.

We count entries read, because time depends on the machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.send import Priority
from streams.dispatch.indexed_heap import IndexedHeap
from streams.dispatch.provider_calls import Result
from streams.dispatch.sender_queue import SenderQueue
from streams.dispatch.state import DispatchState, MessageEntry, compute_fingerprint
from streams.state_entry import dump
from tests.core.dispatch.texts import ANA, calls_made, cancel, order, processor, reply, stop
from tests.core.harness import START

WAITING = 100_000


class Counted(dict[str, bytes]):
    """Counts how often an entry was read, and how often all of them were."""

    touched = 0
    scans = 0

    def get(self, key: str, default: bytes | None = None) -> bytes | None:  # type: ignore[override]
        self.touched += 1
        return super().get(key, default)

    def __iter__(self) -> Iterator[str]:
        self.scans += 1
        return super().__iter__()


def waiting(state: Counted) -> None:
    """Queued texts of every priority, two to a number."""
    given = order("m0", lane=Priority.REPLY)
    row = MessageEntry(
        place=DispatchState.QUEUED,
        fingerprint=compute_fingerprint(given),
        issued_at=START,
        arrival=0,
        order=given,
    )
    like = dump(row).decode()
    lanes = list(Priority)
    for number in range(WAITING):
        text = like.replace('"m0"', f'"m{number}"').replace(ANA, f"+1415{number % 50_000:07}")
        text = text.replace('"arrival":0', f'"arrival":{number}').replace(
            '"reply"', f'"{lanes[number % 4]}"'
        )
        state[f"msg/acme/m{number}"] = text.encode()


def test_a_hundred_thousand_texts_are_read_once() -> None:
    state = Counted()
    waiting(state)
    harness = processor(pace=1000, raw=state)
    harness.acquire()
    queue = harness.state.cache(SenderQueue.build)
    assert (state.scans, len(queue.priorities)) == (1, WAITING - 64)
    state.touched = 0
    for number in range(300):
        harness.feed(order(f"new{number}"))
        harness.feed(cancel(f"m{number}"))
        harness.feed(stop(number=f"+1415{number + 1000:07}"))
    for _ in range(20):
        reply(harness, Result.ACCEPTED)
        harness.wait(1)
    folds = 900 + 2 * len(calls_made(harness))
    assert state.scans == 1
    assert state.touched < 4 * folds
    assert len(calls_made(harness)) > 600
    heaps: list[IndexedHeap[Any]] = [queue.scheduled, queue.deadlines]
    cases = [
        case
        for texts in queue.queues.values()
        for tenant in texts._tenants.values()
        for case in tenant.cases.values()
    ]
    assert (
        sum(len(heap._heap) for heap in heaps) + sum(len(case.heap) for case in cases)
        < 2.1 * WAITING
    )
