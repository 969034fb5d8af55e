"""A partition task, without Kafka: what is taken first, what is put right, what is set aside, what is
remembered."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.base import Message
from schemas.topics import DEAD_LETTERS, Topic
from streams.partition.changelog import Damaged
from streams.partition.decoding import APPENDED, REPLAYED, REROUTED, partition_of
from streams.partition.task import PartitionTask
from streams.partition.transaction import CallResult, Transaction
from streams.processing import (
    NO_CHANGE,
    InputRecord,
    PartitionAcquired,
    Publication,
    Settings,
    StateEntry,
    StateStore,
    StepResult,
    UnreadableRecord,
)
from streams.processor import Batching, Processor
from tests.simulation.log import Entry, Log

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
MS = int(NOW.timestamp() * 1000)


class Said(Message):
    key: str
    what: str


class Heard(StateEntry):
    words: tuple[str, ...] = ()


def topic(name: str) -> Topic[Any]:
    return Topic(name, Said, lambda m: m.key, None, "for a test")


FIRST, ALSO, THEN, OUT = topic("t.first"), topic("t.also"), topic("t.then"), topic("t.out")


def process(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    """Remembers every word; `sleep` asks to be woken in a minute, `forget` deletes, `echo`
    publishes, `go` calls."""
    row = state.get("heard", Heard) or Heard()
    match record.value:
        case Said(what="forget"):
            return StepResult(state={"heard": None})
        case Said(what="echo"):
            return StepResult(publish=(Publication(OUT, record.value),))
        case Said(what="go"):
            return StepResult(state={"heard": row}, calls=(record.value,))
        case Said(what="sleep"):
            return StepResult(state={"heard": row}, timers={"heard": now + timedelta(minutes=1)})
        case Said(what=word):
            return StepResult(state={"heard": Heard(words=(*row.words, word))})
        case PartitionAcquired():
            return StepResult(state={"heard": Heard(words=(*row.words, "<opened>"))})
        case UnreadableRecord(cause=cause):
            return StepResult(state={"heard": Heard(words=(*row.words, f"<{cause}>"))})
    return NO_CHANGE


def on_timer(state: StateStore, name: str, now: datetime, settings: Settings) -> StepResult:
    row = state.get(name, Heard) or Heard()
    return StepResult(state={name: Heard(words=(*row.words, "<woke>"))})


def processor(**changes: Any) -> Processor:
    return Processor(
        "test",
        **{
            "process": process,
            "on_timer": on_timer,
            "priority_topics": (FIRST,),
            "topics": (THEN,),
            **changes,
        },
    )


def task(partitions: int = 1, **changes: Any) -> PartitionTask:
    names = (FIRST.name, ALSO.name, THEN.name, OUT.name, DEAD_LETTERS.name)
    return PartitionTask(processor(**changes), 0, dict.fromkeys(names, partitions), limit=100)


def entry(log: Log, where: Topic[Any], what: str, key: str = "k", later: int = 0) -> Entry:
    """`later`: milliseconds."""
    return log.publish(where, Said(key=key, what=what), MS + later)


def run(one: PartitionTask, now: datetime = NOW) -> Transaction:
    tx = one.begin(now)
    while one.evaluate(tx, Settings()):
        pass
    return tx


def words(one: PartitionTask, key: str = "k") -> tuple[str, ...]:
    heard = one.stores[key].get("heard", Heard)
    return heard.words if heard else ()


def test_what_gives_or_takes_consent_is_taken_first() -> None:
    log, one = Log(1), task()
    one.feed(THEN.name, [entry(log, THEN, "request")])
    one.feed(FIRST.name, [entry(log, FIRST, "stop")])
    run(one)
    assert words(one) == ("stop",), "in a transaction of its own, which is durable soon"
    run(one)
    assert words(one) == ("stop", "request")


def test_nothing_is_evaluated_before_the_barrier_is_reached() -> None:
    log, one = Log(1), task()
    one.set_barrier({FIRST.name: 1, THEN.name: 1})
    one.feed(THEN.name, [entry(log, THEN, "request")])
    assert one.idle_until() == float("inf")
    assert run(one).is_empty
    one.feed(FIRST.name, [entry(log, FIRST, "stop")])
    one.note_position(FIRST.name, 1)
    run(one)
    run(one)
    assert words(one) == ("stop", "request")


def test_without_the_barrier_a_request_overtakes_the_stop() -> None:
    """The fence switched off: this is what it is for."""
    log, one = Log(1), task()
    one.feed(THEN.name, [entry(log, THEN, "request")])
    run(one)
    one.feed(FIRST.name, [entry(log, FIRST, "stop")])
    run(one)
    assert words(one) == ("request", "stop")


def test_what_lay_before_the_barrier_is_taken_in_the_order_in_which_it_came() -> None:
    """Across topics, whatever is fetched first; the clocks of one topic may go back, and it keeps
    its order."""
    log, one = Log(1), task(priority_topics=(FIRST, ALSO))
    one.set_barrier({FIRST.name: 2, ALSO.name: 2})
    yes = [entry(log, FIRST, "yes", later=20), entry(log, FIRST, "again", later=10)]
    cancels = [entry(log, ALSO, "cancel"), entry(log, ALSO, "late", later=30)]
    one.feed(FIRST.name, yes)
    one.note_position(FIRST.name, 2)
    assert run(one).is_empty, "the cancel has not been fetched"
    assert one.idle_until() == float("inf")
    one.feed(ALSO.name, cancels)
    one.note_position(ALSO.name, 2)
    assert one.pending == 4
    run(one)
    assert words(one) == ("cancel", "yes", "again", "late")
    one.feed(FIRST.name, [entry(log, FIRST, "then", later=50)])
    one.feed(ALSO.name, [entry(log, ALSO, "earlier", later=40)])
    run(one)
    assert words(one)[-2:] == ("then", "earlier"), "later they are taken as they are fetched"


def test_a_backlog_larger_than_the_buffer_does_not_wait_for_all_of_it() -> None:
    log, one = Log(1), task(priority_topics=(FIRST, ALSO))
    one.set_barrier({FIRST.name: 100, ALSO.name: 1})
    one.feed(FIRST.name, [entry(log, FIRST, f"{n}") for n in range(100)])
    one.note_position(FIRST.name, 100)
    assert not one.has_capacity(ALSO.name)
    run(one)
    assert len(words(one)) == 100
    assert one.has_capacity(ALSO.name)


def test_no_timer_fires_behind_the_barrier() -> None:
    log, one = Log(1), task()
    one.feed(THEN.name, [entry(log, THEN, "sleep")])
    saved = one.build_changelog(run(one))
    again = task()
    again.restore(saved)
    again.set_barrier({FIRST.name: 5})
    assert run(again, NOW + timedelta(hours=1)).timer_count == 0
    again.note_position(FIRST.name, 5)
    assert run(again, NOW + timedelta(hours=1)).timer_count == 1


def test_a_timer_is_never_early_and_outlives_its_owner() -> None:
    log, one = Log(1), task()
    one.feed(THEN.name, [entry(log, THEN, "sleep")])
    saved = one.build_changelog(run(one))
    again = task()
    again.restore(saved)
    assert run(again, NOW + timedelta(seconds=59.9999)).timer_count == 0
    tx = run(again, NOW + timedelta(minutes=1))
    assert (tx.timer_count, words(again)) == (1, ("<woke>",))
    third = task()
    third.restore([*saved, *again.build_changelog(tx)])
    assert run(third, NOW + timedelta(days=1)).timer_count == 0


def test_a_written_entry_keeps_its_timer_a_deleted_one_loses_it() -> None:
    log, one = Log(1), task()
    one.feed(THEN.name, [entry(log, THEN, "sleep"), entry(log, THEN, "hello")])
    run(one)
    assert one.idle_until() == (NOW + timedelta(minutes=1)).timestamp()
    one.feed(THEN.name, [entry(log, THEN, "forget")])
    run(one)
    assert run(one, NOW + timedelta(hours=1)).timer_count == 0


def test_positions_state_and_outputs_are_one_transaction() -> None:
    log, one = Log(1), task()
    one.feed(THEN.name, [entry(log, THEN, "hello"), entry(log, THEN, "echo")])
    tx = run(one)
    assert [(send.topic, send.key) for send in tx.outgoing_records] == [(OUT.name, b"k")]
    assert one.positions == {}, "not true before the commit"
    one.mark_committed(tx)
    assert one.positions == {THEN.name: 2}
    again = task()
    again.restore(one.build_changelog(tx))
    assert (again.positions, words(again)) == ({THEN.name: 2}, ("hello",))


def answering(
    state: StateStore, record: InputRecord, now: datetime, settings: Settings
) -> StepResult:
    """An answer asks to be looked at again at once, as where a call has made room for another."""
    return StepResult(state={"heard": Heard()}, timers={"heard": now} if record.topic == "" else {})


@pytest.mark.parametrize(
    ("also", "fired"),
    [
        pytest.param([], 1, id="in the answers' own transaction"),
        pytest.param([FIRST], 0, id="not before a STOP that has come meanwhile"),
    ],
)
def test_a_timer_set_by_call_results_fires_at_once(also: list[Topic[Any]], fired: int) -> None:
    log, one = Log(1), task(process=answering)
    one.call_results.extend(CallResult("k", Said(key="k", what="done")) for _ in range(2))
    tx = one.begin(NOW)
    for topic in also:
        one.feed(topic.name, [entry(log, topic, "stop")])
    while one.evaluate(tx, Settings()):
        pass
    assert tx.timer_count == fired
    assert one.timers.next() == (float("inf") if fired else NOW.timestamp())


def test_a_timer_set_by_call_results_is_left_to_the_next_owner() -> None:
    one = task(process=answering)
    one.call_results.append(CallResult("k", Said(key="k", what="done")))
    tx = one.final_batch(NOW)
    while one.evaluate(tx, Settings()):
        pass
    assert (tx.timer_count, one.timers.next()) == (0, NOW.timestamp())


def test_a_timer_set_by_records_has_its_own_transaction() -> None:
    def process(
        state: StateStore, record: InputRecord, now: datetime, settings: Settings
    ) -> StepResult:
        return StepResult(state={"heard": Heard()}, timers={"heard": now})

    log, one = Log(1), task(process=process)
    one.feed(THEN.name, [entry(log, THEN, "now")])
    assert run(one).timer_count == 0
    assert run(one).timer_count == 1


def test_a_stop_that_comes_while_a_batch_is_judged_cuts_it_short() -> None:
    log, one = Log(1), task()
    one.feed(THEN.name, [entry(log, THEN, word) for word in ("a", "b", "c")])
    tx = one.begin(NOW)
    one.evaluate(tx, Settings(), 1)
    one.feed(FIRST.name, [entry(log, FIRST, "stop")])
    assert one.cut_short(tx)
    assert not one.evaluate(tx, Settings())
    one.mark_committed(tx)
    assert (words(one), one.positions) == (("a",), {THEN.name: 1})
    one.mark_committed(run(one))
    assert words(one) == ("a", "stop")
    one.mark_committed(run(one))
    assert words(one) == ("a", "stop", "b", "c")
    assert one.positions == {FIRST.name: 1, THEN.name: 3}


def test_a_batch_cut_short_keeps_consumer_positions_for_later() -> None:
    log, one = Log(1), task()
    one.feed(THEN.name, [entry(log, THEN, "a"), entry(log, THEN, "b")])
    one.note_position(THEN.name, 9)
    tx = one.begin(NOW)
    one.evaluate(tx, Settings(), 1)
    one.feed(FIRST.name, [entry(log, FIRST, "stop")])
    one.cut_short(tx)
    one.evaluate(tx, Settings())
    assert tx.positions[THEN.name] == 1
    one.mark_committed(tx)
    one.mark_committed(run(one))
    one.mark_committed(run(one))
    assert one.positions[THEN.name] == 9


def test_a_batch_of_what_comes_first_is_not_cut_short() -> None:
    log, one = Log(1), task()
    one.feed(FIRST.name, [entry(log, FIRST, "stop"), entry(log, FIRST, "start")])
    tx = one.begin(NOW)
    one.evaluate(tx, Settings(), 1)
    assert not one.cut_short(tx)
    assert len(tx.work) == 1


@pytest.mark.parametrize(
    ("urgent", "came", "is_urgent"),
    [
        pytest.param("priority_topics", FIRST, True, id="consent and controls"),
        pytest.param("priority_topics", THEN, False, id="what comes after them"),
        pytest.param("topics", FIRST, False, id="the inbox: contacts"),
        pytest.param("topics", THEN, True, id="the inbox: a text"),
    ],
)
def test_what_may_be_a_stop_is_urgent(urgent: Any, came: Topic[Any], is_urgent: bool) -> None:
    log, one = Log(1), task(batching=Batching(stop_topics=urgent))
    one.feed(came.name, [entry(log, came, "hello")])
    assert one.has_urgent is is_urgent


def test_what_was_taken_is_not_taken_again() -> None:
    log, one = Log(1), task()
    records = [entry(log, THEN, "a"), entry(log, THEN, "b")]
    one.feed(THEN.name, records)
    one.feed(THEN.name, records)
    run(one)
    assert words(one) == ("a", "b")


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        pytest.param(b"not json", "invalid", id="no JSON"),
        pytest.param(b'{"key": "k"}', "invalid", id="a field is missing"),
        pytest.param(b'{"key": "k", "what": 7}', "invalid", id="a wrong type"),
        pytest.param(b'{"key": "k", "what": "\\ud800"}', "invalid", id="half a character"),
        pytest.param(
            b'{"key": "' + b"x" * 600 + b'", "what": "hello"}',
            "key_too_long",
            id="a key without end",
        ),
        pytest.param(None, "tombstone", id="a tombstone"),
        pytest.param(b"\xff\xfe" * 500_000, "too_large", id="a megabyte of noise"),
    ],
)
def test_an_unreadable_record_stops_none_behind_it(value: bytes | None, cause: str) -> None:
    log, one = Log(1), task()
    one.feed(THEN.name, [log.append(THEN.name, 0, MS, b"k", value), entry(log, THEN, "next")])
    tx = run(one)
    letter = DEAD_LETTERS.decode(tx.outgoing_records[0].value)
    assert (letter.cause, letter.place, letter.offset, letter.value_bytes) == (
        cause,
        "t.then/0",
        0,
        value,
    )
    assert words(one) == ("next",)
    assert tx.positions == {THEN.name: 2}


def test_the_reason_names_the_field_and_never_the_text() -> None:
    log, one = Log(1), task()
    value = json.dumps({"key": "k", "what": ["my secret"]}).encode()
    one.feed(THEN.name, [log.append(THEN.name, 0, MS, b"k", value)])
    reason = DEAD_LETTERS.decode(run(one).outgoing_records[0].value).reason
    assert "what" in reason
    assert "secret" not in reason


def test_an_unreadable_priority_record_is_reported_to_its_key() -> None:
    log, one = Log(1), task()
    one.feed(FIRST.name, [log.append(FIRST.name, 0, MS, b"k", b"{")])
    run(one)
    assert words(one) == ("<invalid>",)


def test_a_non_utf8_header_makes_a_dead_letter_with_its_bytes() -> None:
    """As `services.kafka.header_patch` reads it."""
    log, one = Log(1), task()
    value = json.dumps({"key": "k", "what": "hello"}).encode()
    one.feed(
        FIRST.name, [log.append(FIRST.name, 0, MS, b"k", value, [("t\udcff", b"1"), ("ünï", b"2")])]
    )
    letter = DEAD_LETTERS.decode(run(one).outgoing_records[0].value or b"")
    assert (letter.cause, letter.value_bytes, letter.headers) == (
        "bad_header",
        value,
        (("t\\xff", "MQ=="), ("ünï", "Mg==")),
    )
    assert words(one) == ("<bad_header>",)


def test_a_header_in_any_letters_is_no_fault() -> None:
    log, one = Log(1), task()
    one.feed(THEN.name, [replace(entry(log, THEN, "hello"), headers=[("日本", b"1"), ("", b"")])])
    run(one)
    assert words(one) == ("hello",)


def test_unreadable_records_of_other_topics_may_be_reported() -> None:
    log, one = Log(1), task(reports_unreadable=(THEN,))
    one.feed(FIRST.name, [log.append(FIRST.name, 0, MS, b"k", b"{")])
    run(one)
    assert "k" not in one.stores
    one.feed(THEN.name, [log.append(THEN.name, 0, MS, b"k", b"{")])
    run(one)
    assert words(one) == ("<invalid>",)


@pytest.mark.parametrize(("where", "said"), [(FIRST, True), (THEN, False)])
def test_an_untrusted_key_is_said_in_the_dead_letter(where: Topic[Any], said: bool) -> None:
    log, one = Log(1), task()
    one.feed(where.name, [log.append(where.name, 0, MS, None, b"{")])
    (letter,) = run(one).outgoing_records
    assert ("nobody has heard it" in DEAD_LETTERS.decode(letter.value or b"").reason) is said
    assert not one.stores


def test_a_misfiled_record_is_filed_again_once() -> None:
    log, one = Log(4), task(partitions=4)
    key = next(f"k{n}" for n in range(99) if partition_of(f"k{n}".encode(), 4) == 2)
    value = json.dumps({"key": key, "what": "hello"}).encode()
    one.feed(THEN.name, [log.append(THEN.name, 0, MS, key.encode(), value, [("ce_id", b"7")])])
    sent = run(one).outgoing_records[0]
    assert (sent.topic, sent.partition, sent.key, sent.value) == (THEN.name, 2, key.encode(), value)
    assert dict(sent.headers) == {"ce_id": b"7", REROUTED: b"t.then/0/0", APPENDED: b"%d" % MS}
    one.feed(THEN.name, [log.append(THEN.name, 0, MS, key.encode(), value, sent.headers)])
    assert DEAD_LETTERS.decode(run(one).outgoing_records[0].value).cause == "misfiled"


def test_a_record_under_a_wrong_key_is_filed_under_its_own() -> None:
    log, one = Log(1), task()
    one.feed(THEN.name, [log.append(THEN.name, 0, MS, None, b'{"key": "k", "what": "hello"}')])
    assert [(send.topic, send.key) for send in run(one).outgoing_records] == [(THEN.name, b"k")]


def test_what_another_processor_looks_after_is_passed_over() -> None:
    """Neither filed again nor put aside: the other one does both, and its copies come here too."""
    log, one = Log(1), task(shared_topics=(THEN,))
    value = b'{"key": "k", "what": "hello"}'
    misplaced = log.append(THEN.name, 0, MS, None, value)
    unreadable = log.append(THEN.name, 0, MS, b"k", b"{")
    one.feed(THEN.name, [misplaced, unreadable, log.append(THEN.name, 0, MS, b"k", value)])
    tx = run(one)
    assert (tx.outgoing_records, words(one)) == ([], ("hello",))
    assert tx.positions[THEN.name] == 3


def test_call_results_come_first_and_alone_while_giving_up() -> None:
    log, one = Log(1), task()
    one.feed(FIRST.name, [entry(log, FIRST, "stop")])
    one.call_results.append(CallResult("k", Said(key="k", what="answer")))
    tx = one.final_batch(NOW)
    one.evaluate(tx, Settings())
    assert words(one) == ("answer",)
    run(one)
    assert words(one) == ("answer", "stop")


def test_a_new_owner_is_reported_to_every_key_behind_the_barrier() -> None:
    log, one = Log(1), task()
    one.feed(THEN.name, [entry(log, THEN, "hello")])
    saved = one.build_changelog(run(one))
    again = task(reports_acquired=True)
    again.restore(saved)
    again.set_barrier({FIRST.name: 1})
    again.feed(FIRST.name, [entry(log, FIRST, "stop")])
    again.note_position(FIRST.name, 1)
    run(again)
    run(again)
    assert words(again) == ("hello", "stop", "<opened>")


def test_effects_are_handed_over_with_their_family() -> None:
    log, one = Log(1), task()
    one.feed(THEN.name, [entry(log, THEN, "go")])
    assert run(one).calls == [("k", Said(key="k", what="go"))]


def test_a_key_whose_last_entry_a_timer_deletes_is_dropped() -> None:
    """Else a worker's memory grows by every message that was ever forgotten."""
    log, one = (
        Log(1),
        task(on_timer=lambda state, name, now, settings: StepResult(state={name: None})),
    )
    one.feed(THEN.name, [entry(log, THEN, "sleep", key=f"k{n}") for n in range(5)])
    one.mark_committed(run(one))
    assert len(one.stores) == 5
    run(one, NOW + timedelta(minutes=2))
    assert one.stores == {}


