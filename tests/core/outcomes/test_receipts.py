"""Receipts as providers really send them: early, late, twice, out of order, somebody else's, in
words of tomorrow."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from schemas.topics import OUTCOMES
from streams.outcomes.state import MessageState
from tests.core.harness import START
from tests.core.outcomes.records import attempt, decision, last, processor, receipt, state

TAKEN = [decision(), attempt("sending"), attempt("accepted")]
LATE = {"received_at": START + timedelta(days=20)}
NEW = {
    "raw": {
        "MessageStatus": "delivered",
        "ChannelMetadata": "{}",
        "A field of tomorrow": "ü" * 5000,
    }
}

ODD = [
    pytest.param(
        [decision(), attempt("sending"), receipt("delivered"), attempt("accepted")],
        "delivered",
        id="before the attempt's answer",
    ),
    pytest.param(
        [receipt("delivered"), decision(), attempt("accepted")],
        "delivered",
        id="before the decision",
    ),
    pytest.param([receipt("delivered")], "nothing", id="for an id that nobody knows"),
    pytest.param(
        [*TAKEN, receipt("undelivered", "30003", provider_id="SM666")],
        "accepted",
        id="of another text",
    ),
    pytest.param(
        [*TAKEN, receipt("delivered", number=9)], "delivered", id="for a try that nobody reported"
    ),
    pytest.param([*TAKEN, *[receipt("delivered")] * 5], "delivered", id="repeated"),
    pytest.param(
        [*TAKEN, receipt("delivered"), receipt("sent"), receipt("queued")],
        "delivered",
        id="reordered",
    ),
    pytest.param(
        [*TAKEN, receipt("undelivered", "30003", **LATE)], "undelivered 30003", id="days late"
    ),
    pytest.param(
        [*TAKEN, receipt("undelivered", "30003", foreign=True)],
        "accepted",
        id="for another account",
    ),
    pytest.param(
        [decision(), attempt("in_doubt"), receipt("delivered", foreign=True)],
        "in_doubt",
        id="for another account, which ends no doubt",
    ),
    pytest.param([*TAKEN, receipt("delivered", foreign=False)], "delivered", id="for ours"),
    pytest.param([*TAKEN, receipt("sent"), receipt("teleported")], "sent", id="an unknown status"),
    pytest.param([*TAKEN, receipt("")], "accepted", id="no status"),
    pytest.param([*TAKEN, receipt(" Delivered\n")], "delivered", id="written another way"),
    pytest.param([*TAKEN, receipt("delivered", **NEW)], "delivered", id="new fields"),
    pytest.param(
        [*TAKEN, receipt("undelivered", "99999")], "undelivered 99999", id="an unknown code"
    ),
]


@pytest.mark.parametrize(("records", "expected"), ODD)
def test_what_a_receipt_does(records: list[Any], expected: str) -> None:
    harness = processor()
    for record in records:
        harness.feed(record)
    assert state(harness) == expected


def test_a_receipt_days_late_ends_the_silence() -> None:
    harness = processor()
    for record in TAKEN:
        harness.feed(record)
    harness.wait(10 * 24 * 3600)
    assert state(harness) == "unknown"
    harness.feed(receipt("undelivered", "30003", **LATE))
    assert state(harness) == "undelivered 30003"


@pytest.mark.parametrize("odd", [receipt("teleported"), receipt("delivered", foreign=True)])
def test_an_unrecognized_report_is_kept(odd: Any) -> None:
    harness = processor()
    for record in (*TAKEN, odd):
        harness.feed(record)
    life = harness.state.get("life", MessageState)
    assert life is not None
    assert [word.split()[-1] for word in life.unrecognized] == [odd.status]


BILLED = [
    pytest.param([attempt("accepted")], (2, 2, None), id="not said: our estimate"),
    pytest.param([attempt("accepted", segments=3)], (3, 2, 3), id="by the answer"),
    pytest.param([attempt("accepted", segments=2)], (2, 2, 2), id="as we thought"),
    pytest.param(
        [attempt("accepted"), receipt("sent", raw={"NumSegments": "4"})],
        (4, 2, 4),
        id="by a receipt",
    ),
    pytest.param(
        [receipt("sent", raw={"NumSegments": "4"}), attempt("accepted", segments=3)],
        (4, 2, 4),
        id="whichever comes first, the most",
    ),
    pytest.param(
        [attempt("accepted"), receipt("sent", raw={"NumSegments": "0"})],
        (2, 2, None),
        id="not counted yet",
    ),
    pytest.param(
        [attempt("accepted"), receipt("sent", raw={"NumSegments": "-9e9"})],
        (2, 2, None),
        id="no count",
    ),
    pytest.param(
        [attempt("deferred", segments=9)], (2, 2, None), id="what was not taken is not billed"
    ),
    pytest.param(
        [attempt("accepted", segments=3), attempt("accepted", 2, segments=3)],
        (6, 2, 6),
        id="taken twice",
    ),
    pytest.param(
        [attempt("accepted", segments=3), attempt("accepted", 2)], (5, 2, 5), id="one of two said"
    ),
]


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(("records", "expected"), BILLED)
def test_billed_segments_replace_our_estimate(
    records: list[Any], expected: Any, backwards: bool
) -> None:
    harness = processor()
    for record in (decision(), *(reversed(records) if backwards else records)):
        harness.feed(record)
    told = last(harness)
    assert told is not None
    assert (told.segments, told.segments_predicted, told.segments_billed) == expected
    assert [one.version for one in harness.published_on(OUTCOMES)] == list(
        range(1, told.version + 1)
    )
