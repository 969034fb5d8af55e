"""Whatever lies on a topic, its partition goes on, and what could not be read is kept whole."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from schemas.topics import EVERY_TOPIC, MAIL_REQUESTS, SEND_REQUESTS, TOPICS
from streams.partition.decoding import partition_of
from streams.topology import PROCESSORS
from tests.broker_fixtures import PARTITIONS
from tests.e2e import running_stack, witness
from tests.non_utf8_headers import Odd, publish_oddly

pytestmark = pytest.mark.broker

READ_BY_PROCESSORS = sorted(
    {topic.name for processor in PROCESSORS.values() for topic in processor.inputs}
)
UNREADABLE = [
    b"not json",
    b"{}",
    b'{"a": "\\ud800"}',
    b"\x00\xff" * 1000,
    b'["a", 1]',
    b"7" * 900_000,
]


def letters() -> Iterator[tuple[str, int, bytes | None, bytes | None]]:
    """Every unreadable value, with and without a key, and a tombstone, on every partition of
    every topic of a processor."""
    for topic in READ_BY_PROCESSORS:
        for partition in range(PARTITIONS):
            for n, value in enumerate(UNREADABLE):
                yield topic, partition, b"k" if n % 2 else None, value
            yield topic, partition, b"k", None


async def publish_raw(
    bootstrap: str, records: list[tuple[str, int, bytes | None, bytes | None]]
) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    for topic, partition, key, value in records:
        await producer.send(topic, partition=partition, key=key, value=value)
    await producer.stop()


@pytest.fixture
def without_dlq_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """So much poison at once is what the dead-letter limit is for; here it is to be read."""
    monkeypatch.setenv("SAYSO_BRAKE", "1")


@pytest.mark.timeout(240)
@pytest.mark.usefixtures("without_dlq_limit")
async def test_poison_on_every_topic_stops_nothing_and_is_kept(
    fresh_cluster: str, tmp_path: Path
) -> None:
    poison = list(letters())
    public = [
        (topic.name, 0, b"k", b"{") for topic in TOPICS if topic.name not in READ_BY_PROCESSORS
    ]
    mail = [one for one in public if one[0] == MAIL_REQUESTS.name]
    """Whoever mails keeps what cannot be read, as processors do; the others are read by no service
    of the stack, or only shown."""
    async with running_stack.start_stack(tmp_path, fresh_cluster) as running:
        pids = {name: running.pid(name) for name in PROCESSORS}
        await publish_raw(running.bootstrap, poison + public)
        await running.opt_in(running_stack.NUMBERS)
        asked = await running.ask([f"m{n}" for n in range(60)])
        found = await witness.wait_for_account(running.bootstrap, asked, running.journal)
        letters_kept = await wait_for_letters(running.bootstrap, len(poison + mail))
        assert {name: running.pid(name) for name in PROCESSORS} == pids, "somebody died of it"
    assert found.in_state("delivered") == asked
    kept = Counter(
        (one["topic"], one["partition"], one.get("key"), one.get("value")) for one in letters_kept
    )
    assert kept == Counter(
        (topic, partition, b64(key), b64(value)) for topic, partition, key, value in poison + mail
    )


async def wait_for_letters(bootstrap: str, wanted: int) -> list[dict[str, object]]:
    for _ in range(60):
        found = await readable(bootstrap)
        if len(found) >= wanted:
            return found
        await asyncio.sleep(1)
    return found


async def readable(bootstrap: str) -> list[dict[str, object]]:
    """Dead letters; the one of ours on that topic itself is no letter."""
    consumer_found = await witness.read_bytes(bootstrap, "sms.dead-letters")
    return [json.loads(value) for value in consumer_found if value != b"{"]


def b64(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()


async def test_misfiled_requests_are_filed_again_and_sent_once(
    fresh_cluster: str, tmp_path: Path
) -> None:
    """As a producer with another hash files them: every request on every partition but its own,
    keyed or not."""
    numbers = running_stack.NUMBERS[:8]
    async with running_stack.start_stack(tmp_path, fresh_cluster) as running:
        await running.opt_in(numbers)
        records = [
            (
                "sms.send-requests",
                partition,
                key,
                request(f"m{n}-{partition}-{key is None}", number),
            )
            for n, number in enumerate(numbers)
            for partition in range(PARTITIONS)
            for key in (f"harbor/{number}".encode(), None)
        ]
        await publish_raw(running.bootstrap, list(records))
        asked = {json.loads(value or b"")["message_id"] for _, _, _, value in records}
        found = await witness.wait_for_account(running.bootstrap, asked, running.journal)
    assert found.in_state("delivered") == asked
    assert found.taken == dict.fromkeys(asked, 1)


def request(name: str, number: str) -> bytes:
    spaced = (
        f"{number[:2]} ({number[2:5]}) {number[5:8]}-{number[8:]}"
        if name.endswith("True")
        else number
    )
    return json.dumps(
        {
            "message_id": name,
            "tenant": "harbor",
            "to": spaced,
            "body": "Hello",
            "kind": "direct",
            "requested_at": datetime.now(UTC).isoformat(),
            "from_a_newer_producer": {"a": 1},
        }
    ).encode()


async def test_an_unreadable_text_blocks_its_number_until_resolved(
    fresh_cluster: str, tmp_path: Path
) -> None:
    blocked, free = running_stack.NUMBERS[:2]
    async with running_stack.start_stack(tmp_path, fresh_cluster) as running:
        await running.opt_in([blocked, free])
        key = f"{running_stack.SENDER}/{blocked}".encode()
        place = partition_of(key, PARTITIONS)
        await publish_raw(running.bootstrap, [("sms.inbound", place, key, b'{"body": "ST')])
        assert await logged(running.bootstrap, "unreadable") == [blocked]
        await publish_raw(
            running.bootstrap,
            [
                (
                    "sms.send-requests",
                    partition_of(f"harbor/{number}".encode(), PARTITIONS),
                    f"harbor/{number}".encode(),
                    request(name, number),
                )
                for name, number in (("waits", blocked), ("goes", free))
            ],
        )
        before = await witness.wait_for_account(
            running.bootstrap, {"waits", "goes"}, running.journal
        )
        resolved = await sayso(
            "consent", "resolve", blocked, "-t", "harbor", "--actor", "dana", at=running
        )
        after = await witness.wait_for_account(
            running.bootstrap, {"waits", "goes"}, running.journal
        )
        while after.in_state("delivered") != {"waits", "goes"} and resolved == 0:
            after = await witness.wait_for_account(
                running.bootstrap, {"waits", "goes"}, running.journal
            )
    assert {name: one["state"] for name, one in before.outcomes.items()} == {
        "waits": "held",
        "goes": "delivered",
    }
    assert after.taken == {"waits": 1, "goes": 1}


NOT_READ_HERE = {"sms.outcomes", "sms.usage-report", "sms.dead-letters"}
"""By `witness`, which is no reader of ours and could not."""


@pytest.mark.timeout(180)
@pytest.mark.usefixtures("without_dlq_limit")
async def test_headers_that_are_not_utf8_stop_no_reader(fresh_cluster: str, tmp_path: Path) -> None:
    """On every partition: requests that would be good but for that, and whatever the other
    topics have."""
    request_key, number = b"harbor/+12125550199", "+12125550199"
    odd = [
        Odd(
            topic.name,
            n,
            request_key,
            request(f"odd{n}", number) if topic is SEND_REQUESTS else b"{}",
        )
        for topic in TOPICS
        if topic.name not in NOT_READ_HERE
        for n in range(1 if topic.single else PARTITIONS)
    ]
    async with running_stack.start_stack(tmp_path, fresh_cluster) as running:
        pids = {name: running.pid(name) for name in PROCESSORS}
        await publish_oddly(running.bootstrap, odd)
        await running.opt_in(running_stack.NUMBERS)
        asked = await running.ask([f"m{n}" for n in range(30)])
        found = await witness.wait_for_account(running.bootstrap, asked, running.journal)
        read = [one for one in odd if one.topic in READ_BY_PROCESSORS]
        letters_kept = await wait_for_letters(running.bootstrap, len(read))
        explained = await sayso("explain", "m1", at=running)
        assert {name: running.pid(name) for name in PROCESSORS} == pids, "somebody died of it"
    assert (found.in_state("delivered"), explained) == (asked, 0)
    kept = Counter(
        (one["topic"], one["partition"], one.get("key"), one.get("value")) for one in letters_kept
    )
    assert kept == Counter((one.topic, one.partition, b64(one.key), b64(one.value)) for one in read)
    headers = [["ce_id", "MQ=="], [r"trace-\xff\xfe", "Nw=="]]
    assert all(one["headers"] == headers for one in letters_kept)
    assert {one["cause"] for one in letters_kept} == {"bad_header"}


async def logged(bootstrap: str, action: str) -> list[str]:
    """Whose consent log says so, as soon as one does."""
    while True:
        log = (await witness.read(bootstrap, "sms.consent-log"))["sms.consent-log"]
        if found := [entry["number"] for entry in log if entry["action"] == action]:
            return found
        await asyncio.sleep(0.2)


async def sayso(*command: str, at: running_stack.RunningStack) -> int | None:
    told = {**os.environ, "SAYSO_BOOTSTRAP": at.bootstrap, "SAYSO_STATE": str(at.state)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.cli", *command, env=told
    )
    return await process.wait()


def test_every_topic_of_a_processor_was_poisoned() -> None:
    rows = {processor.state_topic.name for processor in PROCESSORS.values()}
    assert (
        set(READ_BY_PROCESSORS) | {"sms.settings", "sms.senders"}
        <= {topic.name for topic in EVERY_TOPIC} - rows
    )