def test_buffers_and_batches_are_bounded_by_weight_too() -> None:
    log, one = Log(1), task()
    one.feed(THEN.name, [entry(log, THEN, "x" * 1_000_000) for _ in range(40)])
    assert not one.has_capacity(THEN.name)
    assert one.has_capacity(FIRST.name), "requests, however heavy, keep no STOP out"
    taken = [len(run(one).outgoing_records) for _ in range(4)]
    assert sum(taken) == 40, "each is set aside, once"
    assert max(taken) < 20


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(
            {"value": b'{"key":"k","what":"' + b"x" * (5 << 20) + b'"}'},
            id="a value that was sent compressed",
        ),
        pytest.param({"value": b"x" * (5 << 20)}, id="compressed, and no JSON"),
        pytest.param({"headers": tuple((f"h{n}", b"x" * 1000) for n in range(900))}, id="headers"),
        pytest.param({"headers": (("h", b"x" * (5 << 20)),)}, id="one header"),
    ],
)
@pytest.mark.parametrize("key", [b"k", b"filed wrongly"])
def test_what_comes_out_of_a_huge_record_fits_a_broker(record: dict[str, Any], key: bytes) -> None:
    """Else the transaction fails, and fails again after every restart."""
    log, one = Log(1), task()
    one.feed(FIRST.name, [replace(entry(log, FIRST, "stop"), key=key, **record)])
    tx = run(one)
    (sent,) = tx.outgoing_records
    assert sent.topic == DEAD_LETTERS.name
    assert len(sent.value or b"") < 2 << 20
    assert DEAD_LETTERS.decode(sent.value or b"").cause == "too_large"


