"""Two checkouts on one machine, in alternating runs: `python -m tests.bench --versus DIR --only
whole gate`.

Each run is that checkout's own bench, as a process, on a broker of its own (or that of
SAYSO_BOOTSTRAP): a slow minute of the machine meets both.  What only one of them measures is
left out.  The other may be older than this: it is given no option that its bench might not know,
unless a bench that came later is asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from rich.table import Table

from tests.bench.plan import Plan, Step
from tests.bench.process import ROOT, Ended
from tests.bench.results import LATEST, Result, keep, result

USUAL: Final = ("whole",)
KEPT: Final = LATEST.with_name("versus.json")

Figures = Mapping[str, float]


class Pair(NamedTuple):
    here: Figures
    there: Figures


def compare(there: Path, plan: Plan, step: Step) -> tuple[list[Result], Table]:
    """Ratios are here to there.  Raises Ended."""
    pairs = []
    for run in range(plan.runs):
        show, found = (
            step(f"Here and there, run {run + 1} of {plan.runs}", 2),
            dict[Path, Figures](),
        )
        for place in (ROOT, there) if run % 2 == 0 else (there, ROOT):
            found[place] = figures(place, options(plan))
            show(len(found))
        pairs.append(Pair(found[ROOT], found[there]))
    ratios = [result(name, "times", values) for name, values in by_name(pairs).items()]
    keep(ratios, KEPT)
    return ratios, drawn(pairs, ratios)


def options(plan: Plan) -> list[str]:
    sizes = {
        "events": plan.events,
        "requests": plan.requests,
        "messages": plan.messages,
        "rows": plan.rows,
        "queued": plan.queued,
        "backlog": plan.backlog,
    }
    later = {
        "steady": ("--steady-seconds", plan.steady),
        "idle": ("--idle-seconds", plan.idle),
        "remembered": ("--lives", plan.lives),
    }
    told = [word for name, size in sizes.items() for word in (f"--{name}", str(size))]
    told += [str(word) for name, words in later.items() if name in plan.only for word in words]
    return ["--runs", "1", *told, "--only", *plan.only]


def figures(checkout: Path, told: Sequence[str]) -> Figures:
    """One run's results, by name.  Raises Ended."""
    own = checkout / ".venv" / "bin" / "python"
    command = [str(own) if own.exists() else sys.executable, "-m", "tests.bench", *told]
    with aside(checkout / LATEST.relative_to(ROOT)) as latest:
        done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
        if done.returncode or not latest.exists():
            said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()
            raise Ended(f"the bench in {checkout}: {said[-1]}")
        return {one["name"]: one["value"] for one in json.loads(latest.read_text())}


@contextmanager
def aside(path: Path) -> Iterator[Path]:
    """A file of the same name may be written meanwhile; what was there is there again
    afterwards."""
    before = path.read_bytes() if path.exists() else None
    path.unlink(missing_ok=True)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
        if before is not None:
            path.write_bytes(before)


def by_name(pairs: Sequence[Pair]) -> dict[str, list[float]]:
    """Each pair's own ratio, of what all runs of both have measured; where it was nothing there,
    there is none."""
    common = [
        name
        for name in pairs[0].here
        if all(name in here and there.get(name) for here, there in pairs)
    ]
    return {name: [here[name] / there[name] for here, there in pairs] for name in common}


def drawn(pairs: Sequence[Pair], ratios: Sequence[Result]) -> Table:
    table = Table(title="Here, there, and how many times", title_justify="left", title_style="bold")
    table.add_column("")
    for heading in ("here", "there", "ratio", "each pair"):
        table.add_column(heading, justify="right")
    for one in ratios:
        medians = [
            result(one.name, "", [side[one.name] for side in sides]).value
            for sides in zip(*pairs, strict=True)
        ]
        each = " ".join(f"{ratio:.2f}" for ratio in one.runs)
        table.add_row(one.name, *(f"{value:,.2f}" for value in medians), f"{one.value:.2f}", each)
    return table
