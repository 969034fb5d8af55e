"""All processes of `sayso up` with a provider's simulator, and people who have opted in."""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer

from schemas.topics import CONSENT_EVENTS, CONSENT_STATUS, SENDERS, SETTINGS
from services.ledger.ledger import FILE
from services.local.stack import StackOptions, run_stack
from services.operations.topics import EMBEDDED
from tests.bench import people
from tests.bench.gate import empty_house, tear_down, tell
from tests.bench.watch import PATIENCE, Progress, Stuck, unseen

SCRIPT: Final = {
    "senders": {"*": {"pace": 1_000_000}},
    "sent_after": [0.0, 0.01],
    "delivered_after": [0.01, 0.05],
}
"""A provider and carriers that are never what one waits for."""
PARTITIONS: Final = EMBEDDED
"""As `sayso up` makes topics."""

_PART: Final = re.compile(rb"-m[\0 ]services\.(?:workers[\0 ])?(?:providers\.)?([a-z]+)")


class Stack(NamedTuple):
    """`pids` by process; `ledger` is its file."""

    bootstrap: str
    pids: dict[str, int]
    ledger: Path


@asynccontextmanager
async def stack(bootstrap: str, broker: int | None) -> AsyncIterator[Stack]:
    """Ready, and everybody's consent is known to the gate.  `broker`: its process, if it is ours
    to measure.  Raises InUse, Refused or Stuck."""
    await empty_house(bootstrap, PARTITIONS)
    try:
        with tempfile.TemporaryDirectory(
            prefix="sayso-bench-", ignore_cleanup_errors=True
        ) as folder:
            script = Path(folder) / "script.json"
            script.write_text(json.dumps(SCRIPT))
            await tell(bootstrap, SETTINGS, [people.TENANT])
            await tell(bootstrap, SENDERS, [people.SENDER])
            async with run_stack(
                StackOptions(Path(folder), bootstrap, script=script, fresh=True),
                lambda sentence: None,
            ):
                await tell(bootstrap, CONSENT_EVENTS, people.consents(), PARTITIONS)
                everybody = 100 * len(people.AREAS)
                await seen_all(
                    bootstrap,
                    CONSENT_STATUS.name,
                    everybody,
                    lambda status: status["number"],
                    unseen,
                )
                pids = {**parts(), **({"broker": broker} if broker else {})}
                yield Stack(bootstrap, pids, Path(folder) / FILE)
    finally:
        await tear_down(bootstrap)


async def seen_all(
    bootstrap: str,
    topic: str,
    wanted: int,
    identity: Callable[[dict[str, Any]], str | None],
    progress: Progress,
) -> None:
    """Until so many different ones have been seen, committed.  Costs the broker a fetch for
    every few records: not for what is measured (`tests.bench.quiet_ledger`)."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
    )
    await consumer.start()
    seen: set[str | None] = set()
    moved = time.perf_counter()
    try:
        while len(seen - {None}) < wanted:
            for records in (await consumer.getmany(timeout_ms=100)).values():
                seen |= {identity(json.loads(record.value)) for record in records}
                moved = time.perf_counter()
            progress(len(seen))
            if time.perf_counter() - moved > PATIENCE:
                raise Stuck(f"{len(seen)} of {wanted} on {topic}, and no more for {PATIENCE:.0f} s")
    finally:
        await consumer.stop()


def parts() -> dict[str, int]:
    """Our own children and theirs that are parts of Sayso, by name; nothing where the system has no
    /proc."""
    return dict(_parts_of("self"))


def _parts_of(process: str) -> Iterator[tuple[str, int]]:
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        for pid in children.read_text().split():
            part = _PART.search(Path(f"/proc/{pid}/cmdline").read_bytes())
            if part:
                yield part[1].decode(), int(pid)
            yield from _parts_of(pid)
