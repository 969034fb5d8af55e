"""`make simulate`: whole stories at random, each by its seed, on all cores.

A seed that breaks a promise is told as its smallest story, with the command that plays it again."""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Final, NamedTuple

from rich.console import Console

from tests.bench.screen import progress
from tests.stories.moves import tell
from tests.stories.mutations import CANNOT_BE_PLAYED, MUTATIONS, Mutation, switched_off
from tests.stories.promises import find_broken
from tests.stories.shrink import shrink
from tests.stories.stage import play
from tests.stories.story import Story

AT_ONCE: Final = 50
"""Seeds that one process plays before it reports."""
MUTANT_SEEDS: Final = 1000
SHOWN: Final = 3
"""Failing seeds that are told in full."""


class Report(NamedTuple):
    seeds: int
    broken: dict[int, list[str]]
    moves: Counter[str]
    crashes: int


def find_faults(story: Story) -> list[str]:
    """What is wrong in this story: promises that it breaks, or that it cannot be played."""
    return _examine(story)[0]


def _examine(story: Story) -> tuple[list[str], int]:
    """Its faults, and how often something crashed in it."""
    try:
        played = play(story)
        return find_broken(played), played.crashes
    except Exception as error:  # noqa: BLE001 - whatever stops a story is a finding
        return [f"{CANNOT_BE_PLAYED}: {type(error).__name__}: {error}"], 0


def _name(fault: str) -> str:
    return fault.partition(":")[0]


def play_seeds(seeds: list[int]) -> Report:
    broken: dict[int, list[str]] = {}
    moves, crashes = Counter[str](), 0
    for seed in seeds:
        story = tell(seed)
        moves.update(move.topic.name if move.topic else move.what for move in story.moves)
        faults, crashed = _examine(story)
        crashes += crashed
        if faults:
            broken[seed] = faults
    return Report(len(seeds), broken, moves, crashes)


def find_first(mutation: Mutation, seeds: int = MUTANT_SEEDS) -> tuple[int, str] | None:
    """How many seeds it takes to notice it, and the promise that breaks."""
    with switched_off(mutation):
        for seed in range(seeds):
            for fault in find_faults(tell(seed)):
                if _name(fault) in mutation.caught_by:
                    return seed + 1, _name(fault)
    return None


def _find_first_by_number(number: int) -> tuple[int, tuple[int, str] | None]:
    return number, find_first(MUTATIONS[number])


def run_seeds(seeds: range, console: Console) -> Report:
    parts = [list(seeds[at : at + AT_ONCE]) for at in range(0, len(seeds), AT_ONCE)]
    total = Report(0, {}, Counter(), 0)
    with progress(console) as step, ProcessPoolExecutor(os.cpu_count()) as pool:
        show = step("stories", len(seeds))
        waiting = [pool.submit(play_seeds, part) for part in parts]
        for done in as_completed(waiting):
            one = done.result()
            total = Report(
                total.seeds + one.seeds,
                total.broken | one.broken,
                total.moves + one.moves,
                total.crashes + one.crashes,
            )
            show(total.seeds)
    return total


def run_mutations(console: Console) -> Iterator[tuple[Mutation, tuple[int, str] | None]]:
    found: dict[int, tuple[int, str] | None] = {}
    with progress(console) as step, ProcessPoolExecutor(os.cpu_count()) as pool:
        show = step("guards switched off", len(MUTATIONS))
        waiting = [pool.submit(_find_first_by_number, number) for number in range(len(MUTATIONS))]
        for done in as_completed(waiting):
            number, first = done.result()
            found[number] = first
            show(len(found))
    for number, mutation in enumerate(MUTATIONS):
        yield mutation, found[number]


def tell_smallest(seed: int, fault: str) -> str:
    """The smallest story of this seed that breaks the same promise."""
    story = shrink(tell(seed), lambda one: _name(fault) in map(_name, find_faults(one)))
    head = f"seed {seed} breaks {_name(fault)}: {len(story.moves)} of its moves are enough"
    rules = (
        f"partitions {story.partitions}, chance of a crash {story.crash}, settings {story.policy}"
    )
    lines = [head, f"  {rules}", *(f"  {move.describe()}" for move in story.moves)]
    lines += [f"  -> {one}" for one in find_faults(story)]
    return "\n".join([*lines, f'  again: make simulate ARGS="--seed {seed}"'])


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000, help="how many stories")
    parser.add_argument("--first", type=int, help="the first seed; left out, any")
    parser.add_argument("--seed", type=int, help="play this one alone, and tell it")
    parser.add_argument(
        "--mutations", action="store_true", help="switch each guard off: is it noticed?"
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser.parse_args()


def _play_one(seed: int, console: Console) -> int:
    story = tell(seed)
    faults = find_faults(story)
    if faults:
        console.print(tell_smallest(seed, faults[0]), markup=False, highlight=False)
        return 1
    for move in story.moves:
        console.print(move.describe(), markup=False, highlight=False, soft_wrap=True)
    console.print(f"seed {seed} keeps every promise", style="green")
    return 0


def _check_mutations(console: Console, *, as_json: bool) -> int:
    rows = list(run_mutations(console))
    if as_json:
        print(json.dumps({one.name: found for one, found in rows}))
    else:
        print("| guard that is switched off | noticed at seed | by |\n|---|--:|---|")
        for mutation, found in rows:
            print(f"| {mutation.name} | {found[0] if found else '**never**'} |", end="")
            print(f" `{found[1]}` |" if found else " |")
    return int(any(found is None for _, found in rows))


def main() -> int:
    given = _parse()
    console = Console(stderr=True)
    if given.seed is not None:
        return _play_one(given.seed, Console())
    if given.mutations:
        return _check_mutations(console, as_json=given.json)
    first = random.SystemRandom().randrange(10**9) if given.first is None else given.first
    began = time.monotonic()
    report = run_seeds(range(first, first + given.seeds), console)
    seconds = time.monotonic() - began
    if given.json:
        found = {"first": first, "seeds": report.seeds, "seconds": round(seconds, 1)}
        print(json.dumps({**found, "broken": report.broken, "crashes": report.crashes}))
        return int(bool(report.broken))
    for seed, faults in sorted(report.broken.items())[:SHOWN]:
        print(tell_smallest(seed, faults[0]), end="\n\n")
    for name, count in Counter(
        name for faults in report.broken.values() for name in {*map(_name, faults)}
    ).most_common():
        print(f"{count:7}  {name}")
    print(
        f"{report.seeds:,} stories from seed {first} in {seconds:.0f} s, with"
        f" {sum(report.moves.values()):,} moves and {report.crashes:,} crashes:"
        f" {len(report.broken)} break a promise"
    )
    if report.broken:
        print("their seeds: " + " ".join(map(str, sorted(report.broken)[:20])))
    return int(bool(report.broken))


if __name__ == "__main__":
    sys.exit(main())
