"""A text that was called from one sender, came back, and goes from another: its calls are told
apart."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from schemas import topics as t
from schemas.attempt import DeliveryReceipt
from schemas.consent import ConsentEvent
from schemas.controls import Pause, Resume
from schemas.send_request import SendRequest
from schemas.when import When
from streams.dispatch.provider_calls import Lookup, LookupResult, Result, SendCall, SendResult
from streams.processing import build_settings
from streams.topology import PROCESSORS
from tests.simulation.scenario import OWN, PEOPLE, SENDERS, SHARED, TENANTS
from tests.simulation.world import World

PHONE = PEOPLE[0]
MOVED = build_settings(
    TENANTS | {"acme": TENANTS["acme"].model_copy(update={"sender": SHARED})},
    SENDERS | {OWN: SENDERS[OWN].model_copy(update={"owner": "bolt"})},
)
MOVED_AND_QUIET = MOVED._replace(
    tenants=dict(MOVED.tenants)
    | {
        "acme": MOVED.tenants["acme"].model_copy(
            update={"when": When(quiet_hours={"before": "12:00", "after": "21:00"})}
        )
    }
)
"""It is early in the morning where the recipient is: the gate holds the text for five hours."""


@dataclass
class Moving:
    """The first sender's call is cut off, and the provider's list does not show it; that sender
    is another tenant's by the time the text comes back."""

    seed: int
    crash: float = 0.0
    paused: bool = False
    quiet: bool = False
    kind: str = "reminder"
    numbers: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world = World(
            self.seed,
            list(PROCESSORS.values()),
            build_settings(TENANTS, SENDERS),
            self.call,
            self.look,
            crash=self.crash,
        )
        event = ConsentEvent(
            event_id="form-1",
            tenant="acme",
            number=PHONE,
            action="opt_in",
            source="form",
            at=self.world.now,
        )
        self.world.publish(t.CONSENT_EVENTS, event)
        if self.paused:
            self.world.publish(
                t.DISPATCH_CONTROLS, Pause(sender=SHARED, by="dana", at=self.world.now)
            )
        self.world.settle(until=timedelta(seconds=1))
        self.world.publish(
            t.SEND_REQUESTS,
            SendRequest(
                message_id="m1",
                tenant="acme",
                to=PHONE,
                body="Tomorrow at 9",
                kind=self.kind,
                requested_at=self.world.now,
            ),
        )
        self.world.settle(until=timedelta(seconds=10))
        self.world.settings = MOVED_AND_QUIET if self.quiet else MOVED
        self.world.settle(until=timedelta(hours=4))

    def call(self, post: SendCall, now: datetime) -> SendResult:
        self.numbers.append((post.sender, post.attempt))
        taken = post.sender == SHARED
        return SendResult(
            tenant=post.tenant,
            message_id=post.message_id,
            attempt=post.attempt,
            sender=post.sender,
            result=Result.ACCEPTED if taken else Result.IN_DOUBT,
            provider_id=f"SM-{post.attempt}" if taken else None,
        )

    def look(self, look: Lookup, now: datetime) -> LookupResult:
        return LookupResult(
            tenant=look.tenant,
            message_id=look.message_id,
            attempt=look.attempt,
            sender=look.sender,
            round=look.round,
            entries=(),
        )

    def carrier_reports(self, attempt: int, status: str) -> None:
        self.world.publish(
            t.DELIVERY_RECEIPTS,
            DeliveryReceipt(
                message_id="m1",
                tenant="acme",
                attempt=attempt,
                provider_id=f"SM-late-{attempt}",
                status=status,
                error_code="30005",
                received_at=self.world.now,
            ),
        )
        self.world.settle(until=timedelta(minutes=1))


@pytest.mark.parametrize(
    ("seed", "crash"), [(n, 0.0) for n in range(4)] + [(n, 0.02) for n in range(8)]
)
def test_no_two_calls_for_a_text_have_one_number(seed: int, crash: float) -> None:
    numbers = Moving(seed, crash).numbers
    assert SHARED in {sender for sender, _ in numbers}
    assert [
        number for number, count in Counter(attempt for _, attempt in numbers).items() if count > 1
    ] == []


def test_a_late_report_of_the_first_call_does_not_end_the_second() -> None:
    moving = Moving(0)
    assert moving.numbers == [(OWN, 1), (SHARED, 2)]
    moving.carrier_reports(1, "undelivered")
    last = [one for one in moving.world.log.all(t.OUTCOMES) if one.message_id == "m1"][-1]
    assert (last.state, last.error_code) == ("accepted", None)


def test_a_receipt_for_the_first_call_cancels_the_second_order() -> None:
    """The list was wrong: it was taken.  It waits at the other sender by then."""
    moving = Moving(0, paused=True)
    assert [one.state for one in moving.world.log.all(t.ATTEMPTS) if one.sender == SHARED] == [
        "queued"
    ]
    moving.carrier_reports(1, "delivered")
    moving.world.publish(t.DISPATCH_CONTROLS, Resume(sender=SHARED, by="dana", at=moving.world.now))
    moving.world.settle(until=timedelta(hours=1))
    assert moving.numbers == [(OWN, 1)]
    last = [one for one in moving.world.log.all(t.OUTCOMES) if one.message_id == "m1"][-1]
    assert last.state == "delivered"


@pytest.mark.parametrize(
    ("seed", "crash"), [(n, 0.0) for n in range(4)] + [(n, 0.02) for n in range(8)]
)
def test_a_receipt_bars_the_text_at_every_sender_while_the_gate_holds_it(
    seed: int, crash: float
) -> None:
    """The second sender has never heard of the text, so only the gate can keep it from there."""
    moving = Moving(seed, crash, quiet=True)
    if not moving.numbers:
        return  # a crash came before the first call, and the hours before the next
    held = [one for one in moving.world.log.all(t.OUTCOMES) if one.message_id == "m1"][-1]
    assert held.state == "held"
    moving.carrier_reports(1, "delivered")
    moving.world.settle(until=timedelta(days=5))
    assert moving.numbers == [(OWN, 1)]
    last = [one for one in moving.world.log.all(t.OUTCOMES) if one.message_id == "m1"][-1]
    assert last.state == "delivered"
    decision = [one for one in moving.world.log.all(t.DECISIONS) if one.message_id == "m1"][-1]
    assert (decision.verdict, [one.rule for one in decision.findings]) == ("cancel", ["canceled"])
