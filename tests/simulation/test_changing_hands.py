"""One number, three tenants, and senders that are shared, change hands or disappear: whoever has
texted from a sender hears the STOP that is said to it, and nobody is given a yes that was said
to somebody else."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from schemas.inbound import Contact, InboundMessage, Reply
from schemas.send import Send
from schemas.sender import Sender, SenderKind
from schemas.tenant_settings import TenantSettings
from streams.gate import gate, gate_on_timer
from streams.inbox import inbox, inbox_on_timer
from streams.processing import Publication, Settings, build_settings
from tests.core.gate.cases import ANY_TIME, NOON, PHONE, opt_in, request
from tests.core.harness import ProcessorHarness
from tests.simulation.scenario import NEED_NO_YES

SENDERS, TENANTS = ("11111", "22222", "33333"), ("acme", "bolt", "cora")
LONG_AGO = NOON - timedelta(days=1)
NO, YES = ("STOP", "please stop texting me"), ("START", "YES")


@dataclass
class Shared:
    """`texted`: who has ordered a text from where; `queued`: what has not left; `left`: whose has.
    `yes`, `no`: when last somebody may have said it to a tenant.  `broken`: orders that should not
    be."""

    seed: int
    now: datetime = NOON
    texted: set[tuple[str, str]] = field(default_factory=set)
    queued: list[Send] = field(default_factory=list)
    left: set[tuple[str, str]] = field(default_factory=set)
    yes: dict[str, datetime] = field(default_factory=dict)
    no: dict[str, datetime] = field(default_factory=dict)
    broken: list[tuple[str, str]] = field(default_factory=list)
    texts: int = 0

    def __post_init__(self) -> None:
        self.rng = random.Random(f"hands {self.seed}")
        self.settings = self.any_settings()
        self.gates = {
            name: ProcessorHarness(gate, gate_on_timer, f"{name}/{PHONE}", self.settings, now=NOON)
            for name in TENANTS
        }
        self.boxes = {
            name: ProcessorHarness(
                inbox, inbox_on_timer, f"{name}/{PHONE}", self.settings, now=NOON
            )
            for name in SENDERS
        }

    def any_settings(self) -> Settings:
        tenants = {
            name: TenantSettings.model_validate(
                {"tenant": name, "name": name, "sender": self.rng.choice(SENDERS), "when": ANY_TIME}
            )
            for name in TENANTS
        }
        return build_settings(
            tenants, {name: self.any_sender(name) for name in SENDERS if self.rng.random() < 0.93}
        )

    def any_sender(self, name: str) -> Sender:
        users = tuple(self.rng.sample(TENANTS, self.rng.choice([1, 1, 2, 3])))
        if len(users) == 1:
            return Sender(sender=name, kind=SenderKind.SHORT_CODE, owner=users[0])
        return Sender(sender=name, kind=SenderKind.SHORT_CODE, shared_by=users)

    def route(self, published: list[Publication]) -> None:
        """To the other room, at once."""
        for _, value in published:
            match value:
                case Contact():
                    self.route(self.boxes[value.sender].publish_from(value, at=self.now))
                case Reply():
                    self.route(self.gates[value.tenant].publish_from(value, at=self.now))
                case Send():
                    self.ordered(value)

    def leave(self, order: Send) -> None:
        """As dispatch does it: what was stopped does not leave."""
        if self.no.get(order.tenant, LONG_AGO) > order.issued_at:
            return
        self.left.add((order.tenant, order.sender))
        if self.is_told(order):
            contact = Contact(
                sender=order.sender,
                number=order.to,
                tenant=order.tenant,
                asked=order.kind == "consent_ask",
                at=self.now,
            )
            self.boxes[order.sender].publish_from(contact, at=self.now)

    def is_told(self, order: Send) -> bool:
        """Any other text counts as one that left when it was ordered."""
        sender = self.settings.senders.get(order.sender)
        return order.kind == "consent_ask" or (sender is not None and bool(sender.shared_by))

    def what_is_queued_leaves(self, place: int) -> None:
        for order in self.queued:
            self.leave(order)
        self.queued.clear()

    def ordered(self, order: Send) -> None:
        self.texted.add((order.tenant, order.sender))
        if self.rng.random() < 0.6 or not self.is_told(order):
            self.leave(order)
        else:
            self.queued.append(order)
        if order.kind in NEED_NO_YES:
            return
        self.texts += 1
        if self.yes.get(order.tenant, LONG_AGO) <= self.no.get(order.tenant, LONG_AGO):
            self.broken.append((order.tenant, order.sender))

    def somebody_writes(self, place: int) -> None:
        sender, body = self.rng.choice(SENDERS), self.rng.choice([*NO, *YES, "ok"])
        users = {tenant for tenant, used in self.texted if used == sender}
        known = self.settings.senders.get(sender)
        self.no |= dict.fromkeys(users, self.now) if body in NO else {}
        reached = {tenant for tenant, used in self.left if used == sender}
        own = {known.owner} if known and known.owner else set()
        self.yes |= dict.fromkeys(reached | own, self.now) if body in YES else {}
        inbound = InboundMessage(
            provider_id=f"SM{place}",
            sender=sender,
            to_address=sender,
            number=PHONE,
            body=body,
            received_at=self.now,
        )
        self.route(self.boxes[sender].publish_from(inbound, at=self.now))

    def somebody_is_texted(self, place: int) -> None:
        tenant, sender = self.rng.choice(TENANTS), self.rng.choice([None, *SENDERS])
        wanted = request(
            tenant=tenant, requested_at=self.now, sender=sender, message_id=f"m{place}"
        )
        self.route(self.gates[tenant].publish_from(wanted, at=self.now))

    def a_form_comes(self, place: int) -> None:
        tenant = self.rng.choice(TENANTS)
        self.yes[tenant] = self.now
        self.route(self.gates[tenant].publish_from(opt_in(tenant=tenant, at=self.now), at=self.now))

    def the_settings_change(self, place: int) -> None:
        self.settings = self.any_settings()
        for processor in (*self.gates.values(), *self.boxes.values()):
            processor.settings = self.settings
        for processor in self.gates.values():
            processor.timers |= dict.fromkeys(processor.state.names("held/"), self.now)

    def play(self) -> None:
        what = [self.somebody_is_texted] * 10 + [self.somebody_writes] * 10
        what += [self.what_is_queued_leaves] * 4 + [self.a_form_comes]
        for place in range(40):
            self.now += timedelta(seconds=self.rng.choice([1, 60, 4000, 90_000]))
            for processor in (*self.gates.values(), *self.boxes.values()):
                self.route(processor.run_until(self.now))
            self.rng.choice([*what, self.the_settings_change, self.the_settings_change])(place)


@pytest.mark.parametrize("batch", range(5))
def test_a_stop_reaches_whoever_has_texted_and_a_yes_nobody_else(batch: int) -> None:
    texts = 0
    for seed in range(batch, 75, 5):
        played = Shared(seed)
        played.play()
        assert played.broken == [], f"seed {seed}"
        texts += played.texts
    assert texts > 30, "this showed nothing"
