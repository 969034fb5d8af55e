"""Where the results are kept: `.bench/faults.json` for machines, the table of the README beside
this for people."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from tests.faults.harness.catalog import FAULTS
from tests.faults.harness.verdict import Verdict

ROOT: Final = Path(__file__).parents[3]
JSON: Final = ROOT / ".bench" / "faults.json"
README: Final = Path(__file__).parents[1] / "README.md"
BETWEEN: Final = re.compile(r"(?s)(?<=<!-- results -->\n).*?(?=<!-- end of results -->)")
FIELDS: Final = (
    "fault",
    "runs",
    "lost",
    "sent_twice",
    "in_doubt",
    "slowest_resolve_seconds",
    "texts",
    "waiting",
    "doubts",
    "pace_ratio",
    "seconds",
    "wrong",
    "note",
)


def save_results(verdicts: Iterable[Verdict], quick: bool, path: Path = JSON) -> None:
    """Those of now, marked if they were `quick`; a fault that was not played this time keeps its
    earlier row."""
    known = {one["fault"]: one for one in read_results(path)}
    known |= {
        one.fault: {name: getattr(one, name) for name in FIELDS} | {"quick": quick}
        for one in verdicts
    }
    rows = [known[name] for name in FAULTS if name in known]
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(rows, indent=1) + "\n")


def read_results(path: Path = JSON) -> list[dict[str, Any]]:
    return json.loads(path.read_text()) if path.exists() else []


def write_table(rows: list[dict[str, Any]], path: Path = README) -> None:
    """Writes the table into the document, between its marks."""
    lines = [
        f"On {os.cpu_count()} cores, with the broker, the simulator and the load on the same machine.\n",
        "| fault | runs | texts | lost | sent twice | doubts | to a person | waiting | slowest, s | pace | |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|",
        *(_line(row) for row in rows if not row["quick"]),
    ]
    path.write_text(
        BETWEEN.sub(lambda _: "\n".join(lines) + "\n", path.read_text("utf-8")), "utf-8"
    )


def keep_logs(stack: Path, name: str) -> None:
    """Of a fault that failed: what the workers said, and the provider's journal."""
    folder = JSON.with_suffix("") / name
    folder.mkdir(parents=True, exist_ok=True)
    for file in (*stack.glob("*.jsonl"), *stack.glob("workers/*.log"), *stack.glob("logs/*.log")):
        shutil.copy(file, folder)


def _line(row: dict[str, Any]) -> str:
    words = FAULTS[str(row["fault"])].words
    numbers = [
        row[name]
        for name in (
            "runs",
            "texts",
            "lost",
            "sent_twice",
            "doubts",
            "in_doubt",
            "waiting",
            "slowest_resolve_seconds",
            "pace_ratio",
        )
    ]
    return (
        "| "
        + " | ".join(map(str, (words, *numbers, "failed" if row["wrong"] else row["note"])))
        + " |"
    )
