"""People, producers, carriers and a provider, all by one seed; and what must hold of the counts
at the end.

Nothing here shares judgement with the product: fates, counts and checks are its own."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from schemas import topics as t
from schemas.attempt import DeliveryReceipt
from schemas.consent import ConsentEvent
from schemas.inbound import InboundMessage
from schemas.send_request import SendRequest
from schemas.sender import Sender, SenderKind
from schemas.tenant_settings import TenantSettings
from streams.dispatch.provider_calls import Result, SendCall, SendResult
from streams.partition.decoding import partition_of
from streams.processing import build_settings
from streams.topology import PROCESSORS
from tests.simulation.world import World

OWN, SHARED = "55501", "55502"
SENDERS = {
    OWN: Sender(sender=OWN, kind=SenderKind.SHORT_CODE, owner="acme"),
    SHARED: Sender(sender=SHARED, kind=SenderKind.SHORT_CODE, shared_by=("acme", "bolt")),
}
ANY_TIME = {"quiet_hours": "none", "marketing": "as_others"}
TENANTS = {
    "acme": TenantSettings(tenant="acme", name="Acme Law", sender=OWN, when=ANY_TIME),
    "bolt": TenantSettings(tenant="bolt", name="Bolt Homes", sender=SHARED, when=ANY_TIME),
}
PEOPLE = [f"+1415555{n:04d}" for n in range(100, 116)]


NEED_NO_YES = {
    "consent_ask",
    "stop_confirmation",
    "start_confirmation",
    "help_answer",
    "opt_in_hint",
}
"""The kinds of texts that may go to somebody who has not opted in; Sayso starts them."""


RESULTS = {
    "take": Result.ACCEPTED,
    "refuse": Result.REFUSED,
    "limit": Result.LIMITED,
    "unsent": Result.UNSENT,
    "doubt-taken": Result.IN_DOUBT,
    "doubt-lost": Result.IN_DOUBT,
}
"""What dispatch hears, by what becomes of a call."""


def build_receipt(post: SendCall, sid: str, status: str, now: datetime) -> DeliveryReceipt:
    return DeliveryReceipt(
        message_id=post.message_id,
        tenant=post.tenant,
        attempt=post.attempt,
        provider_id=sid,
        status=status,
        error_code="30005" if status in ("undelivered", "failed") else None,
        received_at=now,
    )


@dataclass
class Scenario:
    """`taken`: what the provider accepted, by (tenant, message id); the provider's own truth."""

    seed: int
    crash: float = 0.0
    unanswered: float = 0.0
    """As the World's."""
    taken: Counter[tuple[str, str]] = field(default_factory=Counter)
    asked: dict[tuple[str, str], SendRequest] = field(default_factory=dict)
    stopped: dict[str, datetime] = field(default_factory=dict)
    overtaken: list[SendCall] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(f"scenario {self.seed}")
        processors = list(PROCESSORS.values())
        self.world = World(
            self.seed,
            processors,
            build_settings(TENANTS, SENDERS),
            self.call,
            crash=self.crash,
            lost=self.unanswered,
        )

    # --- the outside

    def people_opt_in(self) -> None:
        for n, number in enumerate(PEOPLE):
            for tenant in TENANTS:
                if self.rng.random() < 0.8:
                    event = ConsentEvent(
                        event_id=f"form-{tenant}-{n}",
                        tenant=tenant,
                        number=number,
                        action="opt_in",
                        source="form",
                        at=self.world.now,
                    )
                    for _ in range(self.rng.choice([1, 1, 2])):
                        self.world.publish(t.CONSENT_EVENTS, event)

    def producers_ask(self, texts: int) -> None:
        """Over two minutes; one in five is published twice."""
        for n in range(texts):
            tenant, number = self.rng.choice(list(TENANTS)), self.rng.choice(PEOPLE)
            request = SendRequest(
                message_id=f"m{n}",
                tenant=tenant,
                to=number,
                body=f"text {n}",
                sender=self.rng.choice([None, SHARED]),
                kind=self.rng.choice(["transactional", "reminder", "marketing"]),
                requested_at=self.world.now,
            )
            self.asked[tenant, request.message_id] = request
            for _ in range(self.rng.choice([1, 1, 1, 1, 2])):
                at = self.world.now + timedelta(seconds=self.rng.uniform(0, 120))
                self.world.publish_at(at, t.SEND_REQUESTS, request)

    def people_say_stop(self) -> None:
        for n, number in enumerate(self.rng.sample(PEOPLE, 4)):
            at = self.world.now + timedelta(seconds=self.rng.uniform(10, 100))
            self.stopped[number] = at
            inbound = InboundMessage(
                provider_id=f"SM-stop-{n}",
                sender=SHARED,
                to_address=SHARED,
                number=number,
                body="Stop",
                received_at=at,
            )
            for _ in range(self.rng.choice([1, 2])):
                self.world.publish_at(at, t.INBOUND, inbound)

    # --- the provider

    def epoch_obeyed(self, post: SendCall) -> int:
        """The highest epoch of a Stop or Recall for this number that this sender's task had taken when the
        call began."""
        partition = partition_of(post.sender.encode(), self.world.partitions)
        read = self.world.tasks["dispatch", partition].positions.get(t.DISPATCH_CONTROLS.name, 0)
        taken = self.world.log.entries[t.DISPATCH_CONTROLS.name, partition][:read]
        controls = [t.DISPATCH_CONTROLS.decode(entry.value or b"") for entry in taken]
        mine = (post.sender, post.tenant, post.to)
        return max(
            (
                c.consent_epoch
                for c in controls
                if c.type in ("stop", "recall") and (c.sender, c.tenant, c.number) == mine
            ),
            default=0,
        )

    def epoch_judged(self, post: SendCall) -> int:
        orders = self.world.log.all(t.DISPATCH_ORDERS)
        return max(
            o.consent_epoch
            for o in orders
            if (o.tenant, o.message_id) == (post.tenant, post.message_id)
        )

    def call(self, post: SendCall, now: datetime) -> SendResult:
        if self.epoch_judged(post) < self.epoch_obeyed(post):
            self.overtaken.append(post)
        fate = self.rng.choices(
            ["take", "refuse", "limit", "unsent", "doubt-taken", "doubt-lost"], [80, 5, 5, 5, 3, 2]
        )[0]
        result = RESULTS[fate]
        sid = f"SM{post.tenant}{post.message_id}{post.attempt}"
        if fate in ("take", "doubt-taken"):
            self.taken[post.tenant, post.message_id] += 1
            self.carriers_report(post, sid, now)
        return SendResult(
            tenant=post.tenant,
            message_id=post.message_id,
            attempt=post.attempt,
            sender=post.sender,
            result=result,
            provider_id=sid if result is Result.ACCEPTED else None,
            code="21614" if fate == "refuse" else None,
        )

    def carriers_report(self, post: SendCall, sid: str, now: datetime) -> None:
        """Repeated, late and out of order; at times before the call's own answer is written; one
        in ten is lost."""
        end = self.rng.choice(["delivered", "delivered", "delivered", "undelivered", "failed"])
        for status in ("queued", "sent", end):
            for _ in range(self.rng.choice([0, 1, 1, 1, 1, 1, 1, 1, 1, 2])):
                receipt = build_receipt(post, sid, status, now)
                late = self.rng.choice([0, 0.5, 5, 300, 80_000])
                self.world.publish_at(now + timedelta(seconds=late), t.DELIVERY_RECEIPTS, receipt)

    # --- what the counts must hold

    def kinds(self) -> dict[tuple[str, str], str]:
        return {(d.tenant, d.message_id): d.kind for d in self.world.log.all(t.DECISIONS)}

    def started(self) -> set[tuple[str, str]]:
        """Texts that nobody asked for: Sayso's own."""
        return {key for key, kind in self.kinds().items() if kind in NEED_NO_YES}

    def play(self, texts: int = 60) -> None:
        self.people_opt_in()
        self.world.settle(until=timedelta(seconds=1))
        self.producers_ask(texts)
        self.people_say_stop()
        self.world.settle()
