"""Cases and staff take requests back while numbers change and workers crash: what is taken back ends
once, and nothing is issued again."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from schemas import topics as t
from tests.simulation.people_scenario import PeopleScenario, original

CALM = [pytest.param((seed, 0.0), id=f"calm {seed}") for seed in range(200, 202)]
STORMY = [pytest.param((seed, 0.02), id=f"crashing {seed}") for seed in range(210, 214)]
READ = timedelta(seconds=1)
"""By then a cancel has been read, when nobody crashes."""


@pytest.fixture(params=[*CALM, *STORMY], scope="module")
def played(request: pytest.FixtureRequest) -> PeopleScenario:
    seed, crash = request.param
    scenario = PeopleScenario(seed, crash)
    scenario.play(taken_back=0.5)
    return scenario


def test_one_text_at_most_and_nothing_is_lost(played: PeopleScenario) -> None:
    assert set(played.tries()) == set(played.wanted)
    assert {one: times for one, times in played.texted.items() if times > 1} == {}
    assert played.world.log.all(t.DEAD_LETTERS) == []


def test_what_is_taken_back_waits_nowhere(played: PeopleScenario) -> None:
    """Not with people, not at the gate, not at dispatch: each try has an end."""
    states = {
        played.outcomes[one].state
        for request_id in played.unwanted
        for one in played.tries()[request_id]
    }
    assert states & {"held", "queued", "in_doubt"} == set()
    assert "canceled" in states


def test_nothing_is_issued_again_after_it_was_taken_back(played: PeopleScenario) -> None:
    """In order of people's own log: no try follows the cancel of a request for good."""
    over = set[str]()
    for one in played.world.log.all(t.REQUEST_CANCELS):
        if one.by != "people" and original(one.message_id) in played.wanted:
            over.add(one.message_id)
    last = {tries[-1] for tries in played.tries().values()}
    assert over <= last


def test_what_was_taken_back_before_it_was_asked_for_is_never_sent(
    played: PeopleScenario,
) -> None:
    early = {one for one, at in played.unwanted.items() if at + READ < played.asked_at[one]}
    if played.crash == 0.0:
        assert early & set(played.texted) == set()
        assert {played.outcomes[one].state for one in early} == {"canceled"}


def test_every_way_was_gone() -> None:
    """Or the tests above prove nothing."""
    seen = Counter[str]()
    for seed in range(200, 202):
        scenario = PeopleScenario(seed)
        scenario.play(taken_back=0.5)
        log = scenario.world.log
        seen["early"] += sum(at < scenario.asked_at[one] for one, at in scenario.unwanted.items())
        seen["too late"] += len(set(scenario.unwanted) & set(scenario.texted))
        seen["at the gate or dispatch"] += sum(
            one.by != "people" for one in log.all(t.REQUEST_CANCELS)
        )
        seen["with people"] += sum(
            one.verdict == "cancel" and one.to is None for one in log.all(t.DECISIONS)
        )
        seen["after a move"] += sum(
            one.by != "people" and ":moved-" in one.message_id for one in log.all(t.REQUEST_CANCELS)
        )
    assert min(seen.values()) > 0, seen
    assert len(seen) == 5
