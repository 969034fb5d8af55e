"""The ledger against a real broker: to the ends, once, by several at the same time, and rebuilt
when it must be."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic

from schemas import topics
from schemas.consent import ConsentEvent
from schemas.decision import Decision
from schemas.send_request import SendRequest
from services.kafka.admin import admin_client
from services.ledger import Ledger, LedgerError, topic_reader
from services.ledger.change_feed import freshness
from services.ledger.usage import count_by_verdict, count_requested
from tests.broker_fixtures import PARTITIONS

pytestmark = pytest.mark.broker
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def request(at: int) -> SendRequest:
    return SendRequest(
        message_id=f"m{at}",
        tenant="acme",
        to=f"+1415555{at:04}",
        body="hi",
        kind="direct",
        requested_at=NOON,
    )


def decision(at: int) -> Decision:
    return Decision(
        message_id=f"m{at}",
        tenant="acme",
        kind="direct",
        requested_at=NOON,
        verdict="reject",
        decided_at=NOON,
        policy_version="p",
        consent_epoch=0,
        evidence={},
    )


async def publish(
    bootstrap: str, *records: tuple[topics.Topic, object], transaction: str | None = None
) -> None:
    """With `transaction`, committed in one; markers then take offsets."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=transaction)
    await producer.start()
    try:
        if transaction:
            async with producer.transaction():
                await _send(producer, records)
        else:
            await _send(producer, records)
    finally:
        await producer.stop()


async def _send(
    producer: AIOKafkaProducer, records: tuple[tuple[topics.Topic, object], ...]
) -> None:
    sent = [
        await producer.send(
            topic.name,
            *(
                (value, b"k")
                if isinstance(value, bytes)
                else (topic.encode(value), topic.key(value).encode())
            ),
        )
        for topic, value in records
    ]
    await asyncio.gather(*sent)


@pytest.fixture
def ledger(tmp_path: Path):
    ledger = Ledger.open(tmp_path / "ledger.sqlite")
    yield ledger
    ledger.close()


async def test_it_reaches_the_ends_past_markers_and_poison_and_goes_on(
    fresh_cluster: str, ledger: Ledger
):
    asked = [(topics.SEND_REQUESTS, request(at)) for at in range(50)]
    await publish(fresh_cluster, *asked, (topics.SEND_REQUESTS, b"\x00not json"))
    await publish(
        fresh_cluster, *((topics.DECISIONS, decision(at)) for at in range(50)), transaction="t"
    )
    first = await ledger.catch_up(fresh_cluster)
    assert (first.records, first.rebuilt) == (101, None)
    assert (count_requested(ledger), count_by_verdict(ledger)) == (50, {"reject": 50})
    assert (await ledger.catch_up(fresh_cluster)).records == 0
    await publish(fresh_cluster, (topics.SEND_REQUESTS, request(99)))
    assert (await ledger.catch_up(fresh_cluster)).records == 1
    assert count_requested(ledger) == 51


async def test_what_is_not_committed_is_not_read(fresh_cluster: str, ledger: Ledger):
    producer = AIOKafkaProducer(bootstrap_servers=fresh_cluster, transactional_id="open")
    await producer.start()
    await producer.begin_transaction()
    await producer.send_and_wait(
        topics.DECISIONS.name, topics.DECISIONS.encode(decision(1)), b"acme/m1"
    )
    await ledger.catch_up(fresh_cluster)
    assert count_by_verdict(ledger) == {}
    await producer.abort_transaction()
    await producer.stop()
    assert (await ledger.catch_up(fresh_cluster)).records == 0
    assert count_by_verdict(ledger) == {}


