"""Nothing that is said of a message, by whomever and however often, makes its end depend on the
order: attempts out of nowhere, from several senders, to another number; receipts of other texts
and accounts; segments counted anew."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.attempt import AttemptState
from schemas.outcome import Outcome
from schemas.topics import OUTCOMES
from streams.lifecycle import RECEIPT, REPORTS
from tests.core.harness import START
from tests.core.outcomes.records import attempt, decision, processor, receipt
from tests.properties.retold import told_twice

STATUSES = sorted(line.word for line in REPORTS if line.source == RECEIPT)
times = st.integers(0, 100).map(lambda hours: START + timedelta(hours=hours))
numbers = st.sampled_from([-(2**53) + 1, -1, 0, 1, 2, 3, 2**53 - 1])
attempts = st.builds(
    attempt,
    st.sampled_from([str(state) for state in AttemptState]),
    numbers,
    sender=st.sampled_from(["72975", "+14155550199"]),
    to=st.sampled_from([None, "+14155550101", "+14155550102"]),
    code=st.sampled_from([None, "21211", "stopped", "unclear"]),
    provider_id=st.sampled_from([None, "SM1", "SM2"]),
    segments=st.sampled_from([None, 0, 1, 3]),
    at=times,
)
receipts = st.builds(
    receipt,
    st.sampled_from([*STATUSES, "teleported", " DELIVERED"]),
    st.sampled_from([None, "30003", "30008", "99999"]),
    numbers,
    provider_id=st.sampled_from(["SM1", "SM2", ""]),
    foreign=st.sampled_from([None, False, True]),
    raw=st.sampled_from(
        [{}, {"NumSegments": "2"}, {"NumSegments": "4", "New": "field"}, {"NumSegments": "many"}]
    ),
    received_at=times,
)
verdicts = st.lists(
    st.tuples(st.sampled_from(["send", "hold", "reject", "expire", "cancel"]), times),
    min_size=1,
    max_size=3,
)
stories = st.tuples(
    verdicts.map(
        lambda said: [
            decision(verdict, seq, decided_at=at) for seq, (verdict, at) in enumerate(said, 1)
        ]
    ),
    st.lists(attempts | receipts, max_size=8),
).map(lambda both: [*both[0], *both[1]])


def end(records: list[Any]) -> dict[str, Any]:
    """What was told last, a week after all of it."""
    harness = processor()
    harness.now = START + timedelta(hours=101)
    for record in records:
        harness.feed(record)
    harness.wait(7 * 24 * 3600)
    told: Outcome = harness.published_on(OUTCOMES)[-1]
    return told.model_dump(exclude={"version", "was", "at"})


@settings(max_examples=150, deadline=None)
@given(told_twice(stories, 4))
def test_the_end_does_not_depend_on_the_order(ways: tuple[list[Any], list[Any]]) -> None:
    assert end(ways[0]) == end(ways[1])
