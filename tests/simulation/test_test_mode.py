"""Programs try their keys while everything else goes on: nothing of theirs ever reaches the
provider, and the books are right."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from schemas import topics as t
from schemas.person import PersonRequest
from schemas.send_request import CancelRequest, SendRequest
from streams.lifecycle import reconcile_states
from tests.simulation.scenario import PEOPLE, TENANTS, Scenario
from tests.simulation.test_flow import last_outcomes

CALM = [pytest.param((seed, 0.0), id=f"calm {seed}") for seed in range(500, 502)]
STORMY = [pytest.param((seed, 0.03), id=f"crashing {seed}") for seed in range(510, 514)]


class TestModeScenario(Scenario):
    """`tests`: the ids of requests in test mode."""

    __test__ = False

    def producers_ask(self, texts: int) -> None:
        super().producers_ask(texts)
        self.tests: set[tuple[str, str]] = set()
        for n in range(texts):
            tenant, number = self.rng.choice(list(TENANTS)), self.rng.choice(PEOPLE)
            at = self.world.now + timedelta(seconds=self.rng.uniform(0, 120))
            said = {
                "message_id": f"t{n}",
                "tenant": tenant,
                "body": f"test {n}",
                "kind": self.rng.choice(["transactional", "reminder", "marketing", "fax"]),
                "requested_at": at,
                "test_mode": True,
                "undo_seconds": self.rng.choice([None, 10]),
                "not_before": self.rng.choice([None, at + timedelta(hours=1)]),
            }
            self.tests.add((tenant, f"t{n}"))
            if self.rng.random() < 0.2:
                for_person = PersonRequest.model_validate(said | {"person_id": f"p{n}"})
                self.world.publish_at(at, t.PERSON_REQUESTS, for_person)
                continue
            request = SendRequest.model_validate(said | {"to": number})
            for _ in range(self.rng.choice([1, 1, 2])):
                self.world.publish_at(at, t.SEND_REQUESTS, request)
            if self.rng.random() < 0.2:
                cancel = CancelRequest(
                    tenant=tenant, number=number, message_id=f"t{n}", by="dana", at=at
                )
                late = timedelta(seconds=self.rng.uniform(-5, 20))
                self.world.publish_at(at + late, t.REQUEST_CANCELS, cancel)


@pytest.fixture(params=[*CALM, *STORMY], scope="module")
def played(request: pytest.FixtureRequest) -> TestModeScenario:
    seed, crash = request.param
    scenario = TestModeScenario(seed, crash)
    scenario.play()
    return scenario


def test_nothing_in_test_mode_is_ordered_or_reaches_the_provider(played: TestModeScenario) -> None:
    ordered = {(one.tenant, one.message_id) for one in played.world.log.all(t.DISPATCH_ORDERS)}
    called = {(post.tenant, post.message_id) for post, _ in played.world.posts}
    assert played.tests & (ordered | called) == set()
    assert len(called) > 10, "or this proves nothing"


def test_it_asks_nobody_for_consent(played: TestModeScenario) -> None:
    """Only where somebody's real text waited."""
    live = {(one.tenant, one.to) for one in played.asked.values()}
    asked = {
        (one.tenant, one.to)
        for one in played.world.log.all(t.DISPATCH_ORDERS)
        if one.kind == "consent_ask"
    }
    assert asked <= live


def test_each_has_ended_in_test_mode(played: TestModeScenario) -> None:
    last = {key: one for key, one in last_outcomes(played).items() if key in played.tests}
    assert set(last) == played.tests
    assert {(one.state, one.test_mode) for one in last.values()} == {("canceled", True)}


def test_usage_has_the_others_only(played: TestModeScenario) -> None:
    usage = {row.identity: row for row in played.world.log.all(t.USAGE_REPORT)}
    by_state = Counter[str]()
    for row in usage.values():
        by_state[row.state] += row.messages
    live = len(played.asked) + len(played.started())
    assert reconcile_states(live, by_state).unaccounted == 0
    assert sum(by_state.values()) == live