@pytest.mark.parametrize("timestamp", [-(10**15), -1, 2**62])
@pytest.mark.parametrize("value", [b"no JSON", b'{"key":"k","what":"stop"}'])
def test_a_time_that_no_calendar_has_stops_no_partition(timestamp: int, value: bytes) -> None:
    """Some clients let their callers write any number, and a broker takes it."""
    log, seen = Log(1), list[datetime]()

    def looks(
        state: StateStore, record: InputRecord, now: datetime, settings: Settings
    ) -> StepResult:
        seen.append(record.at)
        return NO_CHANGE

    one = task(process=looks)
    one.feed(FIRST.name, [replace(entry(log, FIRST, "stop"), timestamp=timestamp, value=value)])
    run(one)
    assert len(seen) == 1


def test_state_of_another_number_of_partitions_is_refused() -> None:
    """Their keys belong to other lanes now: a STOP would look for its texts in the wrong one."""
    log, one = Log(1), task()
    one.feed(FIRST.name, [entry(log, FIRST, "stop")])
    items = one.build_changelog(run(one))
    task().restore(items)
    with pytest.raises(Damaged, match="written over 1 partitions; now there are 2"):
        task(partitions=2).restore(items)


def test_positions_move_past_offsets_without_records() -> None:
    log, one = Log(1), task()
    one.feed(THEN.name, [entry(log, THEN, str(n)) for n in range(150)])
    one.note_position(THEN.name, 151)  # the marker of the transaction that wrote them
    first = run(one)
    assert first.positions == {THEN.name: 100}, "fifty are still to be judged"
    one.mark_committed(first)
    second = run(one)
    assert second.positions == {THEN.name: 151}
    one.mark_committed(second)
    assert one.idle_until() == float("inf"), "noted once"


