"""Ninety days of cases in which everything happens to them: everybody gets each text that they are
due once, on time and in the right words, and nothing else.

`SAYSO_SIMULATED_CASES=1000` plays as many; the suite plays fewer."""

from __future__ import annotations

import os

import pytest

from schemas import topics as t
from tests.simulation import case_clocks as clocks
from tests.simulation.case_accounts import differences, find_in_doubt, find_missed, find_sent
from tests.simulation.case_scenario import (
    DAY,
    DOWN,
    FIRST,
    ZONES,
    CaseScenario,
    CaseStory,
    Someone,
)
from tests.simulation.case_worlds import Outage, QuickWorld

CASES = int(os.environ.get("SAYSO_SIMULATED_CASES", "80"))
MANY_TEXTS = 5
"""For each case, on average; fewer, and nothing is proven."""


@pytest.fixture(scope="module")
def played() -> CaseScenario:
    scenario = CaseScenario(seed=1, cases=CASES)
    scenario.play()
    return scenario


def test_everybody_gets_what_a_brute_force_calendar_gives_them(played: CaseScenario) -> None:
    assert differences(played) == []
    assert sum(map(len, find_sent(played).values())) > MANY_TEXTS * CASES


def test_staff_hear_of_every_text_that_comes_too_late_and_of_no_other(played: CaseScenario) -> None:
    """The case alerts of what never left it, outcomes of what expired on its way."""
    logged, expected = find_missed(played)
    assert logged == expected
    alerts = {
        (one.case_id, one.person_id, one.event_id)
        for one in played.world.log.all(t.ALERTS)
        if one.state in ("too_late", "expired")
    }
    about_events = {one for one in logged if not one[2].startswith("task")}
    assert {one[:3] for one in about_events} <= alerts
    assert len(logged) > CASES


def test_nothing_was_set_aside(played: CaseScenario) -> None:
    assert played.world.log.all(t.DEAD_LETTERS) == []


def test_no_text_goes_twice(played: CaseScenario) -> None:
    ids = [one.text_id for one in played.world.log.all(t.CASE_TEXTS) if one.state == "sent"]
    taken = {message_id: len(posts) for message_id, posts in played.posts.items()}
    assert {message_id: n for message_id, n in taken.items() if n > 1} == {}
    assert len(ids) == len(set(ids))


def test_everything_happened(played: CaseScenario) -> None:
    """Or the tests above prove nothing."""
    said = played.said()
    assert set(said) >= {
        "case_reopened",
        "task_canceled",
        "party_changed",
        "stop",
        "event_canceled",
    }
    states = {one.state for one in played.world.log.all(t.CASE_TEXTS)}
    ended = {"requested", "canceled", "sent", "arrived", "failed", "too_late", "skipped"}
    assert states >= ended


def test_the_clocks_go_forward_and_back_meanwhile() -> None:
    def hours(zone: str) -> float:
        first, last = (
            (at - clocks.local(at, zone).replace(tzinfo=at.tzinfo)).total_seconds() / 3600
            for at in (FIRST, FIRST + 90 * DAY)
        )
        return last - first

    assert [hours(zone) for zone in ZONES] == [1, 1, -1, -0.5]


@pytest.mark.parametrize("batch", [1, 3, 2000])
def test_what_was_taken_back_while_the_workers_were_down_is_not_even_asked_for(batch: int) -> None:
    """Its time comes, then it is canceled; both while nobody works."""
    scenario = CaseScenario(seed=1, cases=0)
    world = scenario.world
    assert isinstance(world, QuickWorld)
    world.batch = batch
    start = FIRST + 20 * clocks.HOUR
    world.outages = [Outage(DOWN, start, start + 20 * clocks.HOUR)]
    ana = Someone("p0-0", ZONES[0], "+12125550101", "+12125550102", "Ana")
    story = CaseStory("c0", ZONES[0], [ana])
    scenario.stories.append(story)
    scenario.tell_person(story, FIRST, ana)
    at = FIRST + 18 * clocks.HOUR
    scenario.say(story, at, "case_opened", title="Case", time_zone=ZONES[0])
    scenario.say(story, at, "party_added", person_id="p0-0", role="client")
    for n in range(5):
        said = {"event_id": f"h{n}", "title": "Hearing", "event_type": "hearing"}
        scenario.say(story, at, "event_saved", starts_at="2026-09-22T09:00", **said)
        scenario.say(story, start + 18 * clocks.HOUR, "event_canceled", event_id=f"h{n}")
    scenario.play()
    assert world.log.all(t.PERSON_REQUESTS) == []


@pytest.fixture(params=[0, 1], scope="module")
def crashed(request: pytest.FixtureRequest) -> CaseScenario:
    scenario = CaseScenario(request.param, cases=30, crash=0.02)
    scenario.play()
    return scenario


def test_workers_that_crash_at_any_step_lose_and_repeat_nothing(crashed: CaseScenario) -> None:
    """What is missing are calls that were cut off: nobody knows, and nobody calls again."""
    in_doubt = find_in_doubt(crashed)
    odd = [
        one
        for one in differences(crashed)
        if one[0] != "only expected" or (one[1], *one[3:6]) not in in_doubt
    ]
    assert odd == []
    assert {message_id for message_id, posts in crashed.posts.items() if len(posts) > 1} == set()
    assert sum(crashed.world.crashes.values()) > 100
