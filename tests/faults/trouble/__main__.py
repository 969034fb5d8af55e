"""`python -m tests.faults.trouble`: stage every fault, and write what Sayso reported into the docs.

Each on an embedded broker of its own, thrown away at the end.  Exit code 1 if anything wrong was
said."""

from __future__ import annotations

import argparse
import asyncio
import logging
import re
import sys
import tempfile
from pathlib import Path
from typing import Final

from services.kafka.topics import apply
from services.local.broker import EmbeddedBroker
from tests.bench.process import ROOT
from tests.faults.trouble.cases import STAGED_FAULTS, StagedFault
from tests.faults.trouble.drain import DRAIN, WORDS, run_drain
from tests.faults.trouble.gate_worker import start_gate_worker

README: Final = ROOT / "services" / "observability" / "README.md"
BETWEEN: Final = re.compile(r"(?s)(?<=<!-- staged -->\n).*?(?=<!-- end of staged -->)")
_LOG: Final = re.compile(r" \(its log: [^)]*\)")


async def run_on_new_broker(fault: StagedFault) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="sayso-trouble-", ignore_cleanup_errors=True) as folder:
        broker = EmbeddedBroker(Path(folder), ephemeral=True)
        bootstrap = await asyncio.to_thread(broker.start)
        try:
            await apply(bootstrap, partitions=4, replication=1)
            async with start_gate_worker(bootstrap, Path(folder)) as opened:
                return [_LOG.sub("", said) for said in await fault.run(opened)]
        finally:
            await asyncio.to_thread(broker.stop)


def format_row(words: str, said: list[str], right: bool) -> str:
    return f"| {words} | {'<br>'.join(said)} | {'right' if right else '**wrong**'} |\n"


def write_table(rows: dict[str, str], page: Path = README) -> None:
    """`rows` by what was staged; a fault that did not run this time keeps its earlier row."""
    text = page.read_text("utf-8")
    known = {
        line.split(" | ")[0]: line + "\n" for line in BETWEEN.findall(text)[0].splitlines()[2:]
    }
    known |= {f"| {words}": row for words, row in rows.items()}
    lines = [
        known[f"| {words}"]
        for words in [*[one.words for one in STAGED_FAULTS], WORDS]
        if f"| {words}" in known
    ]
    page.write_text(
        BETWEEN.sub(lambda _: "| staged | said | |\n|---|---|---|\n" + "".join(lines), text),
        "utf-8",
    )


async def run_one(name: str) -> tuple[str, list[str], bool]:
    """What was staged, what was said, and whether it is right."""
    if name == DRAIN:
        return await run_drain()
    fault = next(one for one in STAGED_FAULTS if one.name == name)
    said = await run_on_new_broker(fault)
    return fault.words, said, fault.right(said)


def main() -> int:
    names = [fault.name for fault in STAGED_FAULTS] + [DRAIN]
    parser = argparse.ArgumentParser(prog="python -m tests.faults.trouble", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", choices=names, default=names, help=", ".join(names)
    )
    only, wrong = parser.parse_args().only, 0
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    for name in only:
        words, said, right = asyncio.run(run_one(name))
        write_table({words: format_row(words, said, right)})
        print(format_row(words, said, right), end="", flush=True)
        wrong += not right
    print(f"{wrong} of {len(only)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
