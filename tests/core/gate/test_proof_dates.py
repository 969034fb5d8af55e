"""A date on which nobody can have said yes proves nothing; a no needs no date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from schemas.base import Evidence
from schemas.consent import ConsentState
from schemas.topics import CONSENT_LOG
from tests.core.gate.cases import NOON, gate_processor, number_state, opt_in, opt_out, recorded
from tests.core.harness import on_topic

PAPER = Evidence(document="box 7", origin="intake", actor="ann")

IMPOSSIBLE = [
    pytest.param(datetime(1, 1, 1, tzinfo=UTC), "before text messaging existed", id="year 1"),
    pytest.param(datetime(1900, 1, 1, tzinfo=UTC), "before text messaging existed", id="1900"),
    pytest.param(datetime(1970, 1, 1, tzinfo=UTC), "before text messaging existed", id="1970"),
    pytest.param(
        datetime(1992, 12, 2, 23, tzinfo=UTC), "before text messaging", id="the day before"
    ),
    pytest.param(datetime(2000, 1, 1, 5, tzinfo=UTC), "a placeholder", id="2000, in New York"),
    pytest.param(datetime(2001, 1, 1, tzinfo=UTC), "a placeholder", id="2001"),
    pytest.param(NOON + timedelta(days=2), "in the future", id="to come"),
    pytest.param(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), "in the future", id="9999"),
]


@pytest.mark.parametrize(("at", "words"), IMPOSSIBLE)
@pytest.mark.parametrize("source", ["import", "form", "manual", "paper"])
def test_an_opt_in_at_an_impossible_time_does_not_count(
    at: datetime, words: str, source: str
) -> None:
    processor = gate_processor()
    claim = opt_in(source=source, at=at, evidence=PAPER)
    (entry,) = on_topic(CONSENT_LOG, processor.publish_from(claim, at=NOON))
    assert not entry.applied
    assert words in entry.reason
    assert number_state(processor).state is ConsentState.NONE


@pytest.mark.parametrize(("at", "words"), IMPOSSIBLE)
def test_an_opt_out_counts_whatever_its_date(at: datetime, words: str) -> None:
    processor = gate_processor()
    processor.feed(opt_in(at=NOON), at=NOON)
    processor.feed(opt_out(at=at), at=NOON + timedelta(minutes=1))
    assert number_state(processor).state is ConsentState.OPTED_OUT


@pytest.mark.parametrize(
    "at", [datetime(1992, 12, 3, tzinfo=UTC), datetime(2005, 5, 5, tzinfo=UTC), NOON]
)
def test_a_possible_date_is_a_proof(at: datetime) -> None:
    processor = gate_processor()
    processor.feed(opt_in(source="import", at=at, evidence=PAPER), at=NOON)
    assert number_state(processor).state is ConsentState.OPTED_IN


@pytest.mark.parametrize(
    "document", ["n/a", "N.A.", "none", "-", "?", "unknown", "TBD", "\u200b", "\u3164"]
)
def test_a_placeholder_is_no_document(document: str) -> None:
    processor = gate_processor()
    claim = recorded(evidence=Evidence(document=document, actor="ann"))
    (entry,) = on_topic(CONSENT_LOG, processor.publish_from(claim, at=NOON))
    assert not entry.applied
    assert "no proof: give document" in entry.reason
