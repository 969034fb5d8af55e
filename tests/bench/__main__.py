"""`python -m tests.bench`: how fast, side by side on one broker; results also in `.bench/latest.json`.

The broker of SAYSO_BOOTSTRAP, else an embedded one of its own that is thrown away.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console

from services.broker import BrokerError, EmbeddedBroker
from tests.bench import measured, screen
from tests.bench.results import LATEST, Result, keep


def arguments() -> measured.Plan:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--events", type=int, default=100_000, help="plain job (Faust's idiom: a tenth), usage, ledger")
    parser.add_argument("--requests", type=int, default=40_000, help="judged by the gate")
    parser.add_argument("--messages", type=int, default=2_000, help="sent through the whole path")
    parser.add_argument("--rows", type=int, default=200_000, help="restored; also messages that stories are told from")
    parser.add_argument("--queued", type=int, default=10_000, help="texts that wait while STOPs race them")
    parser.add_argument("--backlog", type=int, default=20_000, help="requests that the gate has not judged by then")
    parser.add_argument("--full", action="store_true", help="restore a million rows; a backlog of a million")
    parser.add_argument("--runs", type=int, default=3, help="of each; the median counts")
    parser.add_argument("--only", nargs="+", choices=sorted(measured.BENCHES), default=list(measured.BENCHES))
    given = parser.parse_args()
    rows = 1_000_000 if given.full else given.rows
    backlog, queued = (1_000_000, 40_000) if given.full else (given.backlog, given.queued)
    sizes = (given.events, given.requests, given.messages, rows, queued, backlog)
    return measured.Plan(*sizes, given.runs, tuple(given.only))


@asynccontextmanager
async def broker() -> AsyncIterator[measured.Broker]:
    if given := os.environ.get("SAYSO_BOOTSTRAP"):
        yield measured.Broker(given, None)
        return
    with tempfile.TemporaryDirectory(prefix="sayso-bench-", ignore_cleanup_errors=True) as folder:
        ours = EmbeddedBroker(Path(folder), ephemeral=True)
        await asyncio.to_thread(ours.start)
        try:
            yield measured.Broker(ours.bootstrap, ours.pid)
        finally:
            await asyncio.to_thread(ours.stop)


async def bench(plan: measured.Plan, console: Console) -> list[Result]:
    found: list[Result] = []
    async with broker() as where:
        for name in plan.only:
            with screen.progress(console) as step:
                results, drawn = await measured.BENCHES[name](where, plan, step)
            console.print(drawn)
            found += results
            keep(found)
    return found


def main() -> int:
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    plan, console = arguments(), Console()
    console.print(f"{os.cpu_count()} cores; each figure is the median of {plan.runs} runs, seen from outside\n")
    try:
        asyncio.run(bench(plan, console))
    except (BrokerError, *measured.FAULTS) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    console.print(f"Kept in {LATEST.relative_to(Path.cwd()) if LATEST.is_relative_to(Path.cwd()) else LATEST}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
