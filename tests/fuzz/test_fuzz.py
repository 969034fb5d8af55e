"""A short fixed part of `make fuzz`: the inputs that were kept, and the same few mutations of them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import structlog

from schemas.topics import BY_NAME
from services.operations.errors import InvalidRequest
from services.operations.ics_file import read_ics
from streams.partition.decoding import WrongPartition, decode
from tests.fuzz.corpus import load
from tests.fuzz.engine import Fault, Search, feed, shrink
from tests.fuzz.mutation import mutate
from tests.fuzz.targets import NOW, TARGETS, FoundRecord, Target

MUTATIONS = {"api": 40, "settings": 25, "calendar": 50}
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


@pytest.mark.parametrize(
    ("calendar", "words"),
    [
        (b"BEGIN:VEVENT\nEND:VEVENT", "does not begin with VCALENDAR"),
        (b"BEGIN:VCALENDAR\nTZID:\nEND:VTIMEZONE", "this is no calendar file"),
    ],
)
def test_what_is_no_calendar_is_refused(calendar: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "it.ics").write_bytes(calendar)
    with pytest.raises(InvalidRequest, match=words):
        read_ics(tmp_path / "it.ics", NOW, None, None)


def test_events_that_contradict_themselves_are_left_out_and_the_others_read(tmp_path: Path) -> None:
    start = b"DTSTART;VALUE=DATE:20261224\n"
    good = b"BEGIN:VEVENT\nUID:a\n" + start + b"END:VEVENT\n"
    twice = b"BEGIN:VEVENT\nUID:b\n" + start + start + b"END:VEVENT\n"
    nested = b"BEGIN:VEVENT\nUID:c\n" + start + b"BEGIN:VEVENT\nUID:d\nEND:VEVENT\nEND:VEVENT\n"
    calendar = b"BEGIN:VCALENDAR\n" + good + twice + nested + b"END:VCALENDAR\n"
    (tmp_path / "it.ics").write_bytes(calendar)
    found = read_ics(tmp_path / "it.ics", NOW, "America/New_York", None)
    assert [one.event_id for one in found.items] == ["a", "c"]
    assert [one.reason for one in found.left_out] == ["it has two DTSTART", "it has no start"]


def test_a_question_to_another_writing_is_filed_again_as_it_was() -> None:
    """Its key is that writing: with the identity in it, it would belong somewhere else."""
    topic = BY_NAME["sms.number-moves"]
    value = (
        b'{"tenant":"e","number":"+5215512345678","former":"","step":"ask",'
        b'"at":"2026-03-05T16:59:12Z"}'
    )
    found = decode(topic, FoundRecord(topic.name, 0, 7, 1_790_000_000_000, b"", value, ()), (), 1)
    assert found == WrongPartition(b"e/+5215512345678", value)
