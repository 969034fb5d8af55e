"""A short fixed part of `make fuzz`: the inputs that were kept, and the same few mutations of them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from random import Random

import pytest
import structlog

from tests.fuzz.corpus import load
from tests.fuzz.engine import Fault, Search, feed, shrink
from tests.fuzz.mutation import mutate
from tests.fuzz.targets import TARGETS, Target

MUTATIONS = {"api": 40}
USUAL = 120
each = pytest.mark.parametrize("target", TARGETS, ids=lambda one: one.name)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@each
def test_kept_inputs_break_nothing(target: Target) -> None:
    seeds = load(target.name)
    assert seeds
    with target.open() as run:
        faults = [fault for data in seeds if (fault := feed(run, data)[0]) is not None]
    assert [fault.place for fault in faults] == []


@each
def test_mutated_inputs_break_nothing(target: Target) -> None:
    random = Random(target.name)
    seeds = load(target.name)
    with target.open() as run:
        for _ in range(MUTATIONS.get(target.name, USUAL)):
            data = mutate(random, random.choice(seeds), seeds, [])
            fault, _ = feed(run, data)
            assert fault is None, (fault and fault.place, data)


def test_a_fault_is_found_and_shortened() -> None:
    """The search would pass by itself if it found nothing."""

    def run(data: bytes) -> str:
        if b'"x": null' in data:
            raise ValueError("a fault")
        return "fine"

    search = Search(run, [b'head\n{"x": 1, "y": [2, 3], "z": "some words"}'], seed=3)
    for _ in range(2000):
        search._try(search._invent(), is_seed=False)
        if search.faults:
            break
    [fault] = search.faults.values()
    assert isinstance(fault, Fault)
    assert shrink(run, fault) == b'"x": null'
