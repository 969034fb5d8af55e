"""What was measured, and where it is kept for whoever compares runs: `.bench/latest.json`."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from tests.bench.process import ROOT

LATEST: Final = ROOT / ".bench" / "latest.json"


class Result(NamedTuple):
    """`value` is the median of `runs`."""

    name: str
    value: float
    unit: str
    runs: list[float]


def result(name: str, unit: str, runs: Iterable[float]) -> Result:
    each = [round(run, 3) for run in runs]
    return Result(name, statistics.median(each), unit, each)


def keep(results: Iterable[Result], path: Path = LATEST) -> None:
    """Those measured now; what an earlier run measured and this one did not stays."""
    known = {one["name"]: one for one in json.loads(path.read_text())} if path.exists() else {}
    known |= {one.name: one._asdict() for one in results}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(list(known.values()), indent=1) + "\n")
