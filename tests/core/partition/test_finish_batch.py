"""What a room publishes at the end of a batch: once a family, as it stands then, in the batch's
own transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from schemas.base import Message
from schemas.topics import DEAD_LETTERS, Topic
from streams.partition.changelog import join_key, unpack_value
from streams.partition.task import PartitionTask
from streams.partition.transaction import Transaction
from streams.processing import (
    NO_CHANGE,
    InputRecord,
    Publication,
    Settings,
    StateEntry,
    StateStore,
    StepResult,
)
from streams.processor import Processor
from tests.simulation.log import Log

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
MS = int(NOW.timestamp() * 1000)
LATER = timedelta(minutes=5)


class Word(Message):
    key: str
    what: str


class Words(StateEntry):
    words: tuple[str, ...] = ()


SAID = Topic[Word]("t.said", Word, lambda m: m.key, None, "for a test")
SUMS = Topic[Word]("t.sums", Word, lambda m: m.key, None, "for a test")


def process(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    """Remembers each word; `nothing` changes nothing, `forget` deletes, `at once` is published
    at once."""
    word: Word = record.value
    row = state.get("words", Words)
    if word.what == "nothing":
        return NO_CHANGE
    if state.pending is None:
        state.pending = row
    if word.what == "at once":
        return StepResult({"words": row or Words()}, (Publication(SUMS, word),))
    gone = word.what == "forget"
    if state.pending is None:
        state.pending = Words()
    return StepResult(
        {"words": None if gone else Words(words=(*(row.words if row else ()), word.what))}
    )


def finish(state: StateStore, now: datetime, settings: Settings) -> StepResult:
    row = state.get("words", Words)
    if row is None:
        return StepResult(
            publish=(Publication(SUMS, Word(key=state.entity_key, what="forgotten")),)
        )
    what = f"{len(state.pending.words)} to {len(row.words)}"
    return StepResult(
        {"words": row},
        (Publication(SUMS, Word(key=state.entity_key, what=what)),),
        {"words": now + LATER},
    )


def on_timer(state: StateStore, name: str, now: datetime, settings: Settings) -> StepResult:
    state.pending = state.get(name, Words)
    return StepResult({name: Words()})


def task() -> PartitionTask:
    counts = dict.fromkeys((SAID.name, SUMS.name, DEAD_LETTERS.name), 1)
    return PartitionTask(
        Processor("test", process=process, on_timer=on_timer, finish_batch=finish, topics=(SAID,)),
        0,
        counts,
        limit=100,
    )


def run(
    one: PartitionTask, *said: tuple[str, str], most: int = 100, now: datetime = NOW
) -> Transaction:
    log = Log(1)
    start = one.expected.get(SAID.name, 0)
    records = [log.publish(SAID, Word(key=key, what=what), MS) for key, what in said]
    if records:
        one.feed(SAID.name, [replace(record, offset=start + n) for n, record in enumerate(records)])
    tx = one.begin(now)
    while one.evaluate(tx, Settings(), most):
        pass
    return tx


def sums(tx: Transaction) -> list[tuple[str, str]]:
    return [
        (message.key, message.what)
        for topic, message in tx.publications
        if topic is SUMS and isinstance(message, Word)
    ]


@pytest.mark.parametrize("most", [1, 2, 100])
def test_each_key_is_finished_once_however_the_batch_is_sliced(most: int) -> None:
    tx = run(task(), ("a", "x"), ("b", "x"), ("a", "y"), ("a", "z"), most=most)
    assert sums(tx) == [("a", "0 to 3"), ("b", "0 to 1")]
    assert tx.record_count == 4


def test_the_next_batch_goes_on_from_what_was_published_last() -> None:
    one = task()
    one.mark_committed(run(one, ("a", "x"), ("a", "y")))
    assert sums(run(one, ("a", "z"))) == [("a", "2 to 3")]


def test_what_changes_nothing_is_not_published() -> None:
    tx = run(task(), ("a", "nothing"))
    assert (sums(tx), list(tx.outgoing)) == ([], [])


def test_what_cannot_wait_is_published_before() -> None:
    one = task()
    one.mark_committed(run(one, ("a", "x")))
    assert sums(run(one, ("a", "at once"), ("a", "y"))) == [("a", "at once"), ("a", "1 to 2")]


def test_entry_and_timer_of_the_finish_are_in_the_transaction() -> None:
    one = task()
    tx = run(one, ("a", "x"))
    written = dict(one.build_changelog(tx))
    timer, body = unpack_value(written[join_key("a", "words")] or b"")
    assert (timer, body) == (MS + int(LATER.total_seconds() * 1000), b'{"words":["x"]}')


def test_an_entry_deleted_in_the_batch_is_finished_and_gone() -> None:
    one = task()
    tx = run(one, ("a", "x"), ("a", "forget"))
    assert sums(tx) == [("a", "forgotten")]
    assert dict(one.build_changelog(tx))[join_key("a", "words")] is None
    assert (one.stores, one.entry_count) == ({}, 0)


def test_a_timer_is_finished_as_a_fact_is() -> None:
    one = task()
    one.mark_committed(run(one, ("a", "x")))
    assert sums(run(one, now=NOW + LATER)) == [("a", "1 to 0")]


def test_nothing_pending_outlives_its_batch() -> None:
    one = task()
    one.mark_committed(run(one, ("a", "x"), ("b", "y")))
    assert [state.pending for state in one.stores.values()] == [None, None]