def test_a_marker_alone_is_noted_too() -> None:
    log, one = Log(1), task()
    one.feed(THEN.name, [entry(log, THEN, "last")])
    one.mark_committed(run(one))
    one.note_position(THEN.name, 2)
    assert one.idle_until() == 0.0
    tx = run(one)
    assert not tx.is_empty
    assert tx.positions == {THEN.name: 2}


def test_a_transaction_counts_dead_letters_and_publications() -> None:
    log, one = Log(1), task()
    good = json.dumps({"key": "k", "what": "hello"}).encode()
    one.feed(THEN.name, [log.append(THEN.name, 0, MS, b"k", value) for value in (b"{", good, b"")])
    tx = run(one)
    assert (tx.record_count, tx.dead_letter_count) == (3, 2)
    assert [topic for topic, _ in tx.publications].count(DEAD_LETTERS) == 2
    assert len(tx.publications) == len(tx.outgoing_records)


def test_a_failed_replay_does_not_count_as_a_dead_letter() -> None:
    one, log = task(), Log(1)
    bad = entry(log, THEN, "hello")
    again = replace(bad, value=b"not JSON", headers=[(REPLAYED, b"sms.dead-letters/0/1")])
    one.feed(THEN.name, [again])
    tx = run(one)
    assert (tx.record_count, tx.dead_letter_count, len(tx.outgoing_records)) == (1, 0, 1)


