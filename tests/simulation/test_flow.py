"""The whole flow under virtual time, topics interleaved at random, batches crashed or without an
answer to their commit: the promises, seed by seed."""

from __future__ import annotations

from collections import Counter

import pytest

from schemas import topics as t
from schemas.outcome import Outcome
from streams.lifecycle import reconcile_states
from tests.simulation.scenario import Scenario

CALM = [pytest.param((seed, 0.0, 0.0), id=f"calm {seed}") for seed in range(5)]
STORMY = [pytest.param((seed, 0.03, 0.0), id=f"crashing {seed}") for seed in range(100, 110)]
UNANSWERED = [pytest.param((seed, 0.0, 0.05), id=f"no answer {seed}") for seed in range(200, 204)]
BOTH = [pytest.param((seed, 0.02, 0.03), id=f"both {seed}") for seed in range(300, 302)]


@pytest.fixture(params=[*CALM, *STORMY, *UNANSWERED, *BOTH], scope="module")
def played(request: pytest.FixtureRequest) -> Scenario:
    seed, crash, lost = request.param
    scenario = Scenario(seed, crash, lost)
    scenario.play()
    return scenario


def last_outcomes(scenario: Scenario) -> dict[tuple[str, str], Outcome]:
    last: dict[tuple[str, str], Outcome] = {}
    for one in scenario.world.log.all(t.OUTCOMES):
        key = (one.tenant, one.message_id)
        if key not in last or one.version > last[key].version:
            last[key] = one
    return last


def test_nothing_accepted_is_lost(played: Scenario) -> None:
    assert set(last_outcomes(played)) == played.asked.keys() | played.started()


def test_no_text_goes_out_twice(played: Scenario) -> None:
    assert {key: n for key, n in played.taken.items() if n > 1} == {}


def test_the_books_balance_to_the_message(played: Scenario) -> None:
    usage = {row.identity: row for row in played.world.log.all(t.USAGE_REPORT)}
    by_state = Counter[str]()
    for row in usage.values():
        by_state[row.state] += row.messages
    assert reconcile_states(len(played.asked) + len(played.started()), by_state).unaccounted == 0


def test_usage_equals_a_recount(played: Scenario) -> None:
    usage = {row.identity: row for row in played.world.log.all(t.USAGE_REPORT)}
    reported = Counter({(r.tenant, r.state, r.error_code): 0 for r in usage.values()})
    for row in usage.values():
        reported[row.tenant, row.state, row.error_code] += row.messages
    counted = Counter((o.tenant, o.state, o.error_code) for o in last_outcomes(played).values())
    assert +reported == counted


def test_nobody_who_has_not_said_yes_is_texted(played: Scenario) -> None:
    consented = {
        (s.tenant, s.number)
        for s in played.world.log.all(t.CONSENT_STATUS)
        if s.state == "opted_in"
    }
    own = played.started()
    posts = [post for post, _ in played.world.posts if (post.tenant, post.message_id) not in own]
    assert posts
    assert {(post.tenant, post.to) for post in posts} <= consented


def test_no_call_begins_after_its_stop_was_obeyed(played: Scenario) -> None:
    assert played.overtaken == []


def test_people_did_say_stop_and_were_heard(played: Scenario) -> None:
    """Or the test above proves nothing."""
    out = {
        status.number
        for status in played.world.log.all(t.CONSENT_STATUS)
        if status.state == "opted_out"
    }
    assert out <= set(played.stopped)
    assert len(out) >= 3


def test_what_the_provider_took_is_never_counted_as_unsent(played: Scenario) -> None:
    out = {"accepted", "sent", "delivered", "undelivered", "failed", "unknown", "read", "in_doubt"}
    outcomes = last_outcomes(played)
    assert {outcomes[key].state for key in played.taken} <= out


def test_nothing_was_set_aside(played: Scenario) -> None:
    assert played.world.log.all(t.DEAD_LETTERS) == []


def test_a_partition_that_is_opened_again_leaves_no_call_in_doubt(played: Scenario) -> None:
    """Only a crash loses what a call brought, or that it was not made."""
    found = [
        one for one in played.world.log.all(t.ATTEMPTS) if "a new owner" in (one.evidence or "")
    ]
    assert bool(found) <= bool(played.crash)


def test_commits_without_an_answer_did_happen() -> None:
    scenario = Scenario(200, 0.0, 0.05)
    scenario.play()
    assert {
        f"{processor}: no answer, durable: {durable}"
        for processor in ("gate", "dispatch", "outcomes", "usage")
        for durable in (False, True)
    } <= set(scenario.world.crashes)


def test_crashes_did_happen_where_they_were_asked_for() -> None:
    scenario = Scenario(100, 0.03)
    scenario.play()
    assert len(scenario.world.crashes) >= 8, scenario.world.crashes
