"""Events become a person; the gate hears of the person's numbers."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.person import Person, PersonEvent
from schemas.topics import DEAD_LETTERS, NUMBER_FACTS, PEOPLE
from streams.people.state import PERSON
from tests.core.harness import ProcessorHarness, on_topic
from tests.core.people.cases import (
    DAY,
    HOME,
    NEW,
    NOON,
    OLD,
    THIRD,
    delete,
    mobile,
    person_processor,
    update,
    upsert,
)


def after(*events: PersonEvent) -> Person:
    processor = person_processor()
    for event in events:
        processor.feed(event)
    return processor.published_on(PEOPLE)[-1]  # type: ignore[no-any-return]


def numbers(person: Person) -> list[tuple[str, str, bool, bool]]:
    return [(one.number, one.type.value, one.sms_enabled, one.primary) for one in person.numbers]


def test_a_new_number_is_an_enabled_mobile() -> None:
    assert numbers(after(upsert({"number": OLD}))) == [(OLD, "mobile", True, False)]


def test_a_new_number_of_another_type_is_disabled() -> None:
    assert numbers(after(upsert({"number": HOME, "type": "home"}))) == [
        (HOME, "home", False, False)
    ]


def test_an_upsert_is_the_whole_person() -> None:
    person = after(
        upsert(mobile(OLD), role="buyer", email="a@example.com"), upsert(mobile(NEW), name="Jo B.")
    )
    assert (person.name, person.role, person.email) == ("Jo B.", None, None)
    assert [one.number for one in person.numbers] == [NEW]


def test_an_upsert_without_the_switch_leaves_it() -> None:
    person = after(upsert(mobile(OLD, sms_enabled=False)), upsert({"number": OLD}))
    assert numbers(person) == [(OLD, "mobile", False, False)]


def test_an_update_changes_what_is_given() -> None:
    whole = upsert(mobile(OLD), role="buyer", email="a@example.com")
    person = after(whole, update(mobile(NEW), email="", role="agent"))
    assert (person.name, person.role, person.email) == ("Jo Bell", "agent", None)
    assert numbers(person) == [(OLD, "mobile", True, False), (NEW, "mobile", True, False)]


def test_an_update_removes_a_number_however_written() -> None:
    assert numbers(
        after(upsert(mobile(OLD), mobile(NEW)), update(remove=["+1 (415) 555-0142"]))
    ) == [(NEW, "mobile", True, False)]


def test_an_update_of_an_unknown_person_adds_them() -> None:
    assert numbers(after(update(mobile(OLD)))) == [(OLD, "mobile", True, False)]


def test_one_number_is_primary() -> None:
    person = after(
        upsert(mobile(OLD, primary=True), mobile(NEW)), update(mobile(NEW, primary=True))
    )
    assert [one.primary for one in person.numbers] == [False, True]


def test_a_deleted_person_keeps_nothing_and_is_forgotten() -> None:
    processor = person_processor()
    processor.feed(upsert(mobile(OLD), email="a@example.com"))
    processor.feed(delete())
    gone = processor.published_on(PEOPLE)[-1]
    assert (gone.deleted, gone.name, gone.email, gone.numbers) == (True, "", None, ())
    processor.run_until(NOON + 36 * DAY)
    assert processor.state.raw == {}


def test_a_person_who_comes_back_stays() -> None:
    processor = person_processor()
    processor.feed(delete())
    processor.feed(update(mobile(OLD)))
    processor.run_until(NOON + 36 * DAY)
    assert PERSON in processor.state.raw


def test_a_repeated_event_changes_nothing() -> None:
    processor = person_processor()
    first = upsert(mobile(OLD))
    processor.feed(first)
    processor.feed(upsert(mobile(NEW)))
    assert processor.publish_from(first) == []


def test_an_event_without_change_publishes_nothing() -> None:
    processor = person_processor()
    processor.feed(upsert(mobile(OLD)))
    assert processor.publish_from(upsert(mobile(OLD))) == []


def records(processor: ProcessorHarness) -> list[tuple[str, Any, str | None, bool]]:
    return [
        (record.number, record.sms_enabled, record.type, record.left)
        for record in processor.published_on(NUMBER_FACTS)
    ]


def test_the_gate_gets_one_fact_for_each_number() -> None:
    processor = person_processor()
    processor.feed(upsert(mobile(OLD), {"number": HOME, "type": "home"}))
    assert records(processor) == [(OLD, True, "mobile", False), (HOME, False, "home", False)]
    processor.published.clear()
    processor.feed(update(mobile(OLD, sms_enabled=False)))
    assert records(processor) == [(OLD, False, "mobile", False)]


def test_the_gate_gets_a_fact_for_a_removed_number() -> None:
    processor = person_processor()
    processor.feed(upsert(mobile(OLD)))
    processor.published.clear()
    processor.feed(upsert(mobile(NEW)))
    assert records(processor) == [(NEW, True, "mobile", False), (OLD, None, None, True)]
    assert {record.person_id for record in processor.published_on(NUMBER_FACTS)} == {"p1"}


def test_a_zone_goes_to_every_number() -> None:
    processor = person_processor()
    processor.feed(upsert(mobile(OLD), mobile(NEW)))
    processor.published.clear()
    processor.feed(update(time_zone="America/Denver", postal_region="CO"))
    said = [
        (record.number, record.time_zone, record.postal_region)
        for record in processor.published_on(NUMBER_FACTS)
    ]
    assert said == [(OLD, "America/Denver", "CO"), (NEW, "America/Denver", "CO")]


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(upsert(name="x" * 5_000), id="a file for a name"),
        pytest.param(
            upsert(*(mobile(f"+1415555{n:04d}") for n in range(21))), id="a telephone book"
        ),
        pytest.param(upsert(mobile("+1" + "4" * 5_000)), id="a file for a number"),
    ],
)
def test_what_is_too_large_for_a_person_is_a_dead_letter(event: PersonEvent) -> None:
    processor = person_processor()
    processor.feed(event)
    assert [letter.cause for letter in processor.published_on(DEAD_LETTERS)] == ["too_large"]
    assert processor.state.raw == {}


def test_a_number_both_removed_and_added_is_gone() -> None:
    assert numbers(after(update(mobile(OLD), mobile(THIRD), remove=[OLD]))) == [
        (THIRD, "mobile", True, False)
    ]


def test_first_name_and_language_are_kept_until_they_are_said_otherwise() -> None:
    processor = person_processor()
    processor.feed(upsert(first_name="Anne Marie", language="es"))
    (after,) = on_topic(PEOPLE, processor.publish_from(update(language="")))
    assert (after.first_name, after.language) == ("Anne Marie", None)
    (whole,) = on_topic(PEOPLE, processor.publish_from(upsert()))
    assert whole.first_name is None


def test_what_many_events_say_together_stays_small() -> None:
    """Each field alone is small enough; the entry of the whole person must be too."""
    processor = person_processor()
    fields = ("name", "first_name", "role", "email", "language", "time_zone", "postal_region")
    for field in fields:
        processor.feed(update(**{field: "😀" * 3_900}))
    letters = processor.published_on(DEAD_LETTERS)
    assert [letter.cause for letter in letters] == ["too_large"] * 6