def test_a_timer_waits_for_the_backlog_where_the_processor_says_so() -> None:
    """What was said while nobody worked is evaluated before what came due meanwhile."""
    log, one = Log(1), task(catches_up=True)
    one.feed(THEN.name, [entry(log, THEN, "sleep")])
    saved = one.build_changelog(run(one))
    again = task(catches_up=True)
    again.restore(saved)
    again.limit = 1
    fresh = [entry(log, THEN, "a", "other"), entry(log, THEN, "b", "other")]
    again.set_barrier({THEN.name: 3})
    late = NOW + timedelta(hours=1)
    assert again.idle_until() == float("inf")
    assert run(again, late).timer_count == 0
    again.feed(THEN.name, list(fresh))
    again.note_position(THEN.name, 3)
    for _ in fresh:
        tx = run(again, late)
        assert tx.timer_count == 0
        again.build_changelog(tx)
        again.mark_committed(tx)
    assert again.idle_until() < late.timestamp()
    assert run(again, late).timer_count == 1


def test_a_timer_does_not_wait_where_there_is_no_backlog() -> None:
    log, one = Log(1), task(catches_up=True)
    one.feed(THEN.name, [entry(log, THEN, "sleep")])
    tx = run(one)
    saved = one.build_changelog(tx)
    again = task(catches_up=True)
    again.restore(saved)
    again.set_barrier({THEN.name: 1, FIRST.name: 0})
    again.note_position(FIRST.name, 0)
    again.note_position(THEN.name, 1)
    assert run(again, NOW + timedelta(hours=1)).timer_count == 1
