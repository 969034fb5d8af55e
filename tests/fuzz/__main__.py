"""`make fuzz ARGS="--minutes 10"`: feed bytes to whatever reads bytes from outside, until the time
is over. Exit code 1 if anything broke.

Inputs are mutated from those in `seeds/` and kept if they reach lines of our code that no other
input reached. `--keep` writes the best of them to `seeds/`, which the test suite feeds again each
time. An input that breaks something is shortened, written to `seeds/`, and named with the command
that feeds it again.
"""

from __future__ import annotations

import argparse
import logging
import secrets
import sys
import time
import traceback
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import structlog

from tests.fuzz.corpus import keep, load
from tests.fuzz.engine import Search, cover, feed, shrink
from tests.fuzz.targets import TARGETS, Run, Target

TURN: Final = 5.0
"""Seconds of one turn of a target, times its share."""
KEPT_AT_MOST: Final = 40
"""Seeds of a target that one run adds."""
KEPT_BYTES: Final = 4096


def _arguments() -> argparse.Namespace:
    names = [target.name for target in TARGETS]
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--only", choices=names, action="append")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32))
    parser.add_argument("--keep", action="store_true", help="write what reached new code to seeds/")
    parser.add_argument("--replay", type=Path, help="feed this file to the target of --only")
    return parser.parse_args()


def main() -> int:
    given = _arguments()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    chosen = [target for target in TARGETS if not given.only or target.name in given.only]
    with ExitStack() as stack:
        runs = {target.name: stack.enter_context(target.open()) for target in chosen}
        if given.replay:
            return _replay(runs[chosen[0].name], given.replay)
        searches = {name: Search(run, load(name), given.seed) for name, run in runs.items()}
        _search(chosen, searches, given.minutes * 60, given.seed)
        broken = [
            _report(target, runs[target.name], searches[target.name], keeps=given.keep)
            for target in chosen
        ]
    return 1 if any(broken) else 0


def _search(chosen: list[Target], searches: dict[str, Search], seconds: float, seed: int) -> None:
    print(f"seed {seed}, {seconds / 60:g} minutes, {', '.join(one.name for one in chosen)}")
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        for target in chosen:
            searches[target.name].turn(min(left, TURN * target.share))
            left = max(0.0, end - time.monotonic())


def _report(target: Target, run: Run, search: Search, *, keeps: bool) -> bool:
    """Whether anything broke."""
    print(
        f"{target.name:<10} {search.tries:>8,} inputs, {len(search.coverage.lines):>6,} lines,"
        f" {len(search.kept):>4} kept, {len(search.faults)} faults: {target.about}"
    )
    for place, fault in search.faults.items():
        data = shrink(run, fault)
        path = keep(target.name, data)
        traceback.print_exception(fault.error, limit=-6)
        print(f"  {place}: {data[:300]!r}")
        print(f'  make fuzz ARGS="--only {target.name} --replay {path}"')
    if keeps:
        small = [data for data in search.kept if len(data) <= KEPT_BYTES]
        for data in cover(run, small, KEPT_AT_MOST):
            keep(target.name, data)
    return bool(search.faults)


def _replay(run: Run, path: Path) -> int:
    fault, outcome = feed(run, path.read_bytes())
    if fault is None:
        print(f"nothing broke: {outcome}")
        return 0
    traceback.print_exception(fault.error)
    return 1


if __name__ == "__main__":
    sys.exit(main())
