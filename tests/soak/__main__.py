"""`make soak`: half of what this machine can do, for a long time, through the whole house; what
grows is told.

The broker is an embedded one, thrown away at the end.  Exit code 1 if a process ended, a room
stalled, a text was not delivered, or a process holds more files than at first."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import tempfile
import time
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console

from schemas.topics import CONSENT_EVENTS, SENDERS, SETTINGS
from services.kafka.publisher import Publisher
from services.ledger.ledger import FILE
from services.local.broker import BrokerError, EmbeddedBroker
from services.local.stack import StackOptions, run_stack
from services.operations.errors import OperationError
from tests.bench import people
from tests.bench.gate import empty_house, tell
from tests.bench.stack import PARTITIONS, SCRIPT, parts
from tests.soak import report
from tests.soak.load import Load, Stuck
from tests.soak.measures import Grown
from tests.soak.watching import Seen, watching, worst

BURST: Final = 2000
"""Messages by which the capacity is measured, after as many that warm the house up."""
WARM: Final = 0.25
"""The share of a run that is start-up, and counts for no slope."""
MORE_FILES: Final = 5
"""Descriptors that a process may hold beyond those it had when warm: connections come and go."""


class Plan(NamedTuple):
    minutes: float
    share: float


def arguments() -> tuple[Plan, bool]:
    parser = argparse.ArgumentParser(prog="make soak ARGS=...", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument(
        "--share", type=float, default=0.5, help="of the capacity that is measured first"
    )
    parser.add_argument("--tell", action="store_true", help="write the table of the docs")
    given = parser.parse_args()
    return Plan(given.minutes, given.share), given.tell


async def soak(plan: Plan, say: Console) -> report.Report:
    with tempfile.TemporaryDirectory(prefix="sayso-soak-", ignore_cleanup_errors=True) as folder:
        broker = EmbeddedBroker(Path(folder), ephemeral=True)
        bootstrap = await asyncio.to_thread(broker.start)
        try:
            return await _housed(plan, Path(folder), bootstrap, broker.pid, say)
        finally:
            await asyncio.to_thread(broker.stop)


async def _housed(
    plan: Plan, folder: Path, bootstrap: str, broker: int, say: Console
) -> report.Report:
    script, said = folder / "script.json", list[str]()
    script.write_text(json.dumps(SCRIPT))
    await empty_house(bootstrap, PARTITIONS)
    await tell(bootstrap, SETTINGS, [people.TENANT])
    await tell(bootstrap, SENDERS, [people.SENDER])
    await tell(bootstrap, CONSENT_EVENTS, people.consents(), PARTITIONS)
    async with run_stack(StackOptions(folder, bootstrap, script=script), said.append):
        started = len(said)
        publisher = Publisher(bootstrap, source="soak", timeout=60)
        load = Load(publisher, folder / FILE)
        try:
            await load.burst(BURST)
            capacity = await load.burst(BURST)
            say.print(
                f"· {capacity:,.0f} messages a second at most; {plan.share * capacity:,.0f} from now on"
            )
            async with watching(bootstrap, {**parts(), "broker": broker}) as seen:
                told = await _steady(plan, capacity, load, seen)
        except Stuck as error:
            raise Stuck(f"{error}; {await worst(bootstrap)}; {' '.join(said[started:])}") from None
        finally:
            await publisher.stop()
        return told._replace(wrong=[*told.wrong, *said[started:]])


async def _steady(plan: Plan, capacity: float, load: Load, seen: Seen) -> report.Report:
    rate, asked, began = plan.share * capacity, load.asked, time.monotonic()
    await load.steady(rate, plan.minutes * 60)
    sizes = seen.grown(WARM * plan.minutes * 60)
    wrong = [*sorted(seen.bad), *filter(None, map(_too_many_files, sizes))]
    try:
        await load.settled()
    except Stuck as error:
        wrong.append(str(error))
    messages = load.asked - asked
    return report.Report(
        plan.minutes,
        capacity,
        rate,
        messages,
        messages / (time.monotonic() - began),
        seen.lag_p99,
        max(seen.lags, default=0.0),
        sizes,
        wrong,
    )


def _too_many_files(one: Grown) -> str | None:
    more = one.files_last - one.files_first
    return f"{one.process} holds {more} files more than at first" if more > MORE_FILES else None


def main() -> int:
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    (plan, told_in_docs), console = arguments(), Console(width=None if sys.stdout.isatty() else 120)
    console.print(
        f"{plan.minutes:g} minutes at {plan.share:.0%} of the capacity, which is measured first"
    )
    try:
        told = asyncio.run(soak(plan, console))
    except (BrokerError, OperationError, Stuck) as error:
        print(f"soak: {error}", file=sys.stderr)
        return 1
    console.print(report.table(told))
    report.keep(told)
    if told_in_docs:
        report.tell(told)
    return 1 if told.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
