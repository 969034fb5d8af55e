"""Numbers change while texts are on their way, rooms crash: one text, never two, and never to a
number taken back.

What is promised: of all ids that one person-request has had, the provider takes a text of one at
most.  Once the gate has taken the cancel that a change of number causes, it gives no order for
that id; once dispatch has taken it, no call begins for it.  What the change came too late for
has gone to the number that was theirs when it was ordered."""

from __future__ import annotations

from collections import Counter

import pytest

from schemas import topics as t
from schemas.decision import Verdict
from streams.lifecycle import reconcile_states
from tests.simulation.people_scenario import PeopleScenario, original

CALM = [pytest.param((seed, 0.0), id=f"calm {seed}") for seed in range(4)]
STORMY = [pytest.param((seed, 0.02), id=f"crashing {seed}") for seed in range(100, 106)]


@pytest.fixture(params=[*CALM, *STORMY], scope="module")
def played(request: pytest.FixtureRequest) -> PeopleScenario:
    seed, crash = request.param
    scenario = PeopleScenario(seed, crash)
    scenario.play()
    return scenario


def test_nothing_asked_for_is_lost(played: PeopleScenario) -> None:
    assert set(played.tries()) == set(played.wanted)


def test_one_text_never_two(played: PeopleScenario) -> None:
    assert {one: times for one, times in played.texted.items() if times > 1} == {}


def test_only_the_last_try_is_alive(played: PeopleScenario) -> None:
    earlier = [
        played.outcomes[one].state for tries in played.tries().values() for one in tries[:-1]
    ]
    assert set(earlier) <= {"canceled"}


def test_what_was_never_tried_is_asked_for_again(played: PeopleScenario) -> None:
    """A change of number loses nothing, unless the person is deleted or dispatch had set out to
    call."""
    for request_id, tries in played.tries().items():
        if played.outcomes[tries[-1]].state == "canceled":
            assert played.tried(tries[-1]) or played.was_ever_deleted(
                played.wanted[request_id].person_id
            ), request_id


def test_each_try_names_the_one_before(played: PeopleScenario) -> None:
    asked = {one.message_id: one for one in played.world.log.all(t.DECISIONS)}
    for tries in played.tries().values():
        assert [asked[one].resend_of for one in tries] == [None, *tries[:-1]]


def test_a_text_goes_to_its_own_person(played: PeopleScenario) -> None:
    for post, _ in played.world.posts:
        request = played.wanted.get(original(post.message_id))
        if request is not None:
            assert post.to in played.numbers_of(int(request.person_id[1:]))


def test_nothing_that_was_canceled_is_sent(played: PeopleScenario) -> None:
    canceled = {
        one.message_id for one in played.world.log.all(t.DECISIONS) if one.verdict is Verdict.CANCEL
    }
    assert canceled & {post.message_id for post, _ in played.world.posts} == set()


def test_no_call_begins_for_what_dispatch_has_taken_back(played: PeopleScenario) -> None:
    assert played.after_cancel == []


def test_what_waits_at_the_gate_waits_for_the_number_they_have(played: PeopleScenario) -> None:
    holds = {
        one.message_id: one
        for one in sorted(played.world.log.all(t.DECISIONS), key=lambda one: one.seq)
    }
    for message_id, decision in holds.items():
        request = played.wanted.get(original(message_id))
        if request is not None and decision.verdict is Verdict.HOLD:
            assert decision.to == played.number_now(request.person_id), message_id


def test_people_hold_what_has_no_number_with_one_of_two_reasons(played: PeopleScenario) -> None:
    held = [
        one
        for one in played.world.log.all(t.DECISIONS)
        if one.verdict is Verdict.HOLD and one.to is None
    ]
    assert {one.findings[0].rule for one in held} <= {"no_number", "not_sms_enabled"}


def test_the_books_balance_to_the_message(played: PeopleScenario) -> None:
    """A request counts once where it went to one number, and once more for each further one."""
    usage = {row.identity: row for row in played.world.log.all(t.USAGE_REPORT)}
    by_state = Counter[str]()
    for row in usage.values():
        by_state[row.state] += row.messages
    topics = (t.PERSON_REQUESTS, t.SEND_REQUESTS, t.DECISIONS)
    requested = {
        (one.tenant, one.message_id) for topic in topics for one in played.world.log.all(topic)
    }
    assert reconcile_states(len(requested), by_state).unaccounted == 0


def test_nothing_was_set_aside(played: PeopleScenario) -> None:
    assert played.world.log.all(t.DEAD_LETTERS) == []


def test_every_way_was_gone() -> None:
    """Or the tests above prove nothing."""
    seen = Counter[str]()
    for seed in range(8):
        scenario = PeopleScenario(seed)
        scenario.play()
        log = scenario.world.log
        seen["moved"] += sum(len(tries) > 1 for tries in scenario.tries().values())
        seen["moved twice"] += sum(len(tries) > 2 for tries in scenario.tries().values())
        seen["canceled at the gate"] += sum(
            one.verdict is Verdict.CANCEL for one in log.all(t.DECISIONS)
        )
        seen["canceled at dispatch"] += sum(one.state == "canceled" for one in log.all(t.ATTEMPTS))
        seen["canceled ahead"] += len(scenario.canceled_ahead())
        seen["held for a number"] += sum(one.to is None for one in log.all(t.DECISIONS))
        seen["texted"] += len(scenario.texted)
    assert min(seen.values()) > 0, seen
    assert len(seen) == 7
