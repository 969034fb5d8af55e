"""Where a processor checks ends, a timer fires only after what had reached Kafka before it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from streams.partition.task import PartitionTask
from streams.topology import PROCESSORS
from tests.core.partition.test_task import FIRST, NOW, THEN, Heard, entry, run, task
from tests.simulation.log import Log

LATE = NOW + timedelta(minutes=2)
AT = LATE.timestamp()


def asleep(log: Log, **changes: bool) -> PartitionTask:
    """It has a timer that is due before LATE, and has read all that there is."""
    one = task(checks_ends=True, **changes)
    one.feed(THEN.name, [entry(log, THEN, "sleep")])
    commit(one)
    return one


def commit(one: PartitionTask, now: datetime = NOW) -> int:
    """How many timers fired."""
    tx = run(one, now)
    one.build_changelog(tx)
    one.mark_committed(tx)
    return tx.timer_count


def must_ask(one: PartitionTask, now: float) -> bool:
    return one.ends_check.must_ask(one.timers.next(), now)


def words(one: PartitionTask) -> tuple[str, ...]:
    found = one.stores["k"].get("heard", Heard)
    return found.words if found else ()


def test_no_timer_fires_before_somebody_has_asked() -> None:
    one = asleep(Log(1))
    assert must_ask(one, AT)
    assert not must_ask(one, NOW.timestamp())
    assert commit(one, LATE) == 0
    one.ends_check.note({FIRST.name: 0}, AT)
    assert not must_ask(one, AT)
    assert commit(one, LATE) == 1


def test_what_reached_kafka_before_the_time_comes_first() -> None:
    log = Log(1)
    one = asleep(log)
    late = entry(log, FIRST, "stop")
    one.ends_check.note({FIRST.name: 1}, AT)
    assert one.awaited == {FIRST.name}
    assert one.idle_until() == float("inf")
    assert not must_ask(one, AT), "once is enough"
    assert commit(one, LATE) == 0
    one.feed(FIRST.name, [late])
    assert commit(one, LATE) == 0
    assert commit(one, LATE) == 1
    assert words(one) == ("stop", "<woke>")


def test_records_go_on_while_a_timer_waits() -> None:
    log = Log(1)
    one = asleep(log)
    one.ends_check.note({FIRST.name: 1}, AT)
    one.feed(THEN.name, [entry(log, THEN, "hello")])
    assert one.idle_until() == 0.0
    assert commit(one, LATE) == 0
    assert words(one) == ("hello",)


def test_an_end_behind_a_transactions_marker_is_where_the_consumer_says() -> None:
    one = asleep(Log(1))
    one.ends_check.note({FIRST.name: 2}, AT)
    one.note_position(FIRST.name, 2)
    assert commit(one, LATE) == 1


def test_what_came_due_since_waits_for_the_next_answer() -> None:
    log = Log(1)
    one = asleep(log)
    one.ends_check.note({FIRST.name: 0}, AT)
    assert commit(one, LATE) == 1
    one.feed(THEN.name, [entry(log, THEN, "sleep")])
    assert commit(one, LATE) == 0
    later = LATE + timedelta(minutes=2)
    assert commit(one, later) == 0
    assert must_ask(one, later.timestamp())
    one.ends_check.note({FIRST.name: 0}, later.timestamp())
    assert commit(one, later) == 1


def test_one_that_catches_up_waits_for_every_topic() -> None:
    log = Log(1)
    one = asleep(log, catches_up=True)
    assert set(one.checked_topics) == {FIRST.name, THEN.name}
    one.ends_check.note({FIRST.name: 0, THEN.name: 2}, AT)
    one.feed(THEN.name, [entry(log, THEN, "canceled")])
    assert commit(one, LATE) == 0
    assert commit(one, LATE) == 1
    assert words(one) == ("canceled", "<woke>")


def test_a_rebalance_asks_again() -> None:
    one = asleep(Log(1))
    one.ends_check.note({FIRST.name: 5}, AT)
    one.rewind()
    assert one.awaited == set()
    assert must_ask(one, AT)


@pytest.mark.parametrize("name", ["gate", "cases", "people"])
def test_who_holds_texts_checks(name: str) -> None:
    assert PROCESSORS[name].checks_ends
