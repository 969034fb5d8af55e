"""The usage room for real: its worker process, outcomes of four tenants; outcomes a second."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaConsumer

from schemas.outcome import Outcome, Was
from schemas.reports import UsageRow
from schemas.tenant_settings import TenantSettings
from schemas.topics import OUTCOMES, SENDERS, SETTINGS, USAGE_REPORT
from tests.bench import people
from tests.bench.gate import empty_house, tear_down, tell
from tests.bench.process import PYTHON, cpu_meter, running
from tests.bench.watch import PATIENCE, Meter, Progress, Seen, Stuck, unseen

TENANTS: Final = ("harbor", "mesa", "lakeside", "orchard")
FATES: Final = (("delivered", None),) * 8 + (("undelivered", "30003"), ("undelivered", "30005"))


def outcomes(count: int) -> Iterator[Outcome]:
    """Each message twice: on its way, and at its end."""
    now = datetime.now(UTC)
    for i in range(count):
        number, ended = i // 2, i % 2
        state, code = FATES[number % len(FATES)] if ended else ("accepted", None)
        yield Outcome(
            message_id=f"m-{number}",
            tenant=TENANTS[number % len(TENANTS)],
            branch=f"b{number % 3}",
            sender="72976",
            to=people.number(number),
            kind=people.KINDS[number % len(people.KINDS)],
            requested_at=now,
            state=state,
            error_code=code,
            segments=1 + number % 2,
            segments_predicted=1,
            segments_billed=1 + number % 2,
            final=bool(ended),
            version=1 + ended,
            at=now,
            was=Was(state="accepted", segments=1 + number % 2, segments_predicted=1)
            if ended
            else None,
        )


async def one_run(bootstrap: str, count: int, progress: Progress = unseen) -> Seen:
    """`outputs` are outcomes.  Raises InUse, Ended or Stuck."""
    await empty_house(bootstrap)
    count -= count % 2
    try:
        await tell(bootstrap, SETTINGS, (_tenant(name) for name in TENANTS))
        await tell(bootstrap, SENDERS, [people.SENDER])
        await tell(bootstrap, OUTCOMES, outcomes(count))
        with tempfile.TemporaryDirectory(
            prefix="sayso-bench-", ignore_cleanup_errors=True
        ) as folder:
            command = [PYTHON, "-m", "services.workers", "usage"]
            async with running(
                command, Path(folder), {"SAYSO_BOOTSTRAP": bootstrap, "SAYSO_STATE": folder}
            ) as worker:
                meter = cpu_meter({"process": worker.pid})
                return await _until_counted(bootstrap, count, meter, progress)
    finally:
        await tear_down(bootstrap)


async def _until_counted(bootstrap: str, count: int, meter: Meter, progress: Progress) -> Seen:
    """From the first line of the report until it is the recount: how many lines that takes
    depends on the batches."""
    consumer = AIOKafkaConsumer(
        USAGE_REPORT.name,
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
    )
    await consumer.start()
    expected, last, lines = recount(count), dict[str, UsageRow](), list[bytes]()
    began, before, first = 0.0, dict[str, float](), 0
    moved = time.perf_counter()
    try:
        while reported(last.values()) != expected:
            for records in (await consumer.getmany(timeout_ms=50)).values():
                lines += [record.value for record in records]
                last |= {
                    line.identity: line for line in map(USAGE_REPORT.decode, lines[-len(records) :])
                }
                moved = time.perf_counter()
            if lines and not began:
                began, before, first = (
                    time.perf_counter(),
                    meter(),
                    sum(line.messages for line in last.values()),
                )
            progress(sum(line.messages for line in last.values()))
            if time.perf_counter() - moved > PATIENCE:
                raise Stuck(
                    f"the report is no recount of {count} outcomes, and has not changed for {PATIENCE:.0f} s"
                )
    finally:
        await consumer.stop()
    after = meter()
    spent = {name: after[name] - before.get(name, 0.0) for name in after}
    return Seen(time.perf_counter() - began, count - 2 * first, spent, lines)


def reported(lines: Iterable[UsageRow]) -> Counter[tuple[str, str]]:
    counted: Counter[tuple[str, str]] = Counter()
    for line in lines:
        counted[line.tenant, line.state] += line.messages
    return +counted


def recount(count: int) -> Counter[tuple[str, str]]:
    return Counter((one.tenant, one.state) for one in outcomes(count) if one.version == 2)


def _tenant(name: str) -> TenantSettings:
    return TenantSettings(tenant=name, name=name.title(), sender=people.SENDER.sender)
