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
from tests.core.drive import START, Drive


def gone(drive: Drive, seconds: float) -> None:
    """The provider accepts every call at once."""
    end = drive.now + timedelta(seconds=seconds)
    while drive.now < end:
        reply(drive, Result.ACCEPTED)
        drive.rest(0.05)


def test_a_launch_of_20_000_delays_another_tenant_by_a_second() -> None:
    drive = processor(pace=100)
    for number in range(20_000):
        drive.tell(order(f"launch{number}", segments=2, to=f"+1415{number % 5000:07}"))
    gone(drive, 5)
    for number in range(5):
        told = drive.now
        drive.tell(order(f"theirs{number}", tenant="bolt", issued_at=drive.now))
        while f"theirs{number}#1" not in calls_made(drive):
            gone(drive, 0.05)
        assert (drive.now - told).total_seconds() <= 1
    assert len(drive.state.cache(SenderQueue.build).priorities) > 19_000


def test_tenants_take_turns_by_segments() -> None:
    drive = processor(pace=100)
    drive.tell(PAUSE)
    for number in range(400):
        drive.tell(order(f"a{number}", tenant="acme", segments=4))
        drive.tell(order(f"b{number}", tenant="bolt", segments=1))
    drive.tell(RESUME)
    gone(drive, 4)
    sent = Counter[str]()
    for post in send_calls(drive.calls):
        sent[post.tenant] += post.segments
    assert abs(sent["acme"] - sent["bolt"]) <= 8
    assert sent.total() > 300


def test_cases_of_a_tenant_take_turns_too() -> None:
    drive = processor(pace=100)
    drive.tell(PAUSE)
    for number in range(300):
        drive.tell(order(f"big{number}", case_id="c-1"))
    for case in range(2, 12):
        drive.tell(
            order(f"small{case}", case_id=f"c-{case}", issued_at=START + timedelta(seconds=1))
        )
    drive.tell(RESUME)
    gone(drive, 0.5)
    assert sum(name.startswith("small") for name in calls_made(drive)) == 10


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
    drive = processor(pace=1)
    drive.tell(order("now"))
    for number in range(200):
        drive.tell(order(f"x{number}", case_id="c-1"))
    for number in range(200):
        drive.tell(cancel(f"x{number}"))
    drive.tell(order("y", case_id="c-2"))
    drive.tell(order("again", case_id="c-1", issued_at=START + timedelta(seconds=1)))
    gone(drive, 4)
    assert calls_made(drive) == ["now#1", "y#1", "again#1"]


def test_after_a_429_a_text_keeps_its_turn() -> None:
    drive = processor(pace=1)
    for number in range(50):
        drive.tell(order(f"m{number}"))
    reply(drive, Result.LIMITED)
    gone(drive, 3)
    assert calls_made(drive)[:3] == ["m0#1", "m0#2", "m1#1"]


def test_a_new_owner_derives_the_turns_again() -> None:
    drive = processor(pace=100)
    drive.tell(PAUSE)
    for number in range(100):
        drive.tell(order(f"a{number}"))
    drive.tell(order("b", tenant="bolt", issued_at=START + timedelta(seconds=9)))
    drive.crash()
    drive.tell(RESUME)
    gone(drive, 0.3)
    assert "b#1" in calls_made(drive)[:4]


# --- in time, or back at once


def queue_of(count: int, pace: float = 10, **changed: object) -> Drive:
    drive = processor(pace=pace)
    for number in range(count):
        drive.tell(order(f"m{number}", **changed))
    return drive


def back(drive: Drive) -> list[str]:
    return [returned.order.message_id for returned in drive.all(RETURNED)]


def test_what_cannot_leave_in_time_returns_with_a_time() -> None:
    drive = queue_of(300)
    soon = START + timedelta(seconds=20)
    drive.tell(order("late", send_before=soon))
    assert back(drive) == ["late"]
    (returned,) = drive.all(RETURNED)
    assert soon < returned.until < START + timedelta(seconds=31)
    assert "stand before it" in returned.reason
    drive.tell(order("in-time", send_before=START + timedelta(seconds=40)))
    drive.tell(order("urgent", send_before=soon, lane=Priority.REPLY))
    drive.tell(order("theirs", send_before=soon, tenant="bolt"))
    assert back(drive) == ["late"]


def test_stricter_priorities_count_as_before() -> None:
    drive = queue_of(300, lane=Priority.REPLY)
    drive.tell(
        order(
            "ad", lane=Priority.MARKETING, tenant="bolt", send_before=START + timedelta(seconds=20)
        )
    )
    assert back(drive) == ["ad"]


def test_when_the_pace_falls_the_end_of_the_queue_returns() -> None:
    drive = queue_of(600, send_before=START + timedelta(seconds=100))
    assert back(drive) == []
    drive.settings = settings(pace=2)
    gone(drive, 2)
    assert 300 <= len(back(drive)) <= 420
    assert "m1" not in back(drive)


def shared(drive: Drive, pace: float) -> None:
    """What the account leaves to this sender."""
    drive.settings = drive.settings._replace(call_limits=CallLimits(pace=pace))


def test_an_account_that_is_shared_slows_the_queue() -> None:
    drive = queue_of(600, send_before=START + timedelta(seconds=100))
    shared(drive, 2.0)
    gone(drive, 12)
    assert len(back(drive)) >= 300


def test_a_short_dip_of_the_accounts_pace_returns_nothing() -> None:
    drive = queue_of(600, send_before=START + timedelta(seconds=100))
    for _ in range(3):
        shared(drive, 2.0)
        gone(drive, 5)
        drive.tell(
            order(
                f"new{drive.now:%S}", tenant="bolt", send_before=drive.now + timedelta(seconds=100)
            )
        )
        shared(drive, 10.0)
        gone(drive, 5)
    assert back(drive) == []


def test_a_new_owners_small_share_returns_nothing() -> None:
    drive = queue_of(600, send_before=START + timedelta(seconds=100))
    shared(drive, 1.0)
    drive.crash()
    gone(drive, 3)
    shared(drive, 10.0)
    gone(drive, 3)
    assert back(drive) == []


def test_when_stricter_priorities_fill_up_texts_return() -> None:
    drive = queue_of(100, send_before=START + timedelta(seconds=300))
    for number in range(4000):
        drive.tell(order(f"r{number}", lane=Priority.REPLY))
    gone(drive, 61)
    assert len(back(drive)) >= 60


def test_a_review_follows_when_a_paused_sender_resumes() -> None:
    drive = processor(pace=10)
    drive.tell(PAUSE)
    for number in range(600):
        drive.tell(order(f"m{number}", send_before=START + timedelta(seconds=50)))
    drive.rest(30)
    assert back(drive) == []
    drive.tell(RESUME)
    gone(drive, 2)
    assert 350 <= len(back(drive)) <= 450


def test_a_paused_account_pauses_the_sender() -> None:
    drive = processor()
    drive.settings = drive.settings._replace(
        call_limits=CallLimits(paused_until=START + timedelta(seconds=5))
    )
    drive.tell(order())
    drive.rest(4.9)
    assert calls_made(drive) == []
    drive.rest(0.2)
    assert calls_made(drive) == ["m1#1"]


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
