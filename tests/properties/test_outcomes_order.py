"""Whatever the order and repetition of what is said of a message, what is held true of it in the end is the same."""

from __future__ import annotations

from itertools import combinations_with_replacement, pairwise, permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.outcome import Outcome
from schemas.topics import OUTCOMES
from streams.lifecycle import MEANINGS, RECEIPT, REPORTS
from tests.core.outcomes.facts import attempt, decision, last, receipt, room

STATUSES = sorted(line.word for line in REPORTS if line.source == RECEIPT)


def end(facts: list[Any]) -> dict[str, Any] | None:
    """The last outcome, but for the count of those before."""
    drive = room()
    for fact in facts:
        drive.tell(fact)
    _is_a_chain(drive.all(OUTCOMES))
    told = last(drive)
    return None if told is None else told.model_dump(exclude={"version", "was"})


def _is_a_chain(told: list[Outcome]) -> None:
    """Each version says what the one before said, and something new."""
    for before, after in pairwise(told):
        assert after.version == before.version + 1
        assert after.was is not None
        assert (after.was.state, after.was.error_code, after.was.segments) == (
            before.state, before.error_code, before.segments,
        )  # fmt: skip
    assert all(one.final == MEANINGS[one.state].final for one in told)  # type: ignore[index]


codes = st.sampled_from([None, "30003", "30008"])
numbers = st.integers(0, 3)
receipts = st.builds(receipt, st.sampled_from([*STATUSES, "teleported"]), codes, numbers)
foreign = st.builds(receipt, st.sampled_from(STATUSES), codes, numbers, provider_id=st.just("SM666"))
attempts = st.builds(
    attempt,
    st.sampled_from(["queued", "sending", "accepted", "refused", "deferred", "in_doubt", "canceled", "expired"]),
    numbers,
    code=st.sampled_from([None, "21211", "stopped"]),
)
verdicts = ["send", "hold", "reject", "expire", "cancel"]
decisions = st.lists(st.sampled_from(verdicts), min_size=1, max_size=3).map(
    lambda given: [decision(verdict, seq) for seq, verdict in enumerate(given, 1)]
)
lives = st.tuples(decisions, st.lists(st.one_of(receipts, foreign, attempts), max_size=8)).map(
    lambda both: [*both[0], *both[1]]
)


@st.composite
def told_twice(draw: st.DrawFn) -> tuple[list[Any], list[Any]]:
    facts = draw(lives)
    again = draw(st.lists(st.sampled_from(facts), max_size=6))
    return facts, draw(st.permutations([*facts, *again]))


@settings(max_examples=200, deadline=None)
@given(told_twice())
def test_order_and_repetition_do_not_matter(ways: tuple[list[Any], list[Any]]) -> None:
    assert end(ways[0]) == end(ways[1])


ENDS = ["sent", "failed", "undelivered", "delivered", "read"]


@pytest.mark.parametrize("bag", [*combinations_with_replacement(ENDS, 4)], ids=" ".join)
def test_all_orders_of_a_bag_of_statuses_end_alike(bag: tuple[str, ...]) -> None:
    ends = [end([decision(), attempt("accepted"), *map(receipt, order)]) for order in set(permutations(bag))]
    assert all(one == ends[0] for one in ends)


@settings(max_examples=100, deadline=None)
@given(told_twice())
def test_what_is_final_is_left_only_for_a_stronger_word(ways: tuple[list[Any], list[Any]]) -> None:
    """After a delivery nothing weaker is ever told: nobody is sent a text twice for a late `failed`."""
    drive = room()
    for fact in ways[1]:
        if getattr(fact, "provider_id", None) != "SM666":
            drive.tell(fact)
    states = [one.state for one in drive.all(OUTCOMES)]
    arrived = next((place for place, state in enumerate(states) if state in ("delivered", "read")), len(states))
    assert set(states[arrived:]) <= {"delivered", "read"}
