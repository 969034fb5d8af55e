"""Whatever the order and repetition of what is said of a message, what is held true of it in the
end is the same."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.attempt import Attempt, AttemptState
from schemas.outcome import Outcome
from schemas.topics import OUTCOMES
from streams.lifecycle import RECEIPT, REPORTS, STATE_INFO
from streams.outcomes.state import MESSAGE, MessageState
from streams.state_entry import dump
from tests.core.outcomes.records import attempt, decision, last, processor, receipt
from tests.properties.retold import told_twice

STATUSES = sorted(line.word for line in REPORTS if line.source == RECEIPT)


def end(records: list[Any]) -> dict[str, Any] | None:
    """The last outcome, but for the count of those before."""
    harness = processor()
    for record in records:
        harness.feed(record)
    _is_a_chain(harness.published_on(OUTCOMES))
    told = last(harness)
    return None if told is None else told.model_dump(exclude={"version", "was"})


def _is_a_chain(told: list[Outcome]) -> None:
    """Each version says what the one before said, and something new."""
    for before, after in pairwise(told):
        assert after.version == before.version + 1
        assert after.was is not None
        assert (after.was.state, after.was.error_code, after.was.segments) == (
            before.state,
            before.error_code,
            before.segments,
        )
    assert all(one.final == STATE_INFO[one.state].final for one in told)  # type: ignore[index]


codes = st.sampled_from([None, "30003", "30008"])
numbers = st.integers(0, 3)
receipts = st.builds(receipt, st.sampled_from([*STATUSES, "teleported"]), codes, numbers)
foreign = st.builds(
    receipt, st.sampled_from(STATUSES), codes, numbers, provider_id=st.just("SM666")
)
attempts = st.builds(
    attempt,
    st.sampled_from(
        ["queued", "sending", "accepted", "refused", "deferred", "in_doubt", "canceled", "expired"]
    ),
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


@settings(max_examples=200, deadline=None)
@given(told_twice(lives, 6))
def test_order_and_repetition_do_not_matter(ways: tuple[list[Any], list[Any]]) -> None:
    assert end(ways[0]) == end(ways[1])


def with_queued(records: list[Any]) -> list[Any]:
    """As dispatch reports texts that wait for their turn: `queued` ahead of `sending`, of the
    order (0) or of the try that an order given again begins with."""
    found = []
    for record in records:
        if isinstance(record, Attempt) and record.state is AttemptState.SENDING:
            found.append(attempt("queued", 0 if record.attempt == 1 else record.attempt))
        found.append(record)
    return found


@settings(max_examples=200, deadline=None)
@given(lives)
def test_a_queued_report_before_the_call_changes_no_outcome(
    records: list[Any],
) -> None:
    """A text whose call begins at once never is."""
    assert end(records) == end(with_queued(records))


CODES = {"failed": "30008", "undelivered": "30003"}
MOST = 5


@cache
def then(life: bytes, status: str) -> bytes:
    """The row after one more receipt.  How often an outcome was told is left out: only that
    depends on the way."""
    harness = processor()
    harness.state.raw[MESSAGE] = life
    harness.feed(receipt(status, CODES.get(status)))
    after = harness.state.get(MESSAGE, MessageState)
    assert after is not None
    return dump(after.model_copy(update={"version": 0}))


def test_all_orders_of_up_to_five_statuses_end_alike() -> None:
    """Every sequence of the provider's statuses, repetition included: one end for each bag of
    them."""
    harness = processor()
    for record in (decision(), attempt("accepted")):
        harness.feed(record)
    ends: dict[tuple[str, ...], set[bytes]] = defaultdict(set)
    ways = {(): harness.state.raw[MESSAGE].replace(b'"version":2', b'"version":0')}
    walked = 0
    for _ in range(MOST):
        ways = {
            (*way, status): then(life, status) for way, life in ways.items() for status in STATUSES
        }
        walked += len(ways)
        for way, life in ways.items():
            ends[tuple(sorted(way))].add(life)
    assert walked == sum(len(STATUSES) ** n for n in range(1, MOST + 1))
    assert [bag for bag, lives in ends.items() if len(lives) > 1] == []
    assert len({life for lives in ends.values() for life in lives}) > len(STATUSES), (
        "they are told apart"
    )


@settings(max_examples=100, deadline=None)
@given(told_twice(lives, 6))
def test_what_is_final_is_left_only_for_a_stronger_word(ways: tuple[list[Any], list[Any]]) -> None:
    """After a delivery nothing weaker is ever told: nobody is sent a text twice for a late
    `failed`."""
    harness = processor()
    for record in ways[1]:
        if getattr(record, "provider_id", None) != "SM666":
            harness.feed(record)
    states = [one.state for one in harness.published_on(OUTCOMES)]
    arrived = next(
        (place for place, state in enumerate(states) if state in ("delivered", "read")), len(states)
    )
    assert set(states[arrived:]) <= {"delivered", "read"}
