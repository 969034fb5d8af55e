"""What a run has shown: a table, `.bench/soak.json`, and the words of the README beside this."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table

from tests.bench.process import ROOT
from tests.soak.measures import Grown

JSON: Final = ROOT / ".bench" / "soak.json"
README: Final = Path(__file__).with_name("README.md")
BETWEEN: Final = re.compile(r"(?s)(?<=<!-- results -->\n).*?(?=<!-- end of results -->)")


class Report(NamedTuple):
    """`capacity`, `rate`: messages a second, measured before and asked for.  `lag`: seconds.
    `wrong`: sentences."""

    minutes: float
    capacity: float
    rate: float
    messages: int
    throughput: float
    lag_p99: float
    lag_max: float
    grown: list[Grown]
    wrong: list[str]

    @property
    def says(self) -> str:
        return (
            f"{self.minutes:.1f} minutes at {self.rate:,.0f} messages a second, half of the {self.capacity:,.0f} "
            f"measured right before: {self.messages:,} messages, {self.throughput:,.0f} a second delivered; "
            f"lag p99 {self.lag_p99:.2f} s, at most {self.lag_max:.2f} s"
        )

    @property
    def messages_per_hour(self) -> float:
        return self.rate * 3600


def table(told: Report) -> RenderableType:
    drawn = Table(box=None, padding=(0, 2, 0, 0))
    drawn.add_column("process")
    for heading in ("MB", "MB/h", "bytes a message", "files at first", "files at last"):
        drawn.add_column(heading, justify="right")
    for row in _rows(told):
        drawn.add_row(*row)
    return Group(drawn, told.says, *[f"[bold red]{wrong}[/]" for wrong in told.wrong])


def keep(told: Report, path: Path = JSON) -> None:
    path.parent.mkdir(exist_ok=True)
    shown = told._asdict() | {"grown": [one._asdict() for one in told.grown]}
    path.write_text(json.dumps(shown, indent=1) + "\n")


def tell(told: Report, page: Path = README) -> None:
    heads = "| process | MB | MB/h | bytes a message | files at first | files at last |\n|---|--:|--:|--:|--:|--:|\n"
    lines = "".join("| " + " | ".join(row) + " |\n" for row in _rows(told))
    page.write_text(
        BETWEEN.sub(lambda _: f"{told.says}.\n\n{heads}{lines}", page.read_text("utf-8")), "utf-8"
    )


def _rows(told: Report) -> list[tuple[str, ...]]:
    return [
        (
            one.process,
            f"{one.memory:.0f}",
            f"{one.per_hour:+.0f}",
            f"{one.per_hour * 2**20 / told.messages_per_hour:+.0f}",
            str(one.files_first),
            str(one.files_last),
        )
        for one in told.grown
    ]
