"""The calendar by which the demo checks reminders: it reckons alone, and finds what is wrong."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from schemas.tenant_settings import TenantSettings
from services.local.demo import case_calendar
from services.local.demo.case_calendar import (
    RULES,
    Due,
    Expected,
    Rule,
    Time,
    find_differences,
    list_due,
    list_expected,
    list_names,
    list_names_of_first_time,
    reckon_due,
    write_reminder,
    write_task,
)
from services.local.demo.cast import ANA, BEN, GRACE, LUIS, MARTA, WALT
from services.local.demo.story import NEW_REMINDER, OLD_REMINDER, Story, open_cases, save_hearing
from services.local.demo.story_checks import check_calendar, check_first_time
from services.local.demo.story_run import StoryResult
from services.local.stack import SAMPLE
from services.operations.yaml_settings import read_settings

NEW_YORK = "America/New_York"
BEGINS = datetime(2026, 11, 29, 18, 4, 5, tzinfo=UTC)
STORY = Story("harbor", "demo", NEW_YORK, "appeals", BEGINS)
RESULT = StoryResult(
    STORY, BEGINS + timedelta(seconds=2), BEGINS + timedelta(seconds=16), settled=True
)
DAY_BEFORE, HOURS_BEFORE = RULES
Calls = list[dict[str, Any]]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type]


def test_the_calendar_shares_nothing_with_what_it_checks():
    """Only the plan, the cast and the way numbers are masked are from elsewhere."""
    tree = ast.parse(inspect.getsource(case_calendar))
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    ours = {name for name in modules if name.split(".")[0] in ("schemas", "services", "streams")}
    assert ours == {"schemas.numbers", "services.local.demo.cast", "services.local.demo.story"}


def test_its_rules_are_the_recipes_of_the_sample():
    (tenant,) = read_settings(SAMPLE, "tenants", TenantSettings)
    recipes = {name: one for name, one in tenant.recipes.items() if one.event_type == "hearing"}
    assert {rule.recipe for rule in RULES} == recipes.keys()
    for rule in RULES:
        count, unit = (rule.days, "day") if rule.days else (rule.hours, "hours")
        recipe = recipes[rule.recipe]
        assert (recipe.offset, recipe.confirm or "") == (f"{count} {unit} before", rule.confirm)
        assert recipe.if_late == "skip"


@pytest.mark.parametrize(
    ("starts_at", "rule", "due"),
    [
        ("2026-11-30T13:04:18", DAY_BEFORE, utc(2026, 11, 29, 18, 4, 18)),
        ("2026-11-29T15:04:15-05:00", HOURS_BEFORE, utc(2026, 11, 29, 18, 4, 15)),
        ("2026-11-01T09:00:00", DAY_BEFORE, utc(2026, 10, 31, 13)),  # the clocks change between
        ("2026-11-01T09:00:00", HOURS_BEFORE, utc(2026, 11, 1, 12)),
        ("2026-03-08T03:30:00", HOURS_BEFORE, utc(2026, 3, 8, 5, 30)),
    ],
)
def test_days_are_dates_and_hours_are_elapsed(starts_at: str, rule: Rule, due: datetime):
    assert reckon_due(starts_at, NEW_YORK, rule) == due


def test_the_story_has_one_reminder_of_each_time_and_only_the_new_one_is_due():
    first, new = RESULT.times
    assert reckon_due(first.starts_at, NEW_YORK, HOURS_BEFORE) == BEGINS + OLD_REMINDER
    assert list(list_due(RESULT.times, NEW_YORK, RESULT.until)) == [
        Due(DAY_BEFORE, new.starts_at, BEGINS + NEW_REMINDER)
    ]


def test_a_hearing_that_never_moves_is_reminded_of_at_its_first_time():
    (due,) = list_due(RESULT.times[:1], NEW_YORK, RESULT.until)
    assert (due.rule, due.at) == (HOURS_BEFORE, BEGINS + OLD_REMINDER)


def test_a_reminder_that_was_late_when_its_time_became_known_is_none():
    late = Time(STORY.first_time, BEGINS + OLD_REMINDER + timedelta(seconds=1))
    assert not list(list_due([late], NEW_YORK, RESULT.until))


def test_everybody_is_told_in_their_language():
    due = Due(DAY_BEFORE, STORY.new_time, BEGINS + NEW_REMINDER)
    english = "Luis, your hearing is tomorrow at 1:04 PM, courtroom 4. Reply C to confirm."
    assert write_reminder(LUIS, due, NEW_YORK, due.at) == english
    spanish = "Ana: su audiencia es mañana, 1:04 p.m., courtroom 4. Responda C para confirmar."
    assert write_reminder(ANA, due, NEW_YORK, due.at) == spanish
    assert "today at 1:04" in write_reminder(LUIS, due, NEW_YORK, due.at + timedelta(hours=12))


def test_who_agreed_is_reminded_and_who_stopped_had_the_first_text():
    expected = list_expected(STORY, RESULT.times, RESULT.until)
    reminded = {one.number for one in expected if one.is_reminder}
    told = {one.number for one in expected if not one.is_reminder}
    assert reminded == {ANA.number, LUIS.number}
    assert told == {ANA.number, LUIS.number, MARTA.number, GRACE.number}
    assert not {BEN.number, WALT.number} & (reminded | told)
    assert len(list(list_names(STORY, RESULT.times, RESULT.until))) == 6 + 5


def went() -> Calls:
    """What a journal has if all is right."""
    due = Due(DAY_BEFORE, STORY.new_time, BEGINS + NEW_REMINDER)
    words = {
        True: lambda member: write_reminder(member, due, NEW_YORK, due.at),
        False: write_task,
    }
    people = {member.number: member for member in (ANA, LUIS, MARTA, GRACE)}
    return [
        {
            "event": "create",
            "outcome": "taken",
            "at": (due.at + timedelta(seconds=0.3)).isoformat(),
            "number": one.number,
            "body": digest(words[one.is_reminder](people[one.number])),
            "callback": {"tenant": "harbor", "message_id": one.text_id},
        }
        for one in expected()
    ]


def expected() -> list[Expected]:
    return list_expected(STORY, RESULT.times, RESULT.until)


def digest(words: str) -> str:
    return sha256(words.encode()).hexdigest()


def test_a_journal_with_the_very_same_texts_passes():
    calls = went()
    assert find_differences(expected(), calls) == []
    assert check_calendar(calls, RESULT).holds
    assert check_first_time(calls, RESULT).holds


def test_what_the_provider_refused_did_not_go():
    calls = went()
    calls[-1]["outcome"] = "refused"
    assert [one.rpartition(" to ")[2] for one in find_differences(expected(), calls)] == [
        "+191••••0112 never went"
    ]


def test_a_second_try_under_the_next_id_is_the_same_text():
    calls = went()
    calls[-1]["callback"]["message_id"] += ".2"
    assert find_differences(expected(), calls) == []
    calls.append(went()[-1])
    assert len(find_differences(expected(), calls)) == 1


def change(**fields: Any) -> Callable[[Calls], None]:
    return lambda calls: calls[-1].update(fields)


def repeat(calls: Calls) -> None:
    calls.append(calls[-1])


def drop(calls: Calls) -> None:
    calls.pop()


def tell_the_first_time(calls: Calls) -> None:
    """Also a text to the right person in the right words is wrong under the first time's name."""
    name = next(
        name for name in list_names_of_first_time(STORY) if name not in {_name(c) for c in calls}
    )
    calls.append(calls[-1] | {"callback": {"tenant": "harbor", "message_id": name}})


