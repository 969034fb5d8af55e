"""The measured table in the docs promises no more than what is measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.inbound_keywords.score import Kind, Tier
from tests.revocation_model.table import DOCS, measure, written_bounds

MEASURED = list(measure())
HARM = {Kind.REVOKE: Tier.GOES_ON, Kind.ORDINARY: Tier.OUT, Kind.UNSURE: Tier.GOES_ON}


@pytest.mark.parametrize("file", DOCS, ids=lambda file: file.name)
def test_nothing_is_read_worse_than_the_docs_say(file: Path) -> None:
    """`python -m tests.revocation_model.table` writes the table anew."""
    bounds = written_bounds(file.read_text(encoding="utf-8"))
    worse = {
        (name, row.language, tier): getattr(row, tier) / row.texts
        for name, row in MEASURED
        for tier in {HARM[row.kind], Tier.PAUSED if row.kind is Kind.ORDINARY else HARM[row.kind]}
        if getattr(row, tier) / row.texts > bounds[name, row.language, tier]
    }
    assert worse == {}
