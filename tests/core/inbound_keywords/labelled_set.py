"""The labelled texts of all languages, as tests and the trainer of the model read them."""

from __future__ import annotations

from pathlib import Path

from streams.inbound_keywords.labelled import LabelledText, parse_labelled

FOLDER = Path(__file__).parent / "labelled"


def read_labelled() -> tuple[LabelledText, ...]:
    return tuple(
        one
        for file in sorted(FOLDER.glob("*.tsv"))
        for one in parse_labelled(file.read_text(encoding="utf-8").split("\n"), file.stem)
    )
