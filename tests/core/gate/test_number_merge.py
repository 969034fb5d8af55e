"""The states of two writings become one: the stricter of two facts holds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.consent import ConsentState
from streams.gate.number_merge import merge_numbers
from streams.gate.state import NumberState

NONE, PENDING, IN, OUT = (
    ConsentState.NONE,
    ConsentState.PENDING,
    ConsentState.OPTED_IN,
    ConsentState.OPTED_OUT,
)


def number(state: ConsentState, since_ms: int = 0, **known: Any) -> NumberState:
    return NumberState(state=state, since_ms=since_ms, **known)


def merged(mine: NumberState, other: NumberState, *texts: str) -> NumberState:
    return merge_numbers(mine, other, mine_by_text="mine" in texts, other_by_text="other" in texts)


@pytest.mark.parametrize(
    ("mine", "other", "texts", "state"),
    [
        (number(IN, 5), number(OUT, 3), (), OUT),
        (number(OUT, 3), number(IN, 5), (), OUT),
        (number(IN, 5), number(OUT, 3), ("mine",), IN),
        (number(OUT, 3), number(IN, 5), ("other",), IN),
        (number(IN, 3), number(OUT, 5), ("mine",), OUT),
        (number(IN, 5), number(OUT, 5), ("mine",), OUT),
        (number(NONE), number(OUT, 1), (), OUT),
        (number(IN, 1), number(NONE), (), IN),
        (number(PENDING), number(IN, 1), (), IN),
        (number(NONE), number(PENDING), (), PENDING),
    ],
)
def test_which_consent_stands(
    mine: NumberState, other: NumberState, texts: tuple[str, ...], state: ConsentState
) -> None:
    assert merged(mine, other, *texts).state is state


def test_an_unreadable_record_and_a_switch_turned_off_stay() -> None:
    mine = number(IN, 5, epoch=7, switches={"ann": True, "bob": True}, senders=("1",))
    other = number(
        IN, 4, epoch=9, unreadable_ms=3, switches={"bob": False}, senders=("2",), sms_enabled=False
    )
    found = merged(mine, other)
    assert found.unreadable_ms == 3
    assert found.switches == {"ann": True, "bob": False}
    assert set(found.senders) == {"1", "2"}
    assert found.sms_enabled is False
    assert found.epoch == 10


def test_staff_may_lift_it_only_if_they_might_have_lifted_both() -> None:
    assert not merged(number(OUT, 3, flagged=True), number(OUT, 2)).flagged
    assert merged(number(OUT, 3, flagged=True), number(OUT, 2, flagged=True)).flagged


states = st.builds(number, st.sampled_from([NONE, PENDING, IN, OUT]), st.integers(0, 9))


@given(states, states)
def test_an_opt_out_is_never_lost_without_a_text(mine: NumberState, other: NumberState) -> None:
    found = merged(mine, other)
    assert (found.state is OUT) == (OUT in (mine.state, other.state))
    assert found.epoch > max(mine.epoch, other.epoch)


@given(states, states, st.booleans(), st.booleans())
def test_it_does_not_matter_which_comes_first(
    mine: NumberState, other: NumberState, by_mine: bool, by_other: bool
) -> None:
    one = merge_numbers(mine, other, mine_by_text=by_mine, other_by_text=by_other)
    two = merge_numbers(other, mine, mine_by_text=by_other, other_by_text=by_mine)
    assert one.state is two.state
