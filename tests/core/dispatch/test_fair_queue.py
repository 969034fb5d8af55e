"""Turns of tenants and cases, and the return of what cannot leave in time."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from schemas.send import Priority
from schemas.topics import RETURNED
from streams.dispatch.fair_queue import FairQueue, FairScheduler
from streams.dispatch.provider_calls import Result
from streams.dispatch.sender_queue import SenderQueue
from streams.processing import CallLimits
from tests.core.dispatch.texts import (
    PAUSE,
    RESUME,
    calls_made,
    cancel,
    order,
    processor,
    reply,
    send_calls,
    settings,
)
from tests.core.harness import START, ProcessorHarness


def gone(harness: ProcessorHarness, seconds: float) -> None:
    """The provider accepts every call at once."""
    end = harness.now + timedelta(seconds=seconds)
    while harness.now < end:
        reply(harness, Result.ACCEPTED)
        harness.wait(0.05)


def test_a_launch_of_20_000_delays_another_tenant_by_a_second() -> None:
    harness = processor(pace=100)
    for number in range(20_000):
        harness.feed(order(f"launch{number}", segments=2, to=f"+1415{number % 5000:07}"))
    gone(harness, 5)
    for number in range(5):
        told = harness.now
        harness.feed(order(f"theirs{number}", tenant="bolt", issued_at=harness.now))
        while f"theirs{number}#1" not in calls_made(harness):
            gone(harness, 0.05)
        assert (harness.now - told).total_seconds() <= 1
    assert len(harness.state.cache(SenderQueue.build).priorities) > 19_000


def test_tenants_take_turns_by_segments() -> None:
    harness = processor(pace=100)
    harness.feed(PAUSE)
    for number in range(400):
        harness.feed(order(f"a{number}", tenant="acme", segments=4))
        harness.feed(order(f"b{number}", tenant="bolt", segments=1))
    harness.feed(RESUME)
    gone(harness, 4)
    sent = Counter[str]()
    for post in send_calls(harness.calls):
        sent[post.tenant] += post.segments
    assert abs(sent["acme"] - sent["bolt"]) <= 8
    assert sent.total() > 300


def test_cases_of_a_tenant_take_turns_too() -> None:
    harness = processor(pace=100)
    harness.feed(PAUSE)
    for number in range(300):
        harness.feed(order(f"big{number}", case_id="c-1"))
    for case in range(2, 12):
        harness.feed(
            order(f"small{case}", case_id=f"c-{case}", issued_at=START + timedelta(seconds=1))
        )
    harness.feed(RESUME)
    gone(harness, 0.5)
    assert sum(name.startswith("small") for name in calls_made(harness)) == 10


def test_one_text_at_a_time_gets_no_more_than_a_share() -> None:
    """A tenant that comes back when its text has left is not new."""
    queue = FairQueue()
    for number in range(100):
        queue.push(f"a{number}", "acme", "", (START, number), 1)
    turns = Counter[str]()
    for number in range(60):
        if not any(text.tenant == "bolt" for text in queue.waiting.values()):
            queue.push(f"b{number}", "bolt", "", (START, 1000 + number), 1)
        name = queue.first()
        assert name is not None
        turns[name[0]] += 1
        queue.pop(name)
    assert abs(turns["a"] - turns["b"]) <= 1


def test_a_canceled_text_costs_its_case_nothing() -> None:
    harness = processor(pace=1)
    harness.feed(order("now"))
    for number in range(200):
        harness.feed(order(f"x{number}", case_id="c-1"))
    for number in range(200):
        harness.feed(cancel(f"x{number}"))
    harness.feed(order("y", case_id="c-2"))
    harness.feed(order("again", case_id="c-1", issued_at=START + timedelta(seconds=1)))
    gone(harness, 4)
    assert calls_made(harness) == ["now#1", "y#1", "again#1"]


def test_after_a_429_a_text_keeps_its_turn() -> None:
    harness = processor(pace=1)
    for number in range(50):
        harness.feed(order(f"m{number}"))
    reply(harness, Result.LIMITED)
    gone(harness, 3)
    assert calls_made(harness)[:3] == ["m0#1", "m0#2", "m1#1"]


def test_a_new_owner_derives_the_turns_again() -> None:
    harness = processor(pace=100)
    harness.feed(PAUSE)
    for number in range(100):
        harness.feed(order(f"a{number}"))
    harness.feed(order("b", tenant="bolt", issued_at=START + timedelta(seconds=9)))
    harness.crash()
    harness.feed(RESUME)
    gone(harness, 0.3)
    assert "b#1" in calls_made(harness)[:4]


# --- in time, or back at once


def queue_of(count: int, pace: float = 10, **changed: object) -> ProcessorHarness:
    harness = processor(pace=pace)
    for number in range(count):
        harness.feed(order(f"m{number}", **changed))
    return harness


def back(harness: ProcessorHarness) -> list[str]:
    return [returned.order.message_id for returned in harness.published_on(RETURNED)]


def test_what_cannot_leave_in_time_returns_with_a_time() -> None:
    harness = queue_of(300)
    soon = START + timedelta(seconds=20)
    harness.feed(order("late", send_before=soon))
    assert back(harness) == ["late"]
    (returned,) = harness.published_on(RETURNED)
    assert soon < returned.until < START + timedelta(seconds=31)
    assert "stand before it" in returned.reason
    harness.feed(order("in-time", send_before=START + timedelta(seconds=40)))
    harness.feed(order("urgent", send_before=soon, lane=Priority.REPLY))
    harness.feed(order("theirs", send_before=soon, tenant="bolt"))
    assert back(harness) == ["late"]


def test_stricter_priorities_count_as_before() -> None:
    harness = queue_of(300, lane=Priority.REPLY)
    harness.feed(
        order(
            "ad", lane=Priority.MARKETING, tenant="bolt", send_before=START + timedelta(seconds=20)
        )
    )
    assert back(harness) == ["ad"]


def test_when_the_pace_falls_the_end_of_the_queue_returns() -> None:
    harness = queue_of(600, send_before=START + timedelta(seconds=100))
    assert back(harness) == []
    harness.settings = settings(pace=2)
    gone(harness, 2)
    assert 300 <= len(back(harness)) <= 420
    assert "m1" not in back(harness)


def shared(harness: ProcessorHarness, pace: float) -> None:
    """What the account leaves to this sender."""
    harness.settings = harness.settings._replace(call_limits=CallLimits(pace=pace))


def test_an_account_that_is_shared_slows_the_queue() -> None:
    harness = queue_of(600, send_before=START + timedelta(seconds=100))
    shared(harness, 2.0)
    gone(harness, 12)
    assert len(back(harness)) >= 300


def test_a_short_dip_of_the_accounts_pace_returns_nothing() -> None:
    harness = queue_of(600, send_before=START + timedelta(seconds=100))
    for _ in range(3):
        shared(harness, 2.0)
        gone(harness, 5)
        harness.feed(
            order(
                f"new{harness.now:%S}",
                tenant="bolt",
                send_before=harness.now + timedelta(seconds=100),
            )
        )
        shared(harness, 10.0)
        gone(harness, 5)
    assert back(harness) == []


def test_a_new_owners_small_share_returns_nothing() -> None:
    harness = queue_of(600, send_before=START + timedelta(seconds=100))
    shared(harness, 1.0)
    harness.crash()
    gone(harness, 3)
    shared(harness, 10.0)
    gone(harness, 3)
    assert back(harness) == []


def test_when_stricter_priorities_fill_up_texts_return() -> None:
    harness = queue_of(100, send_before=START + timedelta(seconds=300))
    for number in range(4000):
        harness.feed(order(f"r{number}", lane=Priority.REPLY))
    gone(harness, 61)
    assert len(back(harness)) >= 60


def test_a_review_follows_when_a_paused_sender_resumes() -> None:
    harness = processor(pace=10)
    harness.feed(PAUSE)
    for number in range(600):
        harness.feed(order(f"m{number}", send_before=START + timedelta(seconds=50)))
    harness.wait(30)
    assert back(harness) == []
    harness.feed(RESUME)
    gone(harness, 2)
    assert 350 <= len(back(harness)) <= 450


def test_a_paused_account_pauses_the_sender() -> None:
    harness = processor()
    harness.settings = harness.settings._replace(
        call_limits=CallLimits(paused_until=START + timedelta(seconds=5))
    )
    harness.feed(order())
    harness.wait(4.9)
    assert calls_made(harness) == []
    harness.wait(0.2)
    assert calls_made(harness) == ["m1#1"]


def test_texts_of_others_are_counted_once() -> None:
    """Nine texts of other tenants stand before a long case once, not before each of its texts."""
    queue = FairQueue()
    for tenant in range(9):
        queue.push(f"theirs{tenant}", f"t{tenant}", "", (START, tenant), 1)
    for number in range(1000):
        queue.push(f"own{number}", "acme", "", (START, 100 + number), 1)
    for case in range(5):
        queue.push(f"case{case}", "acme", f"c-{case}", (START, 2000 + case), 1)
    assert queue.segments_before("own500") == 500 + 5 + 9
    assert queue.segments_before("own999") == 999 + 5 + 9


def test_cases_of_one_text_stand_one_behind_the_other() -> None:
    queue = FairQueue()
    for number in range(1000):
        queue.push(f"m{number}", "acme", f"c-{number}", (START, number), 1)
    assert [queue.segments_before(name) for name in ("m0", "m500", "m999")] == [0, 500, 999]
    for number in range(400):
        assert queue.first() == f"m{number}"
        queue.pop(f"m{number}")
    queue.remove("m450")
    assert [queue.segments_before(name) for name in ("m400", "m999")] == [0, 598]
    queue.push("new", "bolt", "", (START, 2000), 1)
    assert queue.segments_before("new") <= 1


def test_a_flow_that_comes_and_goes_is_remembered_once() -> None:
    turns: FairScheduler[int] = FairScheduler()
    turns.set_first("slow", 0)
    turns.set_first("busy", 0)
    for _ in range(3):
        turns.set_first("busy", 0)
        turns.charge("busy", 5)
    for place in range(1, 1000):
        turns.remove("busy")
        turns.set_first("busy", place)
    turns.remove("busy")
    assert turns.idle_count == 1
    turns.charge("slow", 20)
    turns.set_first("slow", 1)
    turns.charge("slow", 1)
    turns.remove("slow")
    assert turns.idle_count == 0
