"""One number, however it is written: a no from one writing stops the texts of all, also what a
version before kept under each of them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from schemas import topics as t
from schemas.consent import MOVED, ConsentStatus
from schemas.decision import Decision
from streams.gate.consent_log import find_flaws
from streams.gate.number_moves import is_former_key
from tests.simulation import writings_snapshot as kept
from tests.simulation.scenario import Scenario
from tests.simulation.upgrade_snapshot import reopened
from tests.simulation.writings_snapshot import KEPT, ask, say, text, use


def verdicts(scenario: Scenario, message_id: str) -> list[str]:
    found: list[Decision] = [
        one for one in scenario.world.log.all(t.DECISIONS) if one.message_id == message_id
    ]
    return [one.verdict.value for one in sorted(found, key=lambda one: one.seq)]


def statuses(scenario: Scenario) -> dict[str, ConsentStatus]:
    """The latest of each number."""
    return {one.number: one for one in scenario.world.log.all(t.CONSENT_STATUS)}


def upgraded(seed: int, crash: float = 0.0) -> Scenario:
    """Asked at once, before any partition has had its turn."""
    scenario = use(reopened(KEPT))
    world = scenario.world
    world.rng.seed(seed)
    world.crash = crash
    ask(scenario, "to-stopped", kept.STOPPED_ONE)
    ask(scenario, "to-started", kept.STARTED_ONE)
    ask(scenario, "to-sent", kept.SENT_ONE)
    world.publish(t.SEND_REQUESTS, scenario.asked["acme", "sent"])
    world.settle(until=timedelta(seconds=30))
    ask(scenario, "to-typed", kept.TYPED_ONE)
    world.settle()
    return scenario


@pytest.fixture(params=range(6), scope="module")
def after(request: pytest.FixtureRequest) -> Scenario:
    return upgraded(request.param, crash=0.02 if request.param % 2 else 0.0)


def test_a_stop_under_the_old_writing_stops_the_new_one(after: Scenario) -> None:
    assert verdicts(after, "to-stopped") == ["reject"]
    assert verdicts(after, "waits-stopped")[-1] == "reject", "what was held under the other writing"
    assert after.taken["acme", "to-stopped"] == after.taken["acme", "waits-stopped"] == 0
    assert statuses(after)[kept.STOPPED_ONE].state == "opted_out"


def test_a_later_start_under_the_old_writing_counts_for_the_new_one(after: Scenario) -> None:
    assert verdicts(after, "to-started") == ["send"]
    assert after.taken["acme", "to-started"] == 1
    assert statuses(after)[kept.STARTED_ONE].state == "opted_in"


def test_a_text_that_waited_under_the_old_writing_goes_once_to_the_number(after: Scenario) -> None:
    assert verdicts(after, "waits")[-1] == "send"
    assert after.taken["acme", "waits"] == 1
    called = [post.to for post, _ in after.world.posts if post.message_id == "waits"]
    assert called == [kept.WAITS_ONE], "what is dialed is the writing that the provider takes"


def test_a_repeat_of_what_was_sent_under_the_old_writing_is_a_repeat(after: Scenario) -> None:
    assert after.taken["acme", "sent"] == 1
    assert verdicts(after, "sent") == ["send"]
    assert after.taken["acme", "to-sent"] == 1, "who opted in under it is not asked again"


def test_an_opt_out_under_what_was_taken_for_no_number_stops_the_number(after: Scenario) -> None:
    assert verdicts(after, "to-typed") == ["reject"]
    assert after.taken["acme", "to-typed"] == 0


def test_nothing_is_lost_or_refused_on_the_way(after: Scenario) -> None:
    assert after.world.log.all(t.DEAD_LETTERS) == []
    assert {key: n for key, n in after.taken.items() if n > 1} == {}
    left = {
        (key, name)
        for (processor, _), task in after.world.tasks.items()
        if processor == "gate"
        for key, store in task.stores.items()
        if is_former_key(key)
        for name in store.raw
    }
    assert {name for _, name in left} == {""}, "a marked copy of the number, for a way back"
    waiting = [
        name
        for (processor, _), task in after.world.tasks.items()
        if processor == "gate"
        for store in task.stores.values()
        for name in store.names("wait/")
    ]
    assert waiting == []


def test_each_log_is_whole_and_says_what_joined_it(after: Scenario) -> None:
    logs: dict[str, list[dict[str, object]]] = {}
    for one in after.world.log.all(t.CONSENT_LOG):
        logs.setdefault(one.number, []).append(one.model_dump(mode="json", exclude_none=True))
    assert all(find_flaws(entries) == () for entries in logs.values())
    joined = {
        number: [e for e in entries if e["action"] == MOVED] for number, entries in logs.items()
    }
    assert len(joined[kept.STOPPED_ONE]) == 1
    entry = joined[kept.STOPPED_ONE][0]
    assert kept.STOPPED_OLD in str(entry["reason"])
    assert str(entry["evidence"]["document"]).startswith("the consent log of +521")  # type: ignore[index]


@pytest.mark.parametrize("seed", range(8))
def test_a_stop_from_any_writing_stops_orders_under_any_other(seed: int) -> None:
    scenario = use(Scenario(seed, crash=0.02 if seed % 2 else 0.0))
    world = scenario.world
    say(scenario, "opt_in", "whatsapp:+5215512345611", "yes")
    world.settle(until=timedelta(seconds=5))
    ask(scenario, "first", "+52 1 55 1234 5611")
    world.settle(until=timedelta(seconds=5))
    assert scenario.taken["acme", "first"] == 1
    assert world.posts[-1][0].to == "+525512345611"
    ask(scenario, "later", "+525512345611", days=1)
    world.settle(until=timedelta(seconds=5))
    text(scenario, "+5215512345611", "STOP", "SM-stop")
    world.settle(until=timedelta(seconds=5))
    ask(scenario, "after", "tel:+5215512345611;ext=3")
    world.settle()
    assert verdicts(scenario, "later")[-1] == verdicts(scenario, "after")[-1] == "reject"
    text(scenario, "+525512345611", "START", "SM-start")
    world.settle(until=timedelta(seconds=5))
    ask(scenario, "again", "+52 044 55 1234 5611")
    world.settle()
    assert scenario.taken["acme", "again"] == 1
    assert world.log.all(t.DEAD_LETTERS) == []
