"""`make faults`: hurt a running stack, count from outside, and say what was lost, sent twice or
left in doubt.

The broker is an embedded one, thrown away at the end.  Exit code 1 if any fault fails."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys

from rich.console import Console

from tests.faults.harness import results, screen
from tests.faults.harness.catalog import FAULTS
from tests.faults.harness.runner import Plan, run_plan
from tests.faults.harness.verdict import Verdict


def arguments() -> Plan:
    parser = argparse.ArgumentParser(prog="make faults ARGS=...", description=__doc__)
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="NAME",
        choices=list(FAULTS),
        default=None,
        help=", ".join(FAULTS),
    )
    parser.add_argument(
        "--cluster", action="store_true", help="the faults of three brokers, and no others"
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="of each fault of three brokers, on one stack"
    )
    parser.add_argument(
        "--runs", type=int, default=1, help="of each fault, each with moments of its own"
    )
    parser.add_argument("--seed", type=int, default=1, help="decides every moment")
    parser.add_argument(
        "--quick", action="store_true", help="the long ones shorter; the table of the docs stays"
    )
    given = parser.parse_args()
    names = given.only or [
        name for name, fault in FAULTS.items() if bool(fault.cluster) == given.cluster
    ]
    return Plan(
        [FAULTS[name] for name in names],
        runs=given.runs,
        quick=given.quick,
        seed=given.seed,
        rounds=given.rounds,
    )


async def play(plan: Plan, console: Console) -> list[Verdict]:
    """Each verdict is kept at once: a run that is cut short has not been for nothing."""
    verdicts: list[Verdict] = []
    with screen.progress(console, len(plan.faults)) as (report, done):
        async for verdict in run_plan(plan, report):
            verdicts.append(verdict)
            results.save_results([verdict], plan.quick)
            done(verdict)
    return verdicts


def main() -> int:
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    plan, console = arguments(), Console(width=None if sys.stdout.isatty() else 120)
    console.print(f"{os.cpu_count()} cores, {len(plan.faults)} faults, seed {plan.seed}\n")
    verdicts = asyncio.run(play(plan, console))
    console.print(screen.table(verdicts))
    if not plan.quick:
        results.write_table(results.read_results())
    failed = [one.fault for one in verdicts if not one.passed]
    console.print(
        f"[bold red]{len(failed)} of {len(verdicts)} fail[/]" if failed else "[green]All hold.[/]"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
