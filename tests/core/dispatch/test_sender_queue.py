"""The sender's index."""

from __future__ import annotations

from streams.dispatch.indexed_heap import IndexedHeap
from streams.dispatch.provider_calls import Result
from streams.dispatch.sender_queue import MAX_SEGMENTS, SenderQueue
from streams.encoding.body import MAX_BODY
from streams.encoding.segments import count_segments
from tests.core.dispatch.texts import calls_made, order, processor, reply
from tests.core.harness import START


def test_dropped_names_do_not_fill_the_heap() -> None:
    heap: IndexedHeap[int] = IndexedHeap()
    heap.push(-1, "stays")
    for number in range(10_000):
        heap.push(10_000 - number, f"n{number}")
        heap.drop(f"n{number}")
    assert len(heap._heap) < 200
    assert heap.first() == (-1, "stays")


def test_a_name_has_one_key_in_a_heap() -> None:
    heap: IndexedHeap[int] = IndexedHeap()
    heap.push(1, "a")
    heap.push(3, "a")
    heap.push(2, "b")
    assert heap.first() == (2, "b")
    heap.drop("b")
    assert heap.first() == (3, "a")
    heap.drop("a")
    assert heap.first() is None
    assert "a" not in heap


def test_the_order_survives_a_new_owner() -> None:
    harness = processor(pace=1)
    for number in range(10):
        harness.feed(order(f"m{number}"))
    harness.crash()
    harness.wait(20)
    assert calls_made(harness) == [f"m{number}#1" for number in range(10)]


def test_a_text_deferred_often_does_not_fill_the_memory() -> None:
    harness = processor()
    harness.feed(order())
    queue = harness.state.cache(SenderQueue.build)
    for _ in range(200):
        reply(harness, Result.LIMITED)
        assert queue.oldest() == START
        harness.wait(10.5)
    assert len(queue.issued._heap) < 100


def test_no_allowed_text_exceeds_the_segment_limit() -> None:
    """Seventeen code points of two units are one grapheme: two of them do not fit one segment."""
    densest = ("\U0001f44d" + "\U000e0067" * 16) * 94
    assert len(densest) <= MAX_BODY
    assert 90 < count_segments(densest) <= MAX_SEGMENTS
