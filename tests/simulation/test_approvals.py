"""Approvals among STOPs, cancels, repeats, mistakes and crashes: nothing goes unseen, what is
approved goes once."""

from __future__ import annotations

from collections import Counter

import pytest

from schemas import topics as t
from schemas.approval import ApprovalAction, ApprovalAnswer
from schemas.decision import Verdict
from streams.lifecycle import reconcile_states
from tests.simulation.approval_scenario import ApprovalScenario, wants_to_see

CALM = [pytest.param((seed, 0.0), id=f"calm {seed}") for seed in range(4)]
STORMY = [pytest.param((seed, 0.03), id=f"crashing {seed}") for seed in range(100, 106)]


@pytest.fixture(params=[*CALM, *STORMY], scope="module")
def played(request: pytest.FixtureRequest) -> ApprovalScenario:
    seed, crash = request.param
    scenario = ApprovalScenario(seed, crash)
    scenario.play()
    return scenario


def answers(played: ApprovalScenario) -> dict[str, list[ApprovalAnswer]]:
    found: dict[str, list[ApprovalAnswer]] = {}
    for one in played.world.log.all(t.APPROVAL_LOG):
        found.setdefault(one.approval_id, []).append(one)
    return found


def test_no_text_of_an_approving_branch_goes_unseen(played: ApprovalScenario) -> None:
    assert played.unseen == []


def test_every_approval_is_answered_once_despite_repeats(
    played: ApprovalScenario,
) -> None:
    """Staff may publish one approval several times."""
    assert {name: len(found) for name, found in answers(played).items()} == {
        one.approval_id: 1 for one in played.said
    }


def test_what_is_approved_goes_once(played: ApprovalScenario) -> None:
    assert {key: times for key, times in played.taken.items() if times > 1} == {}


def test_one_approval_of_a_text_is_taken_and_no_other(played: ApprovalScenario) -> None:
    taken = Counter(
        (found[0].tenant, found[0].message_id)
        for found in answers(played).values()
        if found[0].applied and found[0].action is ApprovalAction.APPROVE
    )
    assert {key: times for key, times in taken.items() if times > 1} == {}


def test_only_an_applied_approval_orders_its_text(played: ApprovalScenario) -> None:
    """Unless something else ended it: then the answer said so."""
    goes = {
        (found[0].tenant, found[0].message_id)
        for found in answers(played).values()
        if found[0].applied
        and found[0].action is ApprovalAction.APPROVE
        and found[0].verdict is Verdict.SEND
    }
    watched = {key for key, request in played.asked.items() if wants_to_see(request)}
    assert goes <= played.orders().keys() & watched
    held = {
        (found[0].tenant, found[0].message_id)
        for found in answers(played).values()
        if found[0].applied
        and found[0].action is ApprovalAction.APPROVE
        and found[0].verdict is Verdict.HOLD
    }
    assert played.orders().keys() & watched <= goes | held


def test_what_was_rejected_never_goes(played: ApprovalScenario) -> None:
    rejected = {
        (found[0].tenant, found[0].message_id)
        for found in answers(played).values()
        if found[0].applied and found[0].action is ApprovalAction.REJECT
    }
    assert rejected & played.taken.keys() == set()
    assert {played.states[key] for key in rejected} <= {"rejected"}


def test_the_answer_to_one_that_came_too_late_says_why(played: ApprovalScenario) -> None:
    for found in answers(played).values():
        assert found[0].reason
        assert found[0].next_step
        late = {
            "opted_out",
            "expired",
            "canceled",
            "not_approved",
            "under_way",
            "another_text",
            "approved_already",
        }
        assert found[0].applied or found[0].rule in late or found[0].verdict is Verdict.REJECT, (
            found[0]
        )


def test_no_call_begins_after_its_stop_was_obeyed(played: ApprovalScenario) -> None:
    assert played.overtaken == []


def test_what_nobody_approved_expires(played: ApprovalScenario) -> None:
    """40 days later nothing waits for approval any more."""
    last = {
        (one.tenant, one.message_id): one
        for one in sorted(played.world.log.all(t.DECISIONS), key=lambda d: d.seq)
    }
    assert [key for key, one in last.items() if one.verdict is Verdict.HOLD] == []


def test_the_books_balance_to_the_message(played: ApprovalScenario) -> None:
    by_state = Counter(played.states.values())
    assert reconcile_states(len(played.asked) + len(played.started()), by_state).unaccounted == 0


def test_nothing_was_set_aside(played: ApprovalScenario) -> None:
    assert played.world.log.all(t.DEAD_LETTERS) == []


def test_every_way_was_gone() -> None:
    """Or the tests above prove nothing."""
    seen = Counter[str]()
    for seed in range(8):
        scenario = ApprovalScenario(seed)
        scenario.play()
        for found in answers(scenario).values():
            seen[f"{found[0].action} {'taken' if found[0].applied else found[0].rule}"] += 1
        seen["crossed by a STOP"] += sum(
            state == "rejected" for key, state in scenario.states.items() if scenario.asked.get(key)
        )
    wanted = {
        "approve taken",
        "approve under_way",
        "approve another_text",
        "approve opted_out",
        "approve not_approved",
        "reject taken",
        "reject under_way",
        "send_now taken",
        "crossed by a STOP",
    }
    assert wanted <= seen.keys(), seen
    assert any(rule in seen for rule in ("approve expired", "approve canceled")), seen
