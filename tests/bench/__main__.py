"""`python -m tests.bench`: how fast, side by side on one broker; results also in
`.bench/latest.json`.

The broker of SAYSO_BOOTSTRAP, else an embedded one of its own that is thrown away.  `--versus
DIR` compares with another checkout instead."""

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

from services.local.broker import BrokerError, EmbeddedBroker
from tests.bench import flows, measured, screen, versus
from tests.bench.plan import Broker, Plan
from tests.bench.results import LATEST, Result, keep


def arguments() -> tuple[Plan, Path | None]:
    """What to measure, and the checkout to compare with, if any."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--events",
        type=int,
        default=100_000,
        help="plain job (Faust's idiom: a tenth), usage, ledger",
    )
    parser.add_argument("--requests", type=int, default=40_000, help="judged by the gate")
    parser.add_argument("--messages", type=int, default=2_000, help="sent through the whole path")
    parser.add_argument(
        "--rows",
        type=int,
        default=200_000,
        help="restored; also messages that stories are told from",
    )
    parser.add_argument(
        "--queued", type=int, default=10_000, help="texts that wait while STOPs race them"
    )
    parser.add_argument(
        "--backlog", type=int, default=20_000, help="requests that the gate has not judged by then"
    )
    parser.add_argument(
        "--lives", type=int, default=20_000, help="messages that outcomes remembers"
    )
    parser.add_argument("--parties", type=int, default=10_000, help="of a case that is launched")
    parser.add_argument("--reminders", type=int, default=1_000_000, help="planned, and restored")
    parser.add_argument(
        "--listed", type=int, default=1_000_000, help="messages in the ledger whose lists are read"
    )
    parser.add_argument(
        "--steady-seconds", type=float, default=25, help="of an even load, after a warm-up"
    )
    parser.add_argument("--idle-seconds", type=float, default=30, help="in which nothing comes")
    parser.add_argument(
        "--full", action="store_true", help="restore a million rows; a backlog of a million"
    )
    parser.add_argument("--runs", type=int, default=3, help="of each; the median counts")
    parser.add_argument(
        "--versus",
        type=Path,
        metavar="DIR",
        help="another checkout, run by turns; --only is `whole`",
    )
    parser.add_argument("--only", nargs="+", choices=sorted(measured.BENCHES))
    given = parser.parse_args()
    rows = 1_000_000 if given.full else given.rows
    backlog, queued = (1_000_000, 40_000) if given.full else (given.backlog, given.queued)
    only = given.only or (versus.USUAL if given.versus else measured.BENCHES)
    plan = Plan(
        events=given.events,
        requests=given.requests,
        messages=given.messages,
        rows=rows,
        queued=queued,
        backlog=backlog,
        lives=given.lives,
        parties=given.parties,
        reminders=given.reminders,
        listed=given.listed,
        steady=given.steady_seconds,
        idle=given.idle_seconds,
        runs=given.runs,
        only=tuple(only),
    )
    return plan, given.versus and given.versus.resolve()


@asynccontextmanager
async def broker() -> AsyncIterator[Broker]:
    if given := os.environ.get("SAYSO_BOOTSTRAP"):
        yield Broker(given, None)
        return
    with tempfile.TemporaryDirectory(prefix="sayso-bench-", ignore_cleanup_errors=True) as folder:
        ours = EmbeddedBroker(Path(folder), ephemeral=True)
        await asyncio.to_thread(ours.start)
        try:
            yield Broker(ours.bootstrap, ours.pid)
        finally:
            await asyncio.to_thread(ours.stop)


async def bench(plan: Plan, console: Console) -> None:
    found: list[Result] = []
    async with broker() as where:
        for name in plan.only:
            with screen.progress(console) as step:
                results, drawn = await measured.BENCHES[name](where, plan, step)
            console.print(drawn)
            found += results
            keep(found)
    if across := flows.to_flood(found):
        results, drawn = across
        console.print(drawn)
        keep(results)


def compare(there: Path, plan: Plan, console: Console) -> None:
    with screen.progress(console) as step:
        _, drawn = versus.compare(there, plan, step)
    console.print(drawn)


def main() -> int:
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    (plan, there), console = arguments(), Console()
    console.print(
        f"{os.cpu_count()} cores; each figure is the median of {plan.runs} runs, seen from outside\n"
    )
    try:
        if there:
            compare(there, plan, console)
        else:
            asyncio.run(bench(plan, console))
    except (BrokerError, *measured.FAULTS) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    kept = versus.KEPT if there else LATEST
    console.print(
        f"Kept in {kept.relative_to(Path.cwd()) if kept.is_relative_to(Path.cwd()) else kept}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
