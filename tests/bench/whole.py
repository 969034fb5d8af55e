"""The whole path: real processes, webhook and simulator, from the request's publication to the final outcome."""

from __future__ import annotations

import json
import re
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer

from schemas.topics import CONSENT_EVENTS, CONSENT_STATUS, OUTCOMES, SEND_REQUESTS, SENDERS, SETTINGS
from services.cli.house import Wanted, house
from tests.bench import people
from tests.bench.gate import empty_house, tear_down, tell
from tests.bench.process import cpu_meter
from tests.bench.watch import PATIENCE, Meter, Progress, Stuck, unseen

SCRIPT: Final = {
    "senders": {"*": {"pace": 1_000_000}},
    "sent_after": [0.0, 0.01],
    "delivered_after": [0.01, 0.05],
}
"""A provider and carriers that are never what one waits for."""

_PART: Final = re.compile(rb"-m\0services\.(?:workers\0)?(?:providers\.)?([a-z]+)")


class Flowed(NamedTuple):
    """`spent`: CPU seconds by process."""

    seconds: float
    messages: int
    spent: dict[str, float]

    @property
    def rate(self) -> float:
        return self.messages / self.seconds


async def one_run(bootstrap: str, count: int, broker: int | None, progress: Progress = unseen) -> Flowed:
    """`broker`: its process, if it is ours to measure.  Raises InUse, Refused or Stuck."""
    await empty_house(bootstrap)
    try:
        with tempfile.TemporaryDirectory(prefix="sayso-bench-", ignore_cleanup_errors=True) as folder:
            script = Path(folder) / "script.json"
            script.write_text(json.dumps(SCRIPT))
            await tell(bootstrap, SETTINGS, [people.TENANT])
            await tell(bootstrap, SENDERS, [people.SENDER])
            async with house(Wanted(Path(folder), bootstrap, script=script, fresh=True), lambda sentence: None):
                await tell(bootstrap, CONSENT_EVENTS, people.consents())
                everybody = 100 * len(people.AREAS)
                await seen_all(bootstrap, CONSENT_STATUS.name, everybody, lambda status: status["number"], unseen)
                meter = cpu_meter({**parts(), **({"broker": broker} if broker else {})})
                return await _flow(bootstrap, count, meter, progress)
    finally:
        await tear_down(bootstrap)


async def _flow(bootstrap: str, count: int, meter: Meter, progress: Progress) -> Flowed:
    began, before = time.perf_counter(), meter()
    await tell(bootstrap, SEND_REQUESTS, people.requests(count, uuid.uuid4().hex[:8]))
    await seen_all(bootstrap, OUTCOMES.name, count, _delivered, progress)
    took, after = time.perf_counter() - began, meter()
    return Flowed(took, count, {name: after[name] - before[name] for name in after})


def _delivered(outcome: dict[str, Any]) -> str | None:
    return outcome["message_id"] if outcome["state"] == "delivered" else None


async def seen_all(
    bootstrap: str, topic: str, wanted: int, identity: Callable[[dict[str, Any]], str | None],
    progress: Progress,
) -> None:  # fmt: skip
    """Until so many different ones have been seen, committed."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, isolation_level="read_committed", auto_offset_reset="earliest"
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
    """Our own children that are parts of Sayso, by name; nothing where the system has no /proc."""
    found: dict[str, int] = {}
    for children in Path("/proc/self/task").glob("*/children"):
        for pid in children.read_text().split():
            part = _PART.search(Path(f"/proc/{pid}/cmdline").read_bytes())
            if part:
                found[part[1].decode()] = int(pid)
    return found
