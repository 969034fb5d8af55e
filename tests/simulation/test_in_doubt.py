"""In-doubt attempts under crashes at every step, 150 seeds. Results, callbacks and lists are lost
or late, lists lag, and people drop or resend what is in doubt.

The provider keeps its own record. No text is taken twice unless a person resent it, none is lost,
every in-doubt attempt is settled or left to a person, and no attempt is credited with another's
listed message."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Literal

import pytest

from schemas import topics as t
from schemas.attempt import Attempt, DeliveryReceipt
from schemas.controls import Resolve
from schemas.send import Priority, Returned, Send
from schemas.sender import Sender, SenderKind
from streams.dispatch.provider_calls import (
    ListedMessage,
    Lookup,
    LookupResult,
    Result,
    SendCall,
    SendResult,
)
from streams.processing import (
    NO_CHANGE,
    InputRecord,
    Publication,
    Settings,
    StateStore,
    StepResult,
    build_settings,
)
from streams.processor import Processor
from streams.topology import DISPATCH, OUTCOMES
from tests.simulation.world import START, World

CODE = "72975"
NUMBERS = [f"+1415555010{n}" for n in range(4)]
KINDS = [
    ("reminder", Priority.REMINDER),
    ("transactional", Priority.TRANSACTIONAL),
    ("marketing", Priority.MARKETING),
]
TEXTS = 10
LAG = timedelta(seconds=60)
"""At the latest, a list shows a message this long after it was made."""


def gate(state: StateStore, record: InputRecord, now: datetime, settings: Settings) -> StepResult:
    """Orders again what may still leave."""
    returned: Returned = record.value
    if returned.order.send_before <= now:
        return NO_CHANGE
    return StepResult(
        publish=(
            Publication(t.DISPATCH_ORDERS, returned.order.model_copy(update={"issued_at": now})),
        )
    )


def decide(action: Literal["drop", "resend"], number: int) -> Resolve:
    """A person's decision; it counts if the text is in doubt by then."""
    return Resolve(
        sender=CODE,
        tenant="acme",
        message_id=f"m{number}",
        attempt=1,
        action=action,
        by="m.ortiz",
        at=START,
    )