async def test_several_processes_may_fill_one_file(fresh_cluster: str, tmp_path: Path):
    ledgers = [Ledger.open(tmp_path / "ledger.sqlite") for _ in range(3)]
    stop = asyncio.Event()
    following = asyncio.create_task(ledgers[0].follow(fresh_cluster, stop))
    counts = []
    for round_ in range(4):
        wanted = [(topics.SEND_REQUESTS, request(round_ * 500 + at)) for at in range(500)]
        await publish(fresh_cluster, *wanted)
        counts += await asyncio.gather(*(one.catch_up(fresh_cluster) for one in ledgers[1:]))
    assert count_requested(ledgers[1]) == 2000
    stop.set()
    followed = await following
    assert followed.records + sum(count.records for count in counts) == 2000
    for one in ledgers:
        one.close()


async def test_another_cluster_rebuilds_the_file(fresh_cluster: str, ledger: Ledger):
    ledger._store.claim("some-other-cluster")
    await publish(fresh_cluster, (topics.SEND_REQUESTS, request(1)))
    caught = await ledger.catch_up(fresh_cluster)
    assert caught.rebuilt == "it held the topics of another Kafka cluster"
    assert count_requested(ledger) == 1


async def test_a_position_beyond_the_topic_rebuilds_the_file(fresh_cluster: str, ledger: Ledger):
    await publish(fresh_cluster, (topics.SEND_REQUESTS, request(1)))
    await ledger.catch_up(fresh_cluster)
    ledger._store._sql.execute(
        "UPDATE positions SET next_off = 1000 WHERE topic = ?", (topics.SEND_REQUESTS.name,)
    )
    caught = await ledger.catch_up(fresh_cluster)
    assert caught.records == 1
    assert "sms.send-requests" in str(caught.rebuilt)
    assert "stood at 1000" in str(caught.rebuilt)


async def test_it_follows_and_goes_on_when_another_process_rebuilds(
    fresh_cluster: str, ledger: Ledger, tmp_path: Path
):
    claim = ConsentEvent(
        event_id="e1", tenant="acme", number="+14155550100", action="opt_in", source="form", at=NOON
    )
    await publish(fresh_cluster, (topics.CONSENT_EVENTS, claim))
    stop = asyncio.Event()
    following = asyncio.create_task(ledger.follow(fresh_cluster, stop))
    other = Ledger.open(tmp_path / "ledger.sqlite")
    await _until(lambda: len(other.rows("SELECT 1 FROM consent_events")) == 1)
    other._store.rebuild(other._store.meta("cluster"))
    await publish(
        fresh_cluster, (topics.CONSENT_EVENTS, claim.model_copy(update={"event_id": "e2"}))
    )
    await _until(lambda: len(other.rows("SELECT 1 FROM consent_events")) == 2)
    stop.set()
    await following
    other.close()


async def test_a_follower_reads_the_first_at_once_and_gathers_the_rest(
    fresh_cluster: str, ledger: Ledger
):
    """And ends at once, whether it waits for records or rests."""
    stop, gather, batches = asyncio.Event(), 4.0, []
    apply = ledger._store.apply
    ledger._store.apply = lambda records, *rest: (
        batches.append(len(records)),
        apply(records, *rest),
    )[1]
    following = asyncio.create_task(ledger.follow(fresh_cluster, stop, gather))
    await asyncio.sleep(1)  # it waits at the broker
    await publish(fresh_cluster, (topics.SEND_REQUESTS, request(0)))
    began = time.monotonic()
    await _until(lambda: count_requested(ledger) == 1)
    assert time.monotonic() - began < gather / 2
    await publish(fresh_cluster, *[(topics.SEND_REQUESTS, request(at)) for at in range(1, 6)])
    await _until(lambda: count_requested(ledger) == 6)
    assert [count for count in batches if count] == [1, 5]
    began = time.monotonic()
    stop.set()
    assert (await following).records == 6
    assert time.monotonic() - began < gather / 2


async def test_a_ledger_that_follows_knows_that_it_is_current_also_when_nothing_comes(
    fresh_cluster: str, ledger: Ledger
):
    await ledger.catch_up(fresh_cluster)
    assert (behind := freshness(ledger, datetime.now(UTC))) is not None
    assert behind < 20
    stop = asyncio.Event()
    following = asyncio.create_task(ledger.follow(fresh_cluster, stop))
    for _ in range(2):
        began = datetime.now(UTC)
        await _until(lambda began=began: freshness(ledger, began) == 0)
    stop.set()
    await following


