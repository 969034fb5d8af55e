"""One producer's unreadable requests hold up no STOP and no other partition, whatever crashes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from schemas import topics as t
from schemas.consent import ConsentEvent
from schemas.inbound import InboundMessage
from schemas.send_request import SendRequest
from streams.dispatch.provider_calls import Result, SendCall, SendResult
from streams.partition.decoding import partition_of
from streams.partition.dlq_limit import MIN_DEAD_LETTERS
from streams.processing import build_settings
from streams.topology import PROCESSORS
from tests.simulation.scenario import OWN, PEOPLE, SENDERS, TENANTS
from tests.simulation.world import World

BAD = 170
PARTITIONS = 2


def partition(number: str) -> int:
    return partition_of(f"acme/{number}".encode(), PARTITIONS)


STUCK = partition(PEOPLE[0])
HERE = [number for number in PEOPLE if partition(number) == STUCK]
THERE = [number for number in PEOPLE if partition(number) != STUCK]


@dataclass
class Poisoned:
    seed: int
    crash: float = 0.0
    called: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world = World(
            self.seed,
            list(PROCESSORS.values()),
            build_settings(TENANTS, SENDERS),
            self.call,
            crash=self.crash,
        )
        for number in PEOPLE:
            self.world.publish(
                t.CONSENT_EVENTS,
                ConsentEvent(
                    event_id=f"form-{number[1:]}",
                    tenant="acme",
                    number=number,
                    action="opt_in",
                    source="form",
                    at=self.world.now,
                ),
            )
        self.world.settle(until=timedelta(minutes=1))
        for _ in range(BAD):
            self.world.log.append(
                t.SEND_REQUESTS.name, STUCK, self.world.ms, b"acme/x", b'{"message_id": 1'
            )

    def call(self, post: SendCall, now: datetime) -> SendResult:
        self.called.append(post.message_id)
        return SendResult.of(post, Result.ACCEPTED, provider_id=f"SM-{post.message_id}")

    def ask(self, number: str) -> None:
        self.world.publish(
            t.SEND_REQUESTS,
            SendRequest(
                message_id=f"to-{number[1:]}",
                tenant="acme",
                to=number,
                body="Tomorrow at 9",
                kind="reminder",
                requested_at=self.world.now,
            ),
        )

    def stop(self, number: str) -> None:
        self.world.publish(
            t.INBOUND,
            InboundMessage(
                provider_id=f"SM-stop-{number[1:]}",
                sender=OWN,
                to_address=OWN,
                number=number,
                body="STOP",
                received_at=self.world.now,
            ),
        )


@pytest.mark.parametrize(
    ("seed", "crash"), [(n, 0.0) for n in range(4)] + [(n, 0.01) for n in range(16)]
)
def test_stops_and_other_partitions_go_on(seed: int, crash: float) -> None:
    poisoned = Poisoned(seed, crash)
    for number in PEOPLE:
        poisoned.ask(number)
    for number in HERE:
        poisoned.stop(number)
    poisoned.world.settle(until=timedelta(hours=1))
    decisions = poisoned.world.log.all(t.DECISIONS)
    sent = {one.to for one in decisions if one.kind == "reminder" and one.verdict == "send"}
    assert sent >= set(THERE)
    outs = {
        one.number
        for one in poisoned.world.log.all(t.CONSENT_LOG)
        if one.action == "opt_out" and one.applied
    }
    assert outs == set(HERE), "each STOP has taken effect"
    if crash:
        return  # each new owner counts anew, so it may never have come to a standstill
    assert len(sent) == len(THERE), "nothing behind the bad ones"
    letters = [
        one for one in poisoned.world.log.all(t.DEAD_LETTERS) if one.topic == t.SEND_REQUESTS.name
    ]
    standing = [one for one in letters if one.cause == "stands_still"]
    (last,) = standing
    assert (last.partition, last.offset) == (STUCK, len(letters) - 1)
    assert MIN_DEAD_LETTERS <= len(letters) - 1 <= BAD
    assert f"the first at {letters[0].offset} ({letters[0].reason}" in last.reason
