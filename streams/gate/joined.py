"""Several steps of one family as one."""

from __future__ import annotations

from datetime import datetime

from streams.step import Publication, Row, Step


def joined(*steps: Step) -> Step:
    """In their order: of a row that several change, the last is kept."""
    rows: dict[str, Row | None] = {}
    wake: dict[str, datetime | None] = {}
    publish: list[Publication] = []
    for step in steps:
        rows |= step.rows
        wake |= step.wake
        publish += step.publish
    return Step(rows, tuple(publish), wake)
