"""Cases hear of their parties: at once, at each change, and before anybody is on record."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.case import CaseLink, CasePerson
from schemas.topics import CASE_PEOPLE
from streams.dedup import RETENTION
from streams.people.state import MAX_AT_ONCE
from streams.processing import Publication
from tests.core.harness import on_topic
from tests.core.people.cases import (
    DAY,
    MINUTE,
    NEW,
    NOON,
    OLD,
    delete,
    mobile,
    person_processor,
    request,
    summarize,
    update,
    upsert,
)


def link(case_id: str = "c1", **changes: Any) -> CaseLink:
    said = {"tenant": "acme", "person_id": "p1", "case_id": case_id, "wanted": True, "at": NOON}
    return CaseLink.model_validate(said | changes)


def told(published: list[Publication]) -> list[CasePerson]:
    return on_topic(CASE_PEOPLE, published)


def test_a_case_hears_at_once_of_somebody_on_record() -> None:
    processor = person_processor()
    processor.feed(upsert(mobile(OLD), first_name="Jo", language="es", time_zone="America/Denver"))
    (one,) = told(processor.publish_from(link()))
    assert (one.case_id, one.person_id, one.known, one.version) == ("c1", "p1", True, 1)
    assert (one.name, one.first_name, one.language, one.time_zone) == (
        "Jo Bell",
        "Jo",
        "es",
        "America/Denver",
    )
    assert [(number.number, number.sms_enabled) for number in one.numbers] == [(OLD, True)]


def test_each_change_is_told_to_every_case_and_counted() -> None:
    processor = person_processor()
    processor.feed(upsert(mobile(OLD)))
    processor.feed(link("c1"))
    processor.feed(link("c2"))
    changed = told(processor.publish_from(update(mobile(NEW, primary=True))))
    assert [(one.case_id, one.version) for one in changed] == [("c1", 2), ("c2", 2)]
    assert [number.number for number in changed[0].numbers if number.primary] == [NEW]
    assert told(processor.publish_from(update(name="Jo Bell"))) == [], "nothing has changed"
    assert [one.version for one in told(processor.publish_from(update(language="es")))] == [3, 3]


def test_somebody_who_is_not_on_record_yet_is_told_of_later() -> None:
    processor = person_processor()
    (nobody,) = told(processor.publish_from(link()))
    assert (nobody.known, nobody.version, nobody.numbers) == (False, 0, ())
    (one,) = told(processor.publish_from(upsert(mobile(OLD))))
    assert (one.known, one.version) == (True, 1)


def test_a_deleted_person_is_nobody_and_their_count_goes_on() -> None:
    processor = person_processor()
    processor.feed(upsert(mobile(OLD)))
    processor.feed(link())
    (gone,) = told(processor.publish_from(delete()))
    assert (gone.known, gone.name, gone.version) == (False, "", 2)
    processor.run_until(NOON + 3 * RETENTION)
    (back,) = told(processor.publish_from(upsert(mobile(NEW))))
    assert (back.known, back.version) == (True, 3)


def test_a_deleted_person_without_a_case_is_forgotten() -> None:
    processor = person_processor()
    processor.feed(upsert(mobile(OLD)))
    processor.feed(link())
    processor.feed(delete())
    processor.feed(link(wanted=False, at=NOON + MINUTE))
    processor.run_until(NOON + 2 * RETENTION)
    assert list(processor.state.raw) == []


def test_a_case_that_does_not_want_to_hear_is_not_told() -> None:
    processor = person_processor()
    processor.feed(upsert(mobile(OLD)))
    processor.feed(link("c1"))
    processor.feed(link("c2"))
    assert processor.publish_from(link("c1", wanted=False, at=NOON + MINUTE)) == []
    assert processor.publish_from(link("c1", wanted=False, at=NOON + MINUTE)) == []
    assert [one.case_id for one in told(processor.publish_from(update(name="Al")))] == ["c2"]


def test_an_older_word_changes_nothing_and_a_repeat_tells_again() -> None:
    processor = person_processor()
    processor.feed(upsert(mobile(OLD)))
    processor.feed(link(at=NOON + DAY))
    assert processor.publish_from(link(wanted=False)) == []
    assert len(told(processor.publish_from(link(at=NOON + DAY)))) == 1
    assert len(told(processor.publish_from(update(name="Al")))) == 1


@pytest.mark.parametrize("cases", [500, MAX_AT_ONCE + 30])
def test_somebody_in_many_cases_is_told_of_in_bounded_steps(cases: int) -> None:
    processor = person_processor()
    processor.feed(upsert(mobile(OLD)))
    for n in range(cases):
        processor.feed(link(f"c{n}"))
    first = told(processor.publish_from(update(mobile(NEW, primary=True))))
    assert len(first) == min(cases, MAX_AT_ONCE)
    rest = told(processor.run_until(processor.now + MINUTE))
    assert {one.case_id for one in (*first, *rest)} == {f"c{n}" for n in range(cases)}
    assert {one.version for one in (*first, *rest)} == {2}


def test_a_case_whose_turn_comes_later_hears_the_latest() -> None:
    processor = person_processor()
    for n in range(MAX_AT_ONCE + 1):
        processor.feed(link(f"c{n}"))
    processor.feed(upsert(mobile(OLD)))
    processor.feed(update(name="Al"))
    (last,) = told(processor.run_until(processor.now + MINUTE))
    assert (last.name, last.version) == ("Al", 2)


def test_cases_are_told_before_texts_move() -> None:
    """So a case that renders anew knows the number that people have chosen."""
    processor = person_processor()
    processor.feed(upsert(mobile(OLD)))
    processor.feed(link())
    processor.feed(request())
    moved = processor.publish_from(upsert(mobile(NEW)))
    assert len(told(moved)) == 1
    assert summarize(moved) == [("canceled", "m1", OLD)]


def test_a_worker_whose_clock_is_behind_is_told_as_well() -> None:
    """The case forgets somebody who was removed, and counts on being told when they are back."""
    processor = person_processor()
    processor.feed(upsert(mobile(OLD)))
    processor.feed(link(at=NOON + DAY))
    processor.feed(link(wanted=False, at=NOON))
    assert len(told(processor.publish_from(link(at=NOON + MINUTE)))) == 1
    processor.feed(link(wanted=False, at=NOON + DAY - MINUTE))
    assert len(told(processor.publish_from(update(name="Al")))) == 1
