"""A topic whose records cannot be read stands still; everything else goes on."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.dead_letter import DeadLetter, DeadLetterCause
from schemas.topics import DEAD_LETTERS, Topic
from streams.partition.changelog import collapse
from streams.partition.dlq_limit import MIN_DEAD_LETTERS
from streams.partition.task import PartitionTask
from streams.partition.transaction import Transaction
from tests.core.partition.test_task import FIRST, MS, OUT, THEN, Heard, entry, processor, run, topic
from tests.simulation.log import Log

OTHER = topic("t.other")
BAD = MIN_DEAD_LETTERS + 70


def task(topics: tuple[Topic[Any], ...] = (THEN, OTHER), **options: Any) -> PartitionTask:
    names = (FIRST.name, THEN.name, OTHER.name, OUT.name, DEAD_LETTERS.name)
    return PartitionTask(
        processor(topics=topics), 0, dict.fromkeys(names, 1), limit=5000, **options
    )


def feed(log: Log, one: PartitionTask, of: Topic[Any]) -> None:
    at = one.expected.get(of.name, 0)
    if (fresh := log.entries[of.name, 0][at:]) and one.has_capacity(of.name):
        one.feed(of.name, list(fresh))
        one.note_position(of.name, len(log.entries[of.name, 0]))


def commit(one: PartitionTask) -> tuple[Transaction, list[tuple[bytes, bytes | None]]]:
    tx = run(one)
    rows = one.build_changelog(tx)
    one.mark_committed(tx)
    return tx, rows


def letters(tx: Transaction) -> list[DeadLetter]:
    return [value for of, value in tx.publications if isinstance(value, DeadLetter)]


def poison(log: Log, of: Topic[Any], count: int = BAD) -> None:
    for _ in range(count):
        log.append(of.name, 0, MS, b"k", b"{")


def restart(rows: list[tuple[bytes, bytes | None]], **options: Any) -> PartitionTask:
    one = task(**options)
    one.restore(rows)
    one.rewind()
    return one


def test_only_the_topic_that_cannot_be_read_stands_still() -> None:
    log, one = Log(1), task()
    entry(log, THEN, "before")
    poison(log, THEN)
    entry(log, THEN, "behind")
    entry(log, OTHER, "elsewhere")
    for of in (THEN, OTHER):
        feed(log, one, of)
    tx, _ = commit(one)
    assert tx.positions == {THEN.name: MIN_DEAD_LETTERS + 1, OTHER.name: 1}
    state = one.stores["k"].get("heard", Heard)
    assert state is not None
    assert state.words == ("before", "elsewhere")
    assert not one.has_capacity(THEN.name)
    assert one.idle_until() == float("inf"), "it waits for nothing that comes by itself"
    entry(log, FIRST, "stop")
    entry(log, OTHER, "later")
    for of in (FIRST, THEN, OTHER):
        feed(log, one, of)
    commit(one)
    tx, _ = commit(one)
    assert tx.positions == {FIRST.name: 1, THEN.name: MIN_DEAD_LETTERS + 1, OTHER.name: 2}


def test_the_last_dead_letter_says_where_and_why() -> None:
    log, one = Log(1), task()
    entry(log, THEN, "before")
    poison(log, THEN)
    feed(log, one, THEN)
    tx, _ = commit(one)
    *bad, last = letters(tx)
    assert [letter.offset for letter in bad] == list(range(1, MIN_DEAD_LETTERS + 1))
    assert (last.cause, last.place, last.offset) == (
        DeadLetterCause.STANDS_STILL,
        f"{THEN.name}/0",
        MIN_DEAD_LETTERS + 1,
    )
    assert "the first at 1 (" in last.reason
    assert bad[0].reason in last.reason
    assert f"SAYSO_ACCEPT_DEAD_LETTERS={THEN.name}/0@{MIN_DEAD_LETTERS + 1} " in last.reason
    assert tx.standstills == [THEN.name]


@pytest.mark.parametrize("times", [1, 3])
def test_it_still_stands_after_a_restart_and_makes_no_more_dead_letters(times: int) -> None:
    log, one = Log(1), task()
    poison(log, THEN)
    feed(log, one, THEN)
    _, rows = commit(one)
    for _ in range(times):
        one = restart(rows)
        feed(log, one, THEN)
        tx, rows = commit(one)
        assert letters(tx) == []
        assert tx.standstills == [THEN.name], "the log says so after each start"
        assert one.positions == {THEN.name: MIN_DEAD_LETTERS}


@pytest.mark.parametrize(
    "options",
    [
        {"accepted_standstills": {f"{THEN.name}/0@{MIN_DEAD_LETTERS}"}},
        {"dlq_share": 1.0},
    ],
)
def test_a_person_lets_it_go_on(options: dict[str, Any]) -> None:
    log, one = Log(1), task()
    poison(log, THEN)
    entry(log, THEN, "behind")
    feed(log, one, THEN)
    _, rows = commit(one)
    one = restart(rows, **options)
    feed(log, one, THEN)
    tx, rows = commit(one)
    assert len(letters(tx)) == BAD - MIN_DEAD_LETTERS
    assert one.positions == {THEN.name: BAD + 1}
    assert collapse(rows).standstills == {}


def test_another_standstill_is_not_accepted_with_it() -> None:
    log, one = Log(1), task()
    poison(log, THEN)
    feed(log, one, THEN)
    _, rows = commit(one)
    one = restart(rows, accepted_standstills={f"{THEN.name}/0@7", f"{OTHER.name}/0@100"})
    assert list(one.standstills) == [THEN.name]


def test_what_a_later_version_can_read_goes_on_by_itself() -> None:
    log, one = Log(1), task()
    poison(log, THEN, MIN_DEAD_LETTERS)
    entry(log, THEN, "behind")
    feed(log, one, THEN)
    _, rows = commit(one)
    one = restart(rows)
    feed(log, one, THEN)
    _, rows = commit(one)
    assert one.positions == {THEN.name: MIN_DEAD_LETTERS + 1}
    assert collapse(rows).standstills == {}


def test_what_may_carry_a_stop_never_stands_still() -> None:
    log, one = Log(1), task()
    poison(log, FIRST, 5 * BAD)
    entry(log, FIRST, "stop")
    feed(log, one, FIRST)
    tx, _ = commit(one)
    assert len(letters(tx)) == 5 * BAD
    assert tx.positions == {FIRST.name: 5 * BAD + 1}
    assert tx.standstills == []
