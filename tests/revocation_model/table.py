"""`python -m tests.revocation_model.table`: write what is measured into the docs, between two marks.

A test holds that nothing gets worse than what is written there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from streams.inbound_keywords.labelled import LabelledText
from streams.inbound_keywords.score import Kind, Row, Tier, score
from tests.core.inbound_keywords.labelled_set import read_labelled
from tests.revocation_model.corpus import ordinary_examples

HOUSE = Path(__file__).parents[2]
DOCS = (HOUSE / "streams/inbound_keywords/README.md", HOUSE / "docs/guides/consent.md")
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
HEADING = "| texts that nobody looked at | language | texts | opted out | paused | go on |"
LEFT = "ordinary sentences and private texts"
NAMES = {
    Kind.REVOKE: "revocations",
    Kind.ORDINARY: "ordinary, most of them near misses",
    Kind.UNSURE: "unsure: reasonable people differ",
}


def measure() -> Iterator[tuple[str, Row]]:
    """By name of the texts.  Only held-out parts, and what is kept apart from the trainer."""
    yield from _rows([one for one in read_labelled() if one.is_held_out], NAMES)
    kept = [
        LabelledText(one.text, one.label, language=one.language)
        for one in ordinary_examples(held_out=True)
    ]
    yield from _rows(kept, {Kind.ORDINARY: LEFT})


def _rows(texts: Iterable[LabelledText], names: dict[Kind, str]) -> Iterator[tuple[str, Row]]:
    rows = score(texts).pooled
    for kind, name in names.items():
        yield from ((name, row) for row in rows if row.kind is kind and row.language != "all")


def build_table() -> str:
    lines = [HEADING, "|---|---|---|---|---|---|"]
    for name, row in measure():
        cells = (_cell(row, tier) for tier in Tier)
        lines.append(f"| {name} | {row.language} | {row.texts:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(row: Row, tier: Tier) -> str:
    low, high = row.interval(tier)
    return f"{getattr(row, tier):,} ({100 * low:.1f}–{100 * high:.1f} %)"


def written_bounds(text: str) -> dict[tuple[str, str, Tier], float]:
    """The upper ends of the intervals in a document, by name, language and tier."""
    table = text[text.index(BEGIN) : text.index(END)]
    found = {}
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        ends = [re.search(r"–([\d.]+) %\)", cell) for cell in cells[3:]]
        for tier, end in zip(Tier, ends, strict=False):
            if end:
                found[cells[0], cells[1], tier] = float(end[1]) / 100
    return found


def main() -> None:
    table = build_table()
    for file in DOCS:
        text = file.read_text(encoding="utf-8")
        before, after = text[: text.index(BEGIN)], text[text.index(END) :]
        file.write_text(f"{before}{BEGIN}\n\n{table}\n\n{after}", encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