def _name(call: dict[str, Any]) -> str:
    return str(call["callback"]["message_id"])


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (repeat, "went 2 times"),
        (drop, "never went"),
        (tell_the_first_time, "was not due"),
        (change(number=BEN.number), "went to +191••••0114"),
        (change(body=digest("your hearing is today at 3:04 PM")), "had other words"),
        (change(at=(BEGINS + OLD_REMINDER).isoformat()), "went before it was due"),
    ],
)
def test_a_journal_that_differs_is_found_out(spoil: Callable[[Calls], None], says: str):
    calls = went()
    spoil(calls)
    (found,) = find_differences(expected(), calls)
    assert found.endswith(says)
    assert not check_calendar(calls, RESULT).holds


def test_a_text_of_the_first_time_is_found_out():
    calls = went()
    tell_the_first_time(calls)
    assert not check_first_time(calls, RESULT).holds


@pytest.mark.parametrize(
    "changes",
    [
        {"moved_at": BEGINS + OLD_REMINDER + timedelta(seconds=1)},
        {"until": BEGINS + OLD_REMINDER - timedelta(seconds=1)},
    ],
    ids=["moved too late", "over too early"],
)
def test_nothing_is_proven_unless_the_first_time_had_its_turn(changes: dict[str, datetime]):
    assert not check_first_time(went(), RESULT._replace(**changes)).holds


def test_the_move_keeps_the_hearing_and_changes_its_time():
    (first,) = [one for one in open_cases(STORY) if one.type == "event_saved"]
    moved = save_hearing(STORY, STORY.new_time, RESULT.moved_at)
    assert (first.event_id, first.case_id) == (moved.event_id, moved.case_id)
    assert (first.starts_at, moved.starts_at) == (
        "2026-11-29T15:04:15-05:00",
        "2026-11-30T13:04:18",
    )
    assert first.change_id != moved.change_id