async def test_a_reader_that_has_more_to_read_is_not_current(
    fresh_cluster: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(topic_reader, "MAX_BATCH", 5)
    await publish(fresh_cluster, *[(topics.SEND_REQUESTS, request(at)) for at in range(12)])
    async with topic_reader.open_reader(fresh_cluster) as reader:
        reader.seek(await reader.starts())
        count = 0
        while count < 12:
            assert reader.current_ms() is None
            count += len((await reader.batch(1))[0])
        while reader.current_ms() is None:
            await reader.batch(0.1)


async def test_a_missing_broker_is_explained_in_one_sentence(ledger: Ledger):
    with pytest.raises(LedgerError, match=r"^No Kafka answers at 127\.0\.0\.1:9$"):
        await ledger.catch_up("127.0.0.1:9")


async def test_a_cluster_without_our_topics_is_one_sentence(empty_broker: str, ledger: Ledger):
    async with admin_client(empty_broker) as client:
        await client.create_topics([NewTopic("somebody.elses", PARTITIONS, 1)])
    with pytest.raises(LedgerError, match="sayso topics apply"):
        await ledger.catch_up(empty_broker)


async def _until(happened) -> None:
    async with asyncio.timeout(20):
        while not happened():  # noqa: ASYNC110 - another connection's file tells only when asked
            await asyncio.sleep(0.05)


async def make_anew(bootstrap: str, name: str) -> None:
    async with admin_client(bootstrap) as client:
        await client.delete_topics([name])
        async with asyncio.timeout(30):
            while name in await client.list_topics():  # noqa: ASYNC110 - the broker changes it
                await asyncio.sleep(0.05)
        await client.create_topics([NewTopic(name, PARTITIONS, 1)])
    await asyncio.sleep(1)


async def test_a_topic_made_anew_with_as_many_records_rebuilds_the_file(
    fresh_cluster: str, ledger: Ledger
) -> None:
    await publish(fresh_cluster, *((topics.SEND_REQUESTS, request(n)) for n in range(8)))
    await ledger.catch_up(fresh_cluster)
    await make_anew(fresh_cluster, topics.SEND_REQUESTS.name)
    again = [request(n).model_copy(update={"body": "bye"}) for n in range(8)]
    await publish(fresh_cluster, *((topics.SEND_REQUESTS, one) for one in again))
    caught = await ledger.catch_up(fresh_cluster)
    assert caught.rebuilt == "sms.send-requests was deleted and created again"
    assert {row["body"] for row in ledger.rows("SELECT json ->> 'body' AS body FROM requests")} == {
        "bye"
    }
    assert (await ledger.catch_up(fresh_cluster)).rebuilt is None


async def test_a_log_that_was_cut_and_grew_again_rebuilds_the_file(
    fresh_cluster: str, ledger: Ledger
) -> None:
    """Another record stands where the last one was read."""
    await publish(fresh_cluster, (topics.SEND_REQUESTS, request(1)))
    await ledger.catch_up(fresh_cluster)
    ledger._store._sql.execute(
        "UPDATE meta SET value = json_replace(value, '$[2]', 1) WHERE name LIKE 'last/%'"
    )
    assert "was cut and grew again" in str((await ledger.catch_up(fresh_cluster)).rebuilt)
    assert (await ledger.catch_up(fresh_cluster)).rebuilt is None


async def test_a_file_without_ids_takes_them_as_they_are(
    fresh_cluster: str, ledger: Ledger
) -> None:
    await publish(fresh_cluster, (topics.SEND_REQUESTS, request(1)))
    await ledger.catch_up(fresh_cluster)
    ledger._store._sql.execute("DELETE FROM meta WHERE name LIKE '%/%'")
    assert (await ledger.catch_up(fresh_cluster)).rebuilt is None
    assert topics.SEND_REQUESTS.name in ledger._store.topic_ids()
