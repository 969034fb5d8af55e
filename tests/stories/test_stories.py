"""Some stories of `make simulate`, and that broken promises would be noticed and told briefly."""

from __future__ import annotations

import random

import pytest

from tests.stories.__main__ import find_faults, find_first, tell_smallest
from tests.stories.moves import MOVES, tell
from tests.stories.mutations import MUTATIONS, switched_off
from tests.stories.shrink import shrink

FIXED = range(240)
OTHERS = 60
SOON = 40
"""Mutations that fewer stories notice are tried here; `make simulate ARGS=--mutations` tries all."""


@pytest.mark.parametrize("first", range(0, len(FIXED), 20))
def test_fixed_stories_keep_every_promise(first: int) -> None:
    assert {
        seed: faults for seed in FIXED[first : first + 20] if (faults := find_faults(tell(seed)))
    } == {}


def test_other_stories_each_time_keep_every_promise() -> None:
    first = random.SystemRandom().randrange(10**9)
    broken = {
        seed: faults for seed in range(first, first + OTHERS) if (faults := find_faults(tell(seed)))
    }
    assert broken == {}, "play them again: make simulate ARGS='--seed N'"


def test_a_story_is_its_seed() -> None:
    assert tell(7) == tell(7)
    assert tell(7) != tell(8)


def test_every_kind_of_move_is_made() -> None:
    said = {
        move.topic.name if move.topic else move.what
        for seed in range(60)
        for move in tell(seed).moves
    }
    assert len(said) >= 14
    assert len(MOVES) >= 20


@pytest.mark.parametrize(
    "name",
    ["a text may go without an opt-in", "nobody needs to approve", "the gate ignores a cancel"],
)
def test_a_guard_that_is_switched_off_is_noticed(name: str) -> None:
    mutation = next(one for one in MUTATIONS if one.name == name)
    found = find_first(mutation, SOON)
    assert found is not None
    assert found[1] in mutation.caught_by


def test_a_broken_story_is_cut_to_what_it_needs() -> None:
    mutation = MUTATIONS[0]
    with switched_off(mutation):
        seed = next(seed for seed in range(SOON) if find_faults(tell(seed)))
        fault = find_faults(tell(seed))[0]
        told = tell_smallest(seed, fault)
        name = fault.partition(":")[0]
        smallest = shrink(
            tell(seed), lambda story: any(one.startswith(name) for one in find_faults(story))
        )
    assert len(smallest.moves) <= 3
    assert f'--seed {seed}"' in told
