"""The status of a sender."""

from __future__ import annotations

import itertools
from datetime import timedelta

from schemas.send import Priority
from schemas.sender import SenderStatus
from schemas.topics import SENDER_STATUS
from streams.dispatch.provider_calls import Result
from streams.processing import Settings
from tests.core.dispatch.texts import PAUSE, RESUME, order, processor, reply
from tests.core.harness import START, ProcessorHarness


def told(harness: ProcessorHarness) -> list[SenderStatus]:
    return harness.published_on(SENDER_STATUS)


def test_the_status_has_the_queue_by_priority() -> None:
    harness = processor(pace=0.5)
    harness.feed(order("first"))
    for number in range(30):
        harness.feed(order(f"m{number}", lane=Priority.MARKETING, segments=2))
    harness.feed(order("r", issued_at=START - timedelta(minutes=1)))
    harness.feed(order("later", not_before=START + timedelta(hours=1)))
    harness.wait(1.1)
    status = told(harness)[-1]
    assert [(d.lane, d.messages, d.segments) for d in status.queued] == [
        ("reminder", 1, 1),
        ("marketing", 30, 60),
    ]
    assert (status.state, status.pace, status.drain_seconds, status.later) == (
        "running",
        0.5,
        122.0,
        1,
    )
    assert (status.in_flight, status.in_doubt, status.last_error) == (1, 0, None)
    assert status.oldest_queued == START - timedelta(minutes=1)


def test_the_status_is_published_when_it_changes() -> None:
    harness = processor(pace=100)
    for number in range(500):
        harness.feed(order(f"m{number}"))
    for _ in range(200):
        reply(harness, Result.ACCEPTED)
        harness.wait(0.05)
    times = [status.at for status in told(harness)]
    assert all(
        after - before >= timedelta(seconds=1) for before, after in itertools.pairwise(times)
    )
    assert 4 <= len(times) <= 8
    assert (told(harness)[-1].queued, told(harness)[-1].in_flight) == ((), 0)
    harness.wait(3600)
    assert len(told(harness)) == len(times)


def test_the_status_survives_a_new_owner() -> None:
    harness = processor()
    harness.feed(order())
    reply(harness, Result.LIMITED, code="20429", retry_after=30.0)
    harness.wait(1.5)
    assert told(harness)[-1].state == "resting"
    harness.wait(30)
    reply(harness, Result.IN_DOUBT, detail="no answer in time")
    harness.feed(PAUSE.model_copy(update={"by": "m.ortiz"}))
    harness.wait(2)
    for _ in range(2):
        status = told(harness)[-1]
        assert (status.state, status.paused_by, status.in_doubt, status.drain_seconds) == (
            "paused",
            "m.ortiz",
            1,
            None,
        )
        assert status.last_error is not None
        assert status.last_error.code == "in_doubt"
        harness.crash()
        harness.wait(2)
    harness.feed(RESUME)
    harness.wait(2)
    assert (told(harness)[-1].state, told(harness)[-1].paused_by) == ("running", None)


def test_an_unknown_sender_has_that_status() -> None:
    harness = processor()
    harness.settings = Settings()
    harness.feed(order())
    harness.wait(2)
    assert (told(harness)[-1].state, told(harness)[-1].pace) == ("unknown_sender", None)
