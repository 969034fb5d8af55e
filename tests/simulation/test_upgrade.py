"""Today's code goes on with houses that earlier versions left in the middle of their work: rows,
positions, names."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from schemas import topics as t
from schemas.person import PersonEvent
from streams.dispatch.state import DispatchState, MessageEntry
from streams.topology import PROCESSORS
from tests.simulation import test_flow as promises
from tests.simulation.scenario import PEOPLE, Scenario
from tests.simulation.upgrade_snapshot import HOUSES, NOBODY_YET, keep, reopened, stopped

KEPT = sorted(HOUSES.glob("*.json.gz"))


def finished(scenario: Scenario) -> Scenario:
    """Somebody tells whom the waiting text is for, producers repeat all that they asked, and
    what was to come comes."""
    world = scenario.world
    for request in scenario.asked.values():
        world.publish(t.SEND_REQUESTS, request)
    met = PersonEvent.model_validate(
        {
            "event_id": "met-1",
            "action": "upsert",
            "tenant": "acme",
            "person_id": NOBODY_YET,
            "at": world.now,
            "numbers": [{"number": PEOPLE[1], "type": "mobile", "sms_enabled": True}],
        }
    )
    world.publish(t.PERSON_EVENTS, met)
    world.settle()
    return scenario


@pytest.fixture(params=KEPT, ids=lambda file: file.name.split(".")[0], scope="module")
def gone_on(request: pytest.FixtureRequest) -> Scenario:
    return finished(reopened(request.param))


def test_there_is_one() -> None:
    assert KEPT


def test_nothing_is_lost_and_nothing_goes_out_twice(gone_on: Scenario) -> None:
    """What people issued for a person has been asked for as well."""
    told = set(promises.last_outcomes(gone_on))
    assert gone_on.asked.keys() | gone_on.started() | {("acme", "by-person")} == told
    assert {key: n for key, n in gone_on.taken.items() if n > 1} == {}


def test_nothing_is_left_under_way(gone_on: Scenario) -> None:
    """A call that an earlier version had begun is somebody's to resolve, and an order is still
    an order."""
    states = {one.state for one in promises.last_outcomes(gone_on).values()}
    assert states & {"queued", "sending", "deferred"} == set()


def test_nothing_is_decided_again_that_was_decided(gone_on: Scenario) -> None:
    """Repeats of what an earlier version has dealt with are still repeats."""
    seqs = Counter(
        (one.tenant, one.message_id, one.seq) for one in gone_on.world.log.all(t.DECISIONS)
    )
    assert {key: n for key, n in seqs.items() if n > 1} == {}


def test_what_had_waited_went(gone_on: Scenario) -> None:
    last = promises.last_outcomes(gone_on)
    assert {last["acme", name].state for name in ("tomorrow", "by-person")} & {
        "held",
        "queued",
    } == set()


def test_usage_goes_on_from_its_tallies(gone_on: Scenario) -> None:
    promises.test_usage_equals_a_recount(gone_on)


def test_a_stop_from_before_still_stands(gone_on: Scenario) -> None:
    promises.test_nobody_who_has_not_said_yes_is_texted(gone_on)
    promises.test_no_call_begins_after_its_stop_was_obeyed(gone_on)


def test_a_house_is_kept_in_the_middle_of_things(tmp_path: Path) -> None:
    """Or the tests above prove little: every room has rows, and dispatch has set out to call."""
    scenario = stopped()
    keep(scenario, tmp_path / "house" / "today.json.gz")
    again = reopened(tmp_path / "house" / "today.json.gz").world
    for processor in PROCESSORS:
        assert sum(
            task.entry_count for (name, _), task in again.tasks.items() if name == processor
        ), processor
    assert again.log.entries == scenario.world.log.entries
    places = Counter(
        row.place
        for (processor, _), task in again.tasks.items()
        if processor == "dispatch"
        for state in task.stores.values()
        for name in state.names("msg/")
        if (row := state.get(name, MessageEntry))
    )
    assert places[DispatchState.SENDING], places
    assert places[DispatchState.ACCEPTED], places
