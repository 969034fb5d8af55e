"""Staff send texts by hand and withdraw some within ten seconds, while people's numbers change,
people say STOP, topics interleave at random and workers crash."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from schemas import topics as t
from schemas.decision import Decision, Verdict
from schemas.inbound import InboundMessage
from schemas.person import PersonCancel, PersonRequest
from schemas.send_request import CancelRequest, SendRequest
from streams.dispatch.provider_calls import SendCall, SendResult
from tests.simulation.people_scenario import SLOW, PeopleScenario, original

UNDO = timedelta(seconds=10)
READ = timedelta(seconds=5)
"""By then a cancel has been read, when nobody crashes."""


@dataclass
class UndoScenario(PeopleScenario):
    def __post_init__(self) -> None:
        super().__post_init__()
        self.sent: dict[str, datetime] = {}
        """When each text was sent by its writer."""
        self.withdrawn: dict[str, datetime] = {}
        self.called: dict[str, datetime] = {}
        """When the provider was first called for it."""

    def staff_send(self, texts: int) -> None:
        """To a number, or to a person whose number people has to find."""
        for n in range(texts):
            at = self.world.now + timedelta(seconds=self.rng.uniform(0, 60))
            person = self.rng.randrange(self.people)
            said = {
                "message_id": f"m{n}",
                "tenant": "acme",
                "body": f"text {n}",
                "kind": "direct",
                "requested_at": at,
                "requested_by": "dana",
                "written_by": "dana",
                "undo_seconds": 10,
            }
            self.sent[f"m{n}"] = at
            by_person = self.rng.random() < 0.6
            request: SendRequest | PersonRequest
            if by_person:
                request = PersonRequest.model_validate(said | {"person_id": f"p{person}"})
                self.wanted[f"m{n}"] = request
            else:
                number = self.rng.choice(self.numbers_of(person))
                request = SendRequest.model_validate(said | {"to": number})
            topic = t.PERSON_REQUESTS if by_person else t.SEND_REQUESTS
            for _ in range(self.rng.choice([1, 1, 1, 2])):
                self.world.publish_at(at, topic, request)
            if self.rng.random() < 0.5:
                self.withdraws(request, at + timedelta(seconds=self.rng.uniform(0, 20)))

    def withdraws(self, request: SendRequest | PersonRequest, at: datetime) -> None:
        """At times a little too late."""
        self.withdrawn[request.message_id] = at
        if isinstance(request, PersonRequest):
            cancel = PersonCancel(
                tenant="acme",
                person_id=request.person_id,
                request_id=request.message_id,
                by="dana",
                at=at,
            )
            self.world.publish_at(at, t.PERSON_CANCELS, cancel)
        else:
            taken_back = CancelRequest(
                tenant="acme",
                number=request.to,
                message_id=request.message_id,
                by="dana",
                at=at,
            )
            self.world.publish_at(at, t.REQUEST_CANCELS, taken_back)

    def some_say_stop(self) -> None:
        for n in range(3):
            at = self.world.now + timedelta(seconds=self.rng.uniform(5, 60))
            inbound = InboundMessage(
                provider_id=f"SM-stop-{n}",
                sender=SLOW,
                to_address=SLOW,
                number=self.numbers_of(n)[0],
                body="STOP",
                received_at=at,
            )
            self.world.publish_at(at, t.INBOUND, inbound)

    def call(self, post: SendCall, now: datetime) -> SendResult | None:
        self.called.setdefault(original(post.message_id), now)
        return super().call(post, now)

    def play(self, texts: int = 30, taken_back: float = 0.0) -> None:
        self.some_agree()
        self.they_move()
        self.staff_send(texts)
        self.some_say_stop()
        self.world.settle(turns=60_000)

    def ended_by_withdrawal(self) -> set[str]:
        return {
            original(one.message_id)
            for one in self.world.log.all(t.DECISIONS)
            if any(found.rule == "withdrawn" for found in one.findings)
        }


CALM = [pytest.param((seed, 0.0), id=f"calm {seed}") for seed in range(400, 403)]
STORMY = [pytest.param((seed, 0.02), id=f"crashing {seed}") for seed in range(410, 416)]


@pytest.fixture(params=[*CALM, *STORMY], scope="module")
def played(request: pytest.FixtureRequest) -> UndoScenario:
    seed, crash = request.param
    scenario = UndoScenario(seed, crash)
    scenario.play()
    return scenario


def test_no_text_leaves_before_its_time_is_over(played: UndoScenario) -> None:
    assert {one for one in played.sent if one in played.called}, "or this proves nothing"
    early = {
        one: at
        for one, at in played.called.items()
        if one in played.sent and at < played.sent[one] + UNDO
    }
    assert early == {}


def test_what_was_withdrawn_never_leaves(played: UndoScenario) -> None:
    assert played.ended_by_withdrawal() & set(played.called) == set()
    if played.crash == 0.0:
        in_time = {
            one for one, at in played.withdrawn.items() if at + READ < played.sent[one] + UNDO
        }
        assert in_time & set(played.called) == set()


def test_each_goes_once_and_all_are_accounted_for(played: UndoScenario) -> None:
    counted = Counter[str]()
    for (_, message_id), times in played.taken.items():
        if original(message_id) in played.sent:
            counted[original(message_id)] += times
    assert {one: times for one, times in counted.items() if times > 1} == {}
    ended = {original(one) for one in played.outcomes}
    assert set(played.sent) <= ended
    assert played.world.log.all(t.DEAD_LETTERS) == []


def test_nothing_waits_for_an_undo_in_the_end(played: UndoScenario) -> None:
    last: dict[str, Decision] = {}
    for one in played.world.log.all(t.DECISIONS):
        if one.message_id not in last or one.seq >= last[one.message_id].seq:
            last[one.message_id] = one
    waiting = [one for one in last.values() if one.verdict is Verdict.HOLD]
    assert not any(found.rule == "undo" for one in waiting for found in one.findings)


def test_every_way_was_gone() -> None:
    """Or the tests above prove nothing."""
    seen = Counter[str]()
    for seed in range(400, 403):
        scenario = UndoScenario(seed)
        scenario.play()
        withdrawn = scenario.ended_by_withdrawal()
        seen["withdrawn at the gate"] += len(withdrawn - set(scenario.wanted))
        seen["withdrawn from a person"] += len(withdrawn & set(scenario.wanted))
        seen["too late"] += len(set(scenario.withdrawn) & set(scenario.called))
        seen["went by itself"] += len(set(scenario.called) - set(scenario.withdrawn))
        seen["moved"] += sum(":moved-" in one for one in scenario.outcomes)
    assert len(seen) == 5
    assert min(seen.values()) > 0, seen
