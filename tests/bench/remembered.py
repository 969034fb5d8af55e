"""What outcomes keeps in memory of a message whose life is over.  No Kafka: the partition task itself, fed
in memory.

Run as a process, so that nothing else grows: `python -m tests.bench.remembered --lives N` prints
the bytes a message."""

from __future__ import annotations

import argparse
import gc
import tempfile
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from schemas import topics as t
from schemas.attempt import DeliveryReceipt
from streams.dispatch.provider_calls import Result, SendCall, SendResult
from streams.memory import IDLE_AFTER, PACKED_PER_BATCH
from streams.partition.decoding import hash_key
from streams.partition.task import PartitionTask
from streams.processing import Settings, build_settings
from streams.topology import DISPATCH, GATE, OUTCOMES
from tests.bench import people
from tests.bench.process import PYTHON, last_words, running
from tests.simulation.log import Entry
from tests.simulation.world import World

REAL: Final = 50
"""Lives that processors really publish; the others are copies under their own ids."""
WAVE: Final = 500
"""Messages whose facts come together, in three batches: decided and queued, called, reported."""
SETTINGS: Final = build_settings(
    {people.TENANT.tenant: people.TENANT}, {people.SENDER.sender: people.SENDER}
)
WAIT: Final = timedelta(seconds=1)

Waves = tuple[list[Entry], list[Entry], list[Entry]]


def lives() -> Waves:
    """What gate and dispatch publish of some requests, and the receipts of a provider that takes
    and delivers all."""
    world = World(0, [GATE, DISPATCH], SETTINGS, _take, partitions=1)
    for event in people.consents():
        world.publish(t.CONSENT_EVENTS, event.model_copy(update={"at": world.now}))
    world.settle(WAIT)
    for request in people.requests(REAL, "life"):
        world.publish(t.SEND_REQUESTS, request.model_copy(update={"requested_at": world.now}))
    world.settle(WAIT)
    for post, at in world.posts:
        for status, after in (("sent", 1), ("delivered", 2)):
            world.publish(
                t.DELIVERY_RECEIPTS, _receipt(post, status, at + timedelta(seconds=after))
            )
    attempts = world.log.entries[t.ATTEMPTS.name, 0]
    queued = [entry for entry in attempts if b'"queued"' in (entry.value or b"")]
    called = [entry for entry in attempts if entry not in queued]
    return (
        [*world.log.entries[t.DECISIONS.name, 0], *queued],
        called,
        world.log.entries[t.DELIVERY_RECEIPTS.name, 0],
    )


def _sid(post: SendCall) -> str:
    return "SM" + post.message_id.encode().hex().rjust(32, "0")


def _take(post: SendCall, now: datetime) -> SendResult:
    return SendResult(
        tenant=post.tenant,
        message_id=post.message_id,
        attempt=post.attempt,
        sender=post.sender,
        result=Result.ACCEPTED,
        provider_id=_sid(post),
    )


def _receipt(post: SendCall, status: str, at: datetime) -> DeliveryReceipt:
    """As the webhook reads it from Twilio's form."""
    form = {
        "AccountSid": "AC" + "0" * 32,
        "ApiVersion": "2010-04-01",
        "From": post.sender,
        "To": post.to,
        "MessageSid": _sid(post),
        "MessageStatus": status,
    }
    return DeliveryReceipt(
        message_id=post.message_id,
        tenant=post.tenant,
        attempt=post.attempt,
        provider_id=_sid(post),
        status=status,
        received_at=at,
        raw=form,
    )


class Outcomes:
    """One task, one partition; what it publishes goes nowhere, and committed rows are bytes as
    in its changelog."""

    def __init__(self) -> None:
        self.lane = PartitionTask(
            OUTCOMES, 0, dict.fromkeys([topic.name for topic in t.EVERY_TOPIC], 1)
        )
        self._offsets: dict[str, int] = {}

    def feed(self, waves: Waves, copies: range, now: datetime) -> None:
        for wave in waves:
            for topic in OUTCOMES.inputs:
                records: list[Any] = [
                    one for copy in copies for one in self._copied(wave, topic.name, copy)
                ]
                if records:
                    self.lane.feed(topic.name, records)
            while self.lane.buffer:
                tx = self.lane.begin(now)
                while self.lane.evaluate(tx, Settings(), limit=200):
                    pass
                self.lane.build_changelog(tx)
                self.lane.mark_committed(tx)

    def come_to_rest(self, now: datetime) -> None:
        """Half a minute passes: the lane packs what nothing has happened to, some with each
        batch."""
        for _ in range(self.lane.entry_count // PACKED_PER_BATCH + 1):
            self.lane.begin(now + timedelta(seconds=IDLE_AFTER + 1))

    def _copied(self, wave: list[Entry], topic: str, copy: int) -> Iterator[Entry]:
        name = b"life%06d-" % copy
        for entry in wave:
            if entry.topic == topic and entry.key is not None and entry.value is not None:
                self._offsets[topic] = offset = self._offsets.get(topic, -1) + 1
                key, value = entry.key.replace(b"life-", name), entry.value.replace(b"life-", name)
                yield Entry(topic, 0, offset, entry.timestamp, key, value, entry.headers)


def bytes_per_message(count: int) -> float:
    """Grown by so many after some that warm everything up: what is allocated and still held."""
    waves, outcomes = lives(), Outcomes()
    now = datetime.fromtimestamp(waves[2][-1].timestamp / 1000 + 5, UTC)
    a_wave = max(1, WAVE // REAL)
    copies = -(-count // REAL)
    tracemalloc.start()
    try:
        outcomes.feed(waves, range(a_wave), now)
        outcomes.come_to_rest(now)
        before = _held()
        for first in range(a_wave, a_wave + copies, a_wave):
            outcomes.feed(waves, range(first, min(first + a_wave, a_wave + copies)), now)
        outcomes.come_to_rest(now)
        grown = _held() - before
    finally:
        tracemalloc.stop()
    if outcomes.lane.entry_count != (a_wave + copies) * REAL:
        raise ValueError(
            f"{outcomes.lane.entry_count} lives are remembered, not {(a_wave + copies) * REAL}"
        )
    return grown / (copies * REAL)


def _held() -> int:
    hash_key.cache_clear()  # bounded, so nothing that a message adds for good
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


async def one_run(count: int) -> float:
    """Raises Ended."""
    command = [PYTHON, "-m", "tests.bench.remembered", "--lives", str(count)]
    with tempfile.TemporaryDirectory(prefix="sayso-bench-") as folder:
        async with running(command, Path(folder)) as process:
            await process.wait()
        return float(last_words(Path(folder) / "log"))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lives", type=int, required=True)
    print(bytes_per_message(parser.parse_args().lives))


if __name__ == "__main__":
    main()