class Storm:
    """One seed's provider, carrier and crashes."""

    def __init__(self, seed: int, crash: float, lag: timedelta = LAG) -> None:
        self.lag = lag
        self.rng = random.Random(f"doubts {seed}")
        sender = Sender(sender=CODE, kind=SenderKind.SHORT_CODE, owner="acme")
        processors = [
            DISPATCH,
            OUTCOMES,
            Processor(
                "gate", process=gate, topics=(t.RETURNED,), published_topics=(t.DISPATCH_ORDERS,)
            ),
        ]
        self.world = World(
            seed, processors, build_settings({}, {CODE: sender}), self.call, self.look_up, 1, crash
        )
        self.listed: list[tuple[str, ListedMessage]] = []
        self.taken: Counter[str] = Counter()
        self.calls_taken: set[tuple[str, int]] = set()
        for number in range(TEXTS):
            order = self.order(number)
            at = START + timedelta(seconds=self.rng.uniform(0, 30))
            for _ in range(self.rng.choice([1, 1, 2])):
                self.world.publish_at(at, t.DISPATCH_ORDERS, order)
        for number in self.rng.sample(range(TEXTS), TEXTS // 3):
            at = START + timedelta(seconds=self.rng.uniform(10, 120))
            self.world.publish_at(
                at, t.DISPATCH_CONTROLS, decide(self.rng.choice(["drop", "resend"]), number)
            )
        self.world.settle(until=timedelta(days=4))

    def order(self, number: int) -> Send:
        kind, lane = self.rng.choice(KINDS)
        body = self.rng.choice(["same words", f"text {number} at https://example.com/{number}"])
        return Send(
            message_id=f"m{number}",
            tenant="acme",
            to=self.rng.choice(NUMBERS),
            sender=CODE,
            body=body,
            kind=kind,
            lane=lane,
            consent_epoch=1,
            issued_at=START,
            send_before=START + timedelta(hours=10),
        )

    def call(self, post: SendCall, now: datetime) -> SendResult:
        scenario = self.rng.choices(
            ["take", "refuse", "limit", "unsent", "cut off", "lost"], [50, 5, 5, 5, 20, 15]
        )[0]
        sid = f"SM-{post.message_id}-{post.attempt}"
        if scenario in ("take", "cut off"):
            self.taken[post.message_id] += 1
            self.calls_taken.add((post.message_id, post.attempt))
            body = (
                post.body.replace("https://example.com", "https://twil.io")
                if self.rng.random() < 0.3
                else post.body
            )
            self.listed.append(
                (
                    post.to,
                    ListedMessage(
                        provider_id=sid,
                        sender=post.sender,
                        body=body,
                        status="sent",
                        created_at=now,
                    ),
                )
            )
            if self.rng.random() < 0.5:
                receipt = DeliveryReceipt(
                    message_id=post.message_id,
                    tenant="acme",
                    attempt=post.attempt,
                    provider_id=sid,
                    status="sent",
                    received_at=now,
                )
                late = timedelta(seconds=self.rng.choice([0, 5, 50, 1000]))
                self.world.publish_at(now + late, t.DELIVERY_RECEIPTS, receipt)
        result = {
            "take": Result.ACCEPTED,
            "refuse": Result.REFUSED,
            "limit": Result.LIMITED,
            "unsent": Result.UNSENT,
        }.get(scenario, Result.IN_DOUBT)
        return SendResult.of(
            post,
            result,
            provider_id=sid if result is Result.ACCEPTED else None,
            code="21614" if scenario == "refuse" else None,
        )

    def look_up(self, lookup: Lookup, now: datetime) -> LookupResult:
        shown = now - self.rng.choice([timedelta(), self.lag / 2, self.lag])
        entries = tuple(
            entry
            for to, entry in self.listed
            if to == lookup.to
            and lookup.not_before <= entry.created_at <= min(lookup.not_after, shown)
        )
        return LookupResult.of(lookup, None if self.rng.random() < 0.2 else entries)

    def attempts(self) -> dict[str, list[Attempt]]:
        found = defaultdict[str, list[Attempt]](list)
        for attempt in self.world.log.all(t.ATTEMPTS):
            found[attempt.message_id].append(attempt)
        return found


def check(storm: Storm) -> Counter[str]:
    attempts_of = storm.attempts()
    resent = {
        name
        for name, attempts in attempts_of.items()
        if any(one.code == "resend" for one in attempts)
    }
    assert {
        name: count for name, count in storm.taken.items() if count > 1 and name not in resent
    } == {}, "sent twice"
    ends = Counter[str]()
    assert len(attempts_of) == TEXTS, "lost"
    for name, attempts in attempts_of.items():
        last = attempts[-1]
        ends[f"{last.state} {last.code or ''}".strip()] += 1
        if last.code == "dropped":
            assert last.state == "given_up" or storm.taken[name] == 0
        elif last.state == "given_up":
            codes = {attempt.code for attempt in attempts if attempt.state == "in_doubt"}
            assert codes & {"unclear", "absent"}, "neither settled nor left to a person"
        elif last.state == "accepted":
            assert (name, last.attempt) in storm.calls_taken, f"{name} is reported as accepted"
        else:
            assert last.state in ("refused", "canceled"), f"{name} was left as {last.state}"
            assert name in resent or storm.taken[name] == 0, (
                f"{name} went out, and is reported as {last.state}"
            )
            assert (name, last.attempt) not in storm.calls_taken, f"{name} went out in this attempt"
    return ends


@pytest.mark.parametrize("first", range(0, 150, 50))
def test_nothing_is_lost_or_sent_twice(first: int) -> None:
    ends, crashes = Counter[str](), Counter[str]()
    for seed in range(first, first + 50):
        storm = Storm(seed, crash=0.03 if seed % 2 else 0.005)
        ends += check(storm)
        crashes += storm.world.crashes
    assert set(ends) >= {
        "accepted",
        "refused 21614",
        "given_up too_long",
        "given_up dropped",
        "canceled absent",
    }, ends
    assert len([step for step in crashes if step.startswith("dispatch")]) >= 3, crashes


def test_the_provider_notices_a_second_text() -> None:
    """If lists lag by an hour, an unlisted text was not absent after all, and goes out twice."""
    storms = [Storm(seed, crash=0.005, lag=timedelta(hours=1)) for seed in range(20)]
    assert sum(count > 1 for storm in storms for count in storm.taken.values()) > 0
