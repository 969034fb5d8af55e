"""People whose numbers change while texts are on their way to them, by one seed.

Nothing here shares judgement with the product: what a person's number is, is what the last event
of theirs says."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from schemas import topics as t
from schemas.consent import ConsentEvent
from schemas.decision import Verdict
from schemas.outcome import Outcome
from schemas.person import (
    NumberChange,
    PersonAction,
    PersonCancel,
    PersonEvent,
    PersonRequest,
)
from schemas.sender import Sender, SenderKind
from schemas.tenant_settings import TenantSettings
from streams.dispatch.provider_calls import SendCall, SendResult
from streams.partition.decoding import partition_of
from streams.processing import build_settings
from streams.topology import PROCESSORS
from tests.simulation.scenario import ANY_TIME, Scenario
from tests.simulation.world import World

SLOW = "+12125550111"
SENDERS = {SLOW: Sender(sender=SLOW, kind=SenderKind.LONG_CODE, owner="acme", pace=0.25)}
"""One segment in four seconds: texts wait at dispatch as well."""
TENANTS = {"acme": TenantSettings(tenant="acme", name="Acme Law", sender=SLOW, when=ANY_TIME)}
MOVED = ":moved-"


@dataclass
class PeopleScenario(Scenario):
    """`texted`: the provider's own count of what it took, by the person-request's id."""

    people: int = 10

    def __post_init__(self) -> None:
        self.rng = random.Random(f"moving {self.seed}")
        self.world = World(
            self.seed,
            list(PROCESSORS.values()),
            build_settings(TENANTS, SENDERS),
            self.call,
            crash=self.crash,
        )
        self.wanted: dict[str, PersonRequest] = {}
        self.asked_at: dict[str, datetime] = {}
        self.unwanted: dict[str, datetime] = {}
        """When each request was taken back for good."""
        self.after_cancel: list[SendCall] = []
        self.versions = count()

    # --- the outside

    def numbers_of(self, person: int) -> list[str]:
        """Three each, nobody else's."""
        return [f"+1415555{100 + 3 * person + n:04d}" for n in range(3)]

    def some_agree(self) -> None:
        """Most at once, some while texts wait for them."""
        for number in [
            number for person in range(self.people) for number in self.numbers_of(person)
        ]:
            if self.rng.random() < 0.85:
                at = self.world.now + timedelta(
                    seconds=self.rng.choice([0, 0, self.rng.uniform(0, 200)])
                )
                event = ConsentEvent(
                    event_id=f"form-{number[1:]}",
                    tenant="acme",
                    number=number,
                    action="opt_in",
                    source="import",
                    evidence={"document": "form"},
                    at=at,
                )
                self.world.publish_at(at, t.CONSENT_EVENTS, event)

    def they_move(self) -> None:
        """Each begins somewhere and changes up to four times: another number, none, switched
        off, at times deleted."""
        for person in range(self.people):
            moments = sorted(
                self.rng.uniform(0, 150) for _ in range(self.rng.choice([0, 1, 2, 3, 4]))
            )
            for seconds in [0.0, *moments]:
                self.moves(person, self.world.now + timedelta(seconds=seconds))

    def moves(self, person: int, at: datetime) -> None:
        event = self._event(person, at)
        for _ in range(self.rng.choice([1, 1, 1, 2])):
            self.world.publish_at(at, t.PERSON_EVENTS, event)

    def _event(self, person: int, at: datetime) -> PersonEvent:
        what = self.rng.choices(["number", "none", "off", "deleted"], [80, 8, 8, 4])[0]
        number = NumberChange(
            number=self.rng.choice(self.numbers_of(person)), sms_enabled=what != "off"
        )
        return PersonEvent(
            event_id=f"v{next(self.versions)}",
            tenant="acme",
            person_id=f"p{person}",
            name=f"Person {person}",
            at=at,
            action=PersonAction.DELETE if what == "deleted" else PersonAction.UPSERT,
            numbers=(number,) if what in ("number", "off") else (),
        )

    def producers_ask_people(self, texts: int) -> None:
        """Over two minutes, some for later; one in five is published twice, and one in two meets
        a move at once."""
        for n in range(texts):
            at = self.world.now + timedelta(seconds=self.rng.uniform(0, 120))
            later = (
                at + timedelta(seconds=self.rng.uniform(5, 90)) if self.rng.random() < 0.5 else None
            )
            person = self.rng.randrange(self.people)
            request = PersonRequest(
                message_id=f"m{n}",
                tenant="acme",
                person_id=f"p{person}",
                body=f"text {n}",
                kind="reminder",
                not_before=later,
                requested_at=self.world.now,
            )
            self.wanted[request.message_id] = request
            self.asked_at[request.message_id] = at
            for _ in range(self.rng.choice([1, 1, 1, 1, 2])):
                self.world.publish_at(at, t.PERSON_REQUESTS, request)
            if self.rng.random() < 0.5:
                self.moves(person, at + timedelta(seconds=self.rng.uniform(0, 0.1)))

    def some_are_taken_back(self, share: float) -> None:
        """By the case or by staff, at any moment; some before they are asked for."""
        for request_id, request in self.wanted.items():
            if self.rng.random() >= share:
                continue
            by = self.rng.choice(["cases", "m.ortiz"])
            at = self.asked_at[request_id] + timedelta(seconds=self.rng.uniform(-30, 120))
            cancel = PersonCancel(
                tenant="acme",
                person_id=request.person_id,
                request_id=request_id,
                by=by,
                at=at,
            )
            self.unwanted[request_id] = at
            for _ in range(self.rng.choice([1, 1, 2])):
                self.world.publish_at(at, t.PERSON_CANCELS, cancel)

    def call(self, post: SendCall, now: datetime) -> SendResult | None:
        if self.taken_back_at_dispatch(post):
            self.after_cancel.append(post)
        return super().call(post, now)

    def taken_back_at_dispatch(self, post: SendCall) -> bool:
        """Whether this sender's task had taken a Cancel of it when the call began."""
        partition = partition_of(post.sender.encode(), self.world.partitions)
        read = self.world.tasks["dispatch", partition].positions.get(t.DISPATCH_CONTROLS.name, 0)
        taken = self.world.log.entries[t.DISPATCH_CONTROLS.name, partition][:read]
        controls = [t.DISPATCH_CONTROLS.decode(entry.value or b"") for entry in taken]
        return any(one.type == "cancel" and one.message_id == post.message_id for one in controls)

    def play(self, texts: int = 40, taken_back: float = 0.0) -> None:
        self.some_agree()
        self.they_move()
        self.producers_ask_people(texts)
        self.some_are_taken_back(taken_back)
        self.world.settle(turns=60_000)

    # --- what an onlooker sees

    @property
    def texted(self) -> Counter[str]:
        counted = Counter[str]()
        for (_, message_id), times in self.taken.items():
            if original(message_id) in self.wanted:
                counted[original(message_id)] += times
        return counted

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """The last of each message."""
        last: dict[str, Outcome] = {}
        for one in self.world.log.all(t.OUTCOMES):
            if one.message_id not in last or one.version > last[one.message_id].version:
                last[one.message_id] = one
        return last

    def tries(self) -> dict[str, list[str]]:
        """The ids each request had, in order."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for message_id in sorted(self.outcomes, key=lambda one: int(one.partition(MOVED)[2] or 1)):
            if original(message_id) in self.wanted:
                found[original(message_id)].append(message_id)
        return dict(found)

    def last_said(self, person_id: str) -> PersonEvent:
        """A repeat of something old says nothing new."""
        events: dict[str, PersonEvent] = {}
        for one in self.world.log.all(t.PERSON_EVENTS):
            if one.person_id == person_id:
                events.setdefault(one.event_id, one)
        return list(events.values())[-1]

    def number_now(self, person_id: str) -> str | None:
        """The one they may be texted at."""
        return next(
            (number.number for number in self.last_said(person_id).numbers if number.sms_enabled),
            None,
        )

    def canceled_ahead(self) -> set[str]:
        """What was canceled by the gate's first word on it."""
        return {
            one.message_id
            for one in self.world.log.all(t.DECISIONS)
            if one.verdict is Verdict.CANCEL and one.seq == 1
        }

    def tried(self, message_id: str) -> bool:
        """Whether dispatch ever set out to call the provider for it."""
        words = {
            one.state.value
            for one in self.world.log.all(t.ATTEMPTS)
            if one.message_id == message_id
        }
        return bool(words - {"queued", "canceled"})

    def was_ever_deleted(self, person_id: str) -> bool:
        events = self.world.log.all(t.PERSON_EVENTS)
        return any(
            one.person_id == person_id and one.action is PersonAction.DELETE for one in events
        )


def original(message_id: str) -> str:
    return message_id.partition(MOVED)[0]
