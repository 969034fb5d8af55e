"""Clients who write at any moment, staff who answer in several ways, and two senders that nobody
reads, by one seed.

Nothing here shares judgement with the product: what each text is, its writer says."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any, NamedTuple

from schemas import topics as t
from schemas.case import CaseNumber
from schemas.consent import ConsentEvent
from schemas.inbound import InboundMessage
from schemas.outcome import Outcome
from schemas.send_request import SendRequest
from schemas.sender import Sender, SenderKind
from schemas.tenant_settings import TenantSettings
from schemas.thread import Answered, MailRequest, MovedToCase, NoAnswerNeeded, NoteAdded, Thread
from streams.processing import build_settings
from streams.topology import PROCESSORS
from tests.simulation.scenario import ANY_TIME, OWN, SHARED, Scenario
from tests.simulation.world import World

SENDERS = {
    OWN: Sender(sender=OWN, kind=SenderKind.SHORT_CODE, owner="acme"),
    SHARED: Sender(sender=SHARED, kind=SenderKind.SHORT_CODE, shared_by=("bolt", "cove")),
}
OFFICE = "office@acme.example"
TENANTS = {
    "acme": TenantSettings.model_validate(
        {
            "tenant": "acme",
            "name": "Acme Law",
            "sender": OWN,
            "when": ANY_TIME,
            "mail": {"to": OFFICE},
        }
    ),
    **{
        name: TenantSettings.model_validate(
            {
                "tenant": name,
                "name": name.title(),
                "sender": SHARED,
                "when": ANY_TIME,
                "unmonitored": True,
                "contact": "555-0100",
            }
        )
        for name in ("bolt", "cove")
    },
}
NUMBERS = [f"+1415555{n:04d}" for n in range(200, 205)]
TEXTS = {
    "What time is it?": "waits",
    "Can we meet at 5?": "waits",
    "Liked “Court is on Tuesday at 9”": "reaction",
    "HELP": "keyword",
}
STANDING = {
    "queued",
    "sending",
    "in_doubt",
    "deferred",
    "accepted",
    "sent",
    "unknown",
    "delivered",
    "read",
}
"""States of an answer that may have reached them."""
HOURS = 30
DAY = timedelta(hours=24)


class Written(NamedTuple):
    """What a client wrote."""

    provider_id: str
    at: datetime
    use: str


@dataclass
class ThreadScenario(Scenario):
    def __post_init__(self) -> None:
        self.rng = random.Random(f"threads {self.seed}")
        self.world = World(
            self.seed,
            list(PROCESSORS.values()),
            build_settings(TENANTS, SENDERS),
            self.call,
            crash=self.crash,
        )
        self.begin = self.world.now
        self.written: defaultdict[str, list[Written]] = defaultdict(list)
        """To acme, by number."""
        self.read: defaultdict[str, list[datetime]] = defaultdict(list)
        """Up to when staff said that they had dealt with what came."""
        self.ids = count()

    # --- the outside

    def all_opt_in(self) -> None:
        for tenant in TENANTS:
            for number in NUMBERS:
                event = ConsentEvent(
                    event_id=f"form-{tenant}-{number[1:]}",
                    tenant=tenant,
                    number=number,
                    action="opt_in",
                    source="import",
                    evidence={"document": "form"},
                    at=self.begin,
                )
                self.world.publish(t.CONSENT_EVENTS, event)

    def cases_name_numbers(self) -> None:
        for n, number in enumerate(NUMBERS):
            for case in (f"a{n}", f"b{n}"):
                fact = CaseNumber(
                    tenant="acme",
                    number=number,
                    case_id=case,
                    person_id=f"p{n}",
                    title=case,
                    name=f"Person {n}",
                    at=self.begin,
                )
                self.world.publish(t.CASE_NUMBERS, fact)

    def clients_write(self, sender: str, texts: int) -> None:
        """At times the provider calls the webhook twice."""
        for number in NUMBERS:
            for _ in range(texts):
                at, body = self.some_time(), self.rng.choice(list(TEXTS))
                inbound = InboundMessage(
                    provider_id=f"SM-in-{next(self.ids)}",
                    sender=sender,
                    to_address=sender,
                    number=number,
                    body=body,
                    received_at=at,
                )
                if sender == OWN:
                    use = TEXTS[body]
                    self.written[number].append(Written(inbound.provider_id, at, use))
                for _ in range(self.rng.choice([1, 1, 2])):
                    self.world.publish_at(at, t.INBOUND, inbound)

    def tenants_text(self, texts: int) -> None:
        """Staff by hand, and cases by themselves."""
        for number in NUMBERS:
            for _ in range(texts):
                tenant = self.rng.choice(["acme", "acme", "bolt", "cove"])
                at = self.some_time()
                by_hand = self.rng.random() < 0.5
                request = SendRequest(
                    message_id=f"m{next(self.ids)}",
                    tenant=tenant,
                    to=number,
                    body="We will call you.",
                    kind="direct" if by_hand else "reminder",
                    written_by="dana" if by_hand else None,
                    case_id=f"{self.rng.choice('ab')}{NUMBERS.index(number)}",
                    requested_at=at,
                )
                self.world.publish_at(at, t.SEND_REQUESTS, request)

    def staff_work(self, times: int) -> None:
        for number in NUMBERS:
            for _ in range(times):
                self.staff_do(number, self.some_time())

    def staff_do(self, number: str, at: datetime) -> None:
        said: dict[str, Any] = {
            "tenant": "acme",
            "number": number,
            "change_id": f"c{next(self.ids)}",
            "by": "dana",
            "at": at,
        }
        seen = [one for one in self.written[number] if one.at < at]
        event: Any = NoteAdded(text="Called.", **said)
        match self.rng.choice(["note", "all", "one", "move"]):
            case "all":
                event = Answered(**said)
                self.read[number].append(at)
            case "one" if seen:
                last = self.rng.choice(seen)
                event = NoAnswerNeeded(inbound_id=last.provider_id, **said)
                self.read[number].append(last.at)
            case "move" if seen:
                case = f"b{NUMBERS.index(number)}"
                event = MovedToCase(inbound_id=seen[-1].provider_id, case_id=case, **said)
        for _ in range(self.rng.choice([1, 1, 2])):
            self.world.publish_at(at, t.THREAD_EVENTS, event)

    def some_time(self) -> datetime:
        return self.begin + timedelta(seconds=self.rng.randrange(60, HOURS * 3600))

    def play(self, texts: int = 4) -> None:
        self.all_opt_in()
        self.cases_name_numbers()
        self.world.settle(until=timedelta(seconds=30))
        self.clients_write(OWN, texts)
        self.clients_write(SHARED, texts)
        self.tenants_text(texts)
        self.staff_work(2)
        self.world.settle(turns=60_000)

    # --- what an onlooker sees

    @property
    def threads(self) -> dict[str, Thread]:
        """Acme's, as they stand at the end."""
        return {one.number: one for one in self.world.log.all(t.THREADS) if one.tenant == "acme"}

    @property
    def mails(self) -> list[MailRequest]:
        return [one for one in self.world.log.all(t.MAIL_REQUESTS) if one.tenant == "acme"]

    def answers(self, number: str) -> list[datetime]:
        """When each text by hand that may have reached them was written."""
        last: dict[str, Outcome] = {}
        for one in self.world.log.all(t.OUTCOMES):
            if one.tenant == "acme" and one.to == number:
                last[one.message_id] = one
        return [
            one.requested_at
            for one in last.values()
            if one.kind == "direct" and one.state in STANDING
        ]

    def waiting(self, number: str) -> list[Written]:
        done = max([*self.read[number], *self.answers(number)], default=self.begin)
        waits = [one for one in self.written[number] if one.use == "waits" and one.at > done]
        return sorted(waits, key=lambda one: one.at)

    def told_unmonitored(self) -> dict[str, list[datetime]]:
        """When each number was told that nobody reads the shared sender."""
        found: defaultdict[str, list[datetime]] = defaultdict(list)
        for order in self.world.log.all(t.DISPATCH_ORDERS):
            if order.kind == "unmonitored_answer":
                assert order.sender == SHARED
                found[order.to].append(order.issued_at)
        return dict(found)
