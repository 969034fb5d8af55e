"""The usage room for real: its worker process, outcomes of four tenants; outcomes a second."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from schemas.outcome import Outcome, Was
from schemas.tenant_settings import TenantSettings
from schemas.topics import OUTCOMES, SENDERS, SETTINGS, USAGE_REPORT
from tests.bench import people
from tests.bench.gate import empty_house, tear_down, tell
from tests.bench.job import PARTITIONS
from tests.bench.plain import Wrong
from tests.bench.process import PYTHON, cpu_meter, running
from tests.bench.watch import Progress, Seen, unseen, watch

TENANTS: Final = ("harbor", "mesa", "lakeside", "orchard")
FATES: Final = (("delivered", None),) * 8 + (("undelivered", "30003"), ("undelivered", "30005"))


def outcomes(count: int) -> Iterator[Outcome]:
    """Each message twice: on its way, and at its end."""
    now = datetime.now(UTC)
    for i in range(count):
        number, ended = i // 2, i % 2
        state, code = FATES[number % len(FATES)] if ended else ("accepted", None)
        yield Outcome(
            message_id=f"m-{number}", tenant=TENANTS[number % len(TENANTS)], branch=f"b{number % 3}", sender="72976",
            to=people.number(number), kind=people.KINDS[number % len(people.KINDS)], requested_at=now, state=state,
            error_code=code, segments=1 + number % 2, segments_predicted=1, segments_billed=1 + number % 2,
            final=bool(ended), version=1 + ended, at=now,
            was=Was(state="accepted", segments=1 + number % 2, segments_predicted=1) if ended else None,
        )  # fmt: skip


async def one_run(bootstrap: str, count: int, progress: Progress = unseen) -> Seen:
    """`outputs` are outcomes: their first version writes one line of the report, the second two.  Raises InUse, Ended,
    Stuck or Wrong."""
    await empty_house(bootstrap)
    count -= count % 2
    try:
        await tell(bootstrap, SETTINGS, (_tenant(name) for name in TENANTS))
        await tell(bootstrap, SENDERS, [people.SENDER])
        await tell(bootstrap, OUTCOMES, outcomes(count))
        with tempfile.TemporaryDirectory(prefix="sayso-bench-", ignore_cleanup_errors=True) as folder:
            command = [PYTHON, "-m", "services.workers", "usage"]
            async with running(command, Path(folder), {"SAYSO_BOOTSTRAP": bootstrap, "SAYSO_STATE": folder}) as worker:
                meter = cpu_meter({"process": worker.pid})
                lines = count // 2 * 3
                seen = await watch(bootstrap, USAGE_REPORT.name, PARTITIONS, lines, meter, progress)
        if why := wrong(seen.values, count):
            raise Wrong(why)
        return seen._replace(outputs=round(seen.outputs * count / lines))
    finally:
        await tear_down(bootstrap)


def wrong(lines: list[bytes], count: int) -> str:
    """Why the report is not a recount, or "" if it is."""
    last = {USAGE_REPORT.decode(line).identity: json.loads(line) for line in lines}
    counted: Counter[tuple[str, str]] = Counter()
    for line in last.values():
        counted[line["tenant"], line["state"]] += line["messages"]
    final = (one for one in outcomes(count) if one.version == 2)
    expected = Counter((one.tenant, one.state) for one in final)
    return "" if +counted == expected else f"the report says {dict(+counted)}, a recount {dict(expected)}"


def _tenant(name: str) -> TenantSettings:
    return TenantSettings(tenant=name, name=name.title(), sender=people.SENDER.sender)
