"""People who were never asked: they are asked by text, and answer as they like, at any time, in
any order; carriers fail some asks and block some senders; forms, staff and late old facts claim
things in between.  All by one seed.

Nothing here shares judgement with the product: what somebody has agreed to is what they have
written last."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from schemas import topics as t
from schemas.attempt import DeliveryReceipt
from schemas.consent import ConsentEvent
from schemas.inbound import InboundMessage
from schemas.send import Send
from schemas.send_request import SendRequest
from schemas.tenant_settings import StopScope, TenantSettings
from streams.dispatch.provider_calls import Result, SendCall, SendResult
from streams.processing import build_settings
from streams.topology import PROCESSORS
from tests.simulation.scenario import ANY_TIME, PEOPLE, SENDERS, SHARED, TENANTS, Scenario
from tests.simulation.world import World

ANSWERS = [
    *("START", "Yes!", "STOP", "HELP", "who is this?", "", "", "start"),
    *("ok", "Yes please", "no", "fin"),
]
AT_NIGHT = {"quiet_hours": {"before": "10:00", "after": "17:30"}, "marketing": "as_others"}
"""It is seven in the morning where people are when it all begins."""


@dataclass
class OptInScenario(Scenario):
    """`said`: when each number wrote what to which sender; `failed`: asks that the provider or a
    carrier did not take or deliver, by (tenant, id), and when that was known; `calls`: each
    call's kind, number and time."""

    said: list[tuple[datetime, str, str, str]] = field(default_factory=list)
    failed: dict[tuple[str, str], datetime] = field(default_factory=dict)
    calls: list[tuple[datetime, Send]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(f"asking {self.seed}")
        when = self.rng.choice([AT_NIGHT, ANY_TIME, ANY_TIME])
        acme = TenantSettings.model_validate(TENANTS["acme"].model_dump() | {"when": when})
        bolt = TENANTS["bolt"].model_copy(update={"stop_scope": self.rng.choice(list(StopScope))})
        settings = build_settings({"acme": acme, "bolt": bolt}, SENDERS)
        processors = [processor for processor in PROCESSORS.values() if processor.name != "people"]
        self.world = World(
            self.seed,
            processors,
            settings,
            self.call,
            partitions=self.rng.choice([1, 1, 2]),
            crash=self.crash,
        )

    # --- the outside

    def claims(self) -> None:
        """By staff, by forms, by others: with proof and without, in time and late, and asks by
        hand."""
        for n in range(25):
            number, tenant = self.rng.choice(PEOPLE[:8]), self.rng.choice(list(TENANTS))
            action, source, evidence = self.rng.choice(
                [
                    ("opt_in", "form", {"wording": "Yes"}),
                    ("opt_in", "form", {}),
                    ("opt_in", "manual", {"actor": "ann"}),
                    ("opt_in", "manual", {"actor": "ann", "document": "d-1"}),
                    ("opt_in", "web_form", {"wording": "Yes"}),
                    ("opt_in", "inbound", {"text": "START"}),
                    ("opt_in", "import", {"document": "list.csv"}),
                    ("opt_out", "manual", {"actor": "ann"}),
                    ("ask", "manual", {"actor": "ann"}),
                    ("ask", "manual", {}),
                ]
            )
            at = self.world.now + timedelta(seconds=self.rng.choice([0, 30, 90, 3600, 90_000]))
            event = ConsentEvent(
                event_id=f"claim-{n}",
                tenant=tenant,
                number=number,
                action=action,
                source=source,
                evidence=evidence,
                at=at,
            )
            for _ in range(self.rng.choice([1, 1, 2])):
                self.world.publish_at(
                    at + timedelta(seconds=self.rng.choice([0, 0, 100])), t.CONSENT_EVENTS, event
                )

    def writes(self, number: str, sender: str, body: str, at: datetime) -> None:
        self.said.append((at, number, sender, body))
        inbound = InboundMessage(
            provider_id=f"SM-{len(self.said)}",
            sender=sender,
            to_address=sender,
            number=number,
            body=body,
            received_at=at,
        )
        for _ in range(self.rng.choice([1, 1, 1, 2])):
            self.world.publish_at(at, t.INBOUND, inbound)

    def producers_ask(self, texts: int) -> None:
        """At first many, later a few more; one in five is published twice."""
        for n in range(texts):
            tenant, number = self.rng.choice(list(TENANTS)), self.rng.choice(PEOPLE[:8])
            late = self.rng.choice(
                [self.rng.uniform(0, 120), self.rng.uniform(0, 120), 50_000, 200_000]
            )
            at = self.world.now + timedelta(seconds=late)
            request = SendRequest(
                message_id=f"m{n}",
                tenant=tenant,
                to=number,
                body=f"text {n}",
                sender=self.rng.choice([None, SHARED]),
                kind=self.rng.choice(["transactional", "reminder"]),
                requested_at=at,
                not_before=self.rng.choice([None, None, None, at + timedelta(hours=3)]),
                valid_until=self.rng.choice([None, None, at + timedelta(days=1)]),
            )
            self.asked[tenant, request.message_id] = request
            for _ in range(self.rng.choice([1, 1, 1, 1, 2])):
                self.world.publish_at(at, t.SEND_REQUESTS, request)

    # --- the provider and the people it reaches

    def order_of(self, post: SendCall) -> Send:
        orders = self.world.log.all(t.DISPATCH_ORDERS)
        return next(
            o
            for o in reversed(orders)
            if (o.tenant, o.message_id) == (post.tenant, post.message_id)
        )

    def call(self, post: SendCall, now: datetime) -> SendResult | None:
        order = self.order_of(post)
        self.calls.append((now, order))
        if order.kind == "consent_ask":
            return self.ask_is_called(post, now)
        if self.rng.random() < 0.08:
            return SendResult(**_about(post), result=Result.REFUSED, code="21610")
        answer = super().call(post, now)
        may_have_arrived = answer.result in (Result.ACCEPTED, Result.IN_DOUBT)
        if self.rng.random() < 0.1 and may_have_arrived:
            self.writes(
                post.to, post.sender, self.rng.choice(ANSWERS) or "ok", now + timedelta(seconds=5)
            )
        return answer

    def ask_is_called(self, post: SendCall, now: datetime) -> SendResult:
        """One in five is refused, one in five does not arrive; who gets it answers at once,
        tomorrow or never."""
        key, sid = (post.tenant, post.message_id), f"SM{post.tenant}{post.message_id}"
        common = _about(post)
        fate = self.rng.choice(["taken", "taken", "taken", "refused", "undelivered"])
        if fate == "refused":
            self.failed[key] = now
            return SendResult(**common, result=Result.REFUSED, code="21612")
        self.taken[key] += 1
        if fate == "undelivered":
            self.failed[key] = now
        receipt = DeliveryReceipt(
            message_id=post.message_id,
            tenant=post.tenant,
            attempt=post.attempt,
            provider_id=sid,
            received_at=now,
            status="delivered" if fate == "taken" else fate,
            error_code=None if fate == "taken" else "30003",
        )
        self.world.publish_at(
            now + timedelta(seconds=self.rng.choice([1, 60])), t.DELIVERY_RECEIPTS, receipt
        )
        if fate == "taken":
            body = self.rng.choice(ANSWERS)
            late = timedelta(seconds=self.rng.choice([1, 2, 40, 3600, 86_400]))
            for said in filter(None, [body, self.rng.choice(["", "", "STOP", "START"])]):
                self.writes(post.to, post.sender, said, now + late)
                late += timedelta(seconds=self.rng.choice([1, 600]))
        return SendResult(**common, result=Result.ACCEPTED, provider_id=sid)

    def play(self, texts: int = 40) -> None:
        self.claims()
        self.producers_ask(texts)
        self.people_say_stop()
        self.world.settle(until=timedelta(days=40), turns=60_000)

    def people_opt_in(self) -> None:
        raise NotImplementedError("nobody here has agreed before they are asked")


def _about(post: SendCall) -> dict[str, Any]:
    return {
        "tenant": post.tenant,
        "message_id": post.message_id,
        "attempt": post.attempt,
        "sender": post.sender,
    }
