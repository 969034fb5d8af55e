"""Cases of law firms on three continents over 90 virtual days, by one seed: what happens to each,
what the provider took, and what the witness says of it.

The clocks go forward in Sydney and Lord Howe and back in Berlin and New York."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from itertools import count
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from schemas import topics as t
from schemas.attempt import DeliveryReceipt
from schemas.case_event import CaseEvent
from schemas.consent import ConsentEvent
from schemas.inbound import InboundMessage
from schemas.person import NumberChange, PersonAction, PersonEvent
from schemas.recipe import Recipe
from schemas.sender import Sender, SenderKind
from schemas.tenant_settings import TenantSettings
from streams.dispatch.provider_calls import Result, SendCall, SendResult
from streams.processing import Settings, build_settings
from streams.topology import PROCESSORS
from tests.bench.people import AREAS
from tests.simulation import case_clocks as clocks
from tests.simulation.case_witness import Witness
from tests.simulation.case_worlds import Outage, QuickWorld
from tests.simulation.world import World

DAY = timedelta(days=1)
FIRST = datetime(2026, 9, 20, tzinfo=UTC)
DAYS = 90
SAID_AT = timedelta(minutes=7)
"""Past the hour: nothing is due then."""
ZONES = ("America/New_York", "Europe/Berlin", "Australia/Sydney", "Australia/Lord_Howe")
SENDER = "24273"
SENDERS = {SENDER: Sender(sender=SENDER, kind=SenderKind.SHORT_CODE, owner="acme", pace=1_000_000)}
TEMPLATES = {
    "soon": "{{ person.first }}: {{ event.title }} {{ event.relative_day }} at {{ event.time }}"
    "{% if event.location %}, {{ event.location }}{% endif %}.",
    "on-day": "{{ person.first }}: {{ event.title }} on {{ event.date }}.",
    "call": "{{ person.first }}: call us about {{ case.title }}.",
}
BEFORE = {"event_type": "hearing", "template": "soon"}
RECIPES: list[dict[str, dict[str, Any]]] = [
    {
        "day": {**BEFORE, "offset": "1 day before"},
        "hours": {**BEFORE, "offset": "3 hours before"},
        "two": {**BEFORE, "offset": "48 hours before", "template": "on-day", "if_late": "skip"},
    },
    {
        "day": {**BEFORE, "offset": "1 day before", "at": "16:30"},
        "hours": {**BEFORE, "offset": "2 hours before", "margin_minutes": 60},
        "after": {**BEFORE, "offset": "1 day after", "template": "on-day"},
        "team": {**BEFORE, "offset": "1 day before", "roles": ["team"]},
    },
]
"""At first and at last; and in the middle month."""
CHANGES_ON = (30, 60)
"""Days on which the tenant's recipes change."""
OUTAGES = ((8, 2, 9), (36, 12, 70), (41, 6, 5), (70, 20, 16))
"""Day, hour and length in hours: the workers of cases and threads are down."""
DOWN = frozenset({"cases", "threads"})
CLOCK_TIMES = ("00:30", "02:15", "02:30", "06:45", "09:00", "09:00", "13:30", "16:00", "22:15")

_read = TypeAdapter[Any](CaseEvent)


def build_policy(number: int) -> Settings:
    said = {
        "tenant": "acme",
        "name": "Acme Law",
        "sender": SENDER,
        "recipes": RECIPES[number],
        "templates": {name: {"texts": {"en": words}} for name, words in TEMPLATES.items()},
        "reminder_template": "soon",
    }
    return build_settings({"acme": TenantSettings.model_validate(said)}, SENDERS)


def recipes_of(number: int) -> dict[str, Recipe]:
    return {name: Recipe.model_validate(one) for name, one in RECIPES[number].items()}


class Fact(NamedTuple):
    """Something that the world was told: a change of a case, or one of `person`, `yes`, `stop`."""

    at: datetime
    what: str
    value: Any


@dataclass
class Someone:
    person_id: str
    zone: str
    number: str
    other: str
    first_name: str
    agrees: bool = True


@dataclass
class CaseStory:
    """One case, its people, and all that is said of them."""

    case_id: str
    zone: str
    people: list[Someone]
    facts: list[Fact] = field(default_factory=list)
    is_fixed: bool = False
    """Two people share a number, have swapped theirs, or one has said STOP: so none of this happens
    to them again."""


@dataclass
class CaseScenario:
    seed: int
    cases: int
    crash: float = 0.0
    has_outages: bool = True
    posts: dict[str, list[tuple[SendCall, datetime]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """By message id: what the provider took."""
    witnesses: dict[str, Witness] = field(default_factory=dict)
    """By case, once somebody has watched it."""

    def __post_init__(self) -> None:
        self.rng = random.Random(f"cases {self.seed}")
        self.ids = count(1)
        self.numbers = count()
        self.stories = [self._story(n) for n in range(self.cases)]
        kind = World if self.crash else QuickWorld
        processors = [one for name, one in PROCESSORS.items() if name != "usage"]
        self.world = kind(
            self.seed, processors, build_policy(0), self.call, crash=self.crash, now=FIRST
        )
        self.outages = []
        if isinstance(self.world, QuickWorld) and self.has_outages:
            for day, hour, length in OUTAGES:
                start = FIRST + day * DAY + hour * clocks.HOUR
                outage = Outage(DOWN, start, start + length * clocks.HOUR)
                self.world.outages.append(outage)
                self.outages.append((outage.start, outage.end))

    # --- what happens to a case

    def _number(self) -> str:
        n = next(self.numbers)
        return (
            f"+1{AREAS[n % len(AREAS)]}55{n // len(AREAS) // 100 % 10}01{n // len(AREAS) % 100:02}"
        )

    def _story(self, n: int) -> CaseStory:
        rng = self.rng
        zone = rng.choice(ZONES)
        people = []
        for k, name in enumerate(("Ana", "Luis", "Tess")):
            lives = zone if rng.random() < 0.8 else rng.choice(ZONES)
            someone = Someone(f"p{n}-{k}", lives, self._number(), self._number(), name)
            someone.agrees = rng.random() < 0.85
            people.append(someone)
        if rng.random() < 0.1:  # a household
            people[1].number, people[1].other = people[0].number, people[0].other
            people[0].agrees = people[1].agrees = True
        story = CaseStory(f"c{n}", zone, people)
        story.is_fixed = people[0].number == people[1].number
        start = rng.randrange(DAYS - 45)
        for someone in people:
            self.tell_person(story, FIRST + SAID_AT, someone)
            if someone.agrees:
                story.facts.append(Fact(FIRST + SAID_AT, "yes", someone.person_id))
        at = self._hour(start, 9)
        self.say(story, at, "case_opened", title=f"Case {n}", time_zone=zone)
        for someone, role in zip(people, ("client", "client", "team"), strict=True):
            if role == "client" or rng.random() < 0.5:
                self.say(story, at, "party_added", person_id=someone.person_id, role=role)
        self.say(story, at, "launched")
        for event_id in ("h1", "h2", "m1")[: rng.choice([1, 2, 3])]:
            self._event(story, at, event_id, start)
        self._more(story, start)
        story.facts.sort(key=lambda one: one.at)
        return story

    def _more(self, story: CaseStory, start: int) -> None:
        for _ in range(self.rng.choice([2, 4, 6, 8])):
            day = start + self.rng.randrange(1, 38)
            action = self.rng.choice(ACTIONS)
            action(self, story, self._hour(day, self.rng.randrange(24)), start)

    def _hour(self, day: int, hour: int) -> datetime:
        return FIRST + day * DAY + hour * clocks.HOUR + SAID_AT

    def say(self, story: CaseStory, at: datetime, kind: str, **fields: Any) -> None:
        said = {"tenant": "acme", "case_id": story.case_id, "change_id": f"x{next(self.ids):07}"}
        change = _read.validate_python({**said, "type": kind, "at": at, "by": "crm", **fields})
        story.facts.append(Fact(at, "case", change))

    def _event(self, story: CaseStory, at: datetime, event_id: str, start: int) -> None:
        rng = self.rng
        day = (FIRST + (start + rng.randrange(1, 40)) * DAY).date().isoformat()
        hour = rng.choice(CLOCK_TIMES)
        said = {
            "event_id": event_id,
            "event_type": "meeting" if event_id.startswith("m") else "hearing",
            "title": rng.choice(["Hearing", "Mediation"]),
            "starts_at": day if rng.random() < 0.05 else f"{day}T{hour}",
            "time_zone": story.zone if rng.random() < 0.9 else rng.choice(ZONES),
            "location": rng.choice([None, "room 4", "room 5"]),
            "reminders": ["2 hours before"] if rng.random() < 0.2 else [],
        }
        self.say(story, at, "event_saved", **said)

    def _again(self, story: CaseStory, at: datetime, start: int) -> None:
        """Renamed, or in another room."""
        known = [one.value for one in story.facts if one.what == "case" and one.at < at]
        saved = [one for one in known if one.type == "event_saved"]
        if saved:
            last = max(saved, key=lambda one: one.at)
            said = last.model_dump(exclude={"change_id", "at", "by", "type", "tenant", "case_id"})
            what = self.rng.choice([{"title": "Trial"}, {"location": "room 6"}])
            self.say(story, at, "event_saved", **{**said, **what})

    def tell_person(self, story: CaseStory, at: datetime, someone: Someone) -> None:
        event = PersonEvent(
            event_id=f"v{next(self.ids)}",
            tenant="acme",
            person_id=someone.person_id,
            action=PersonAction.UPSERT,
            name=someone.first_name,
            first_name=someone.first_name,
            time_zone=someone.zone,
            numbers=(
                NumberChange(number=someone.number, primary=True),
                NumberChange(number=someone.other),
            ),
            at=at,
        )
        story.facts.append(Fact(at, "person", event))

    def _swap(self, story: CaseStory, at: datetime, start: int) -> None:
        """Two parties' numbers, in two steps an hour apart."""
        ana, luis = story.people[:2]
        agreed = [fact.value for fact in story.facts if fact[:2] == (FIRST + SAID_AT, "yes")]
        is_free = not story.is_fixed and {ana.person_id, luis.person_id} <= set(agreed)
        if is_free and at > FIRST + DAY:
            story.is_fixed = True
            ana.number, luis.number = luis.number, ana.number
            ana.other, luis.other = luis.other, ana.other
            self.tell_person(story, at, ana)
            self.tell_person(story, at + clocks.HOUR, luis)

    def _rename(self, story: CaseStory, at: datetime, start: int) -> None:
        someone = self.rng.choice(story.people)
        later = [one for one in story.facts if one.what == "person" and one.at > at]
        if not any(one.value.person_id == someone.person_id for one in later):
            someone.first_name += "a"
            self.tell_person(story, at, someone)

    def _agree(self, story: CaseStory, at: datetime, start: int) -> None:
        someone = self.rng.choice(story.people)
        if not someone.agrees:
            someone.agrees = True
            noon = datetime.combine(at.date(), time(12))
            at = clocks.shown(noon, someone.zone) + SAID_AT
            story.facts.append(Fact(at, "yes", someone.person_id))

    def _stop(self, story: CaseStory, at: datetime, start: int) -> None:
        someone = self.rng.choice(story.people)
        if not story.is_fixed and at > FIRST + DAY:
            agreed = [one.at for one in story.facts if one[1:] == ("yes", someone.person_id)]
            if agreed and agreed[0] < at:
                story.is_fixed = True
                story.facts.append(Fact(at, "stop", someone.person_id))

    def _party(self, story: CaseStory, at: datetime, start: int) -> None:
        someone = self.rng.choice(story.people)
        self.say(story, at, "party_removed", person_id=someone.person_id)
        back = at + self.rng.choice([1, 30, 100]) * clocks.HOUR
        role = self.rng.choice(["client", "Client", "team"]).casefold()
        self.say(story, back, "party_added", person_id=someone.person_id, role=role)

    def _switch(self, story: CaseStory, at: datetime, start: int) -> None:
        someone = self.rng.choice(story.people)
        for hours, is_on in ((0, False), (self.rng.choice([3, 50]), True)):
            said = {someone.person_id: is_on}
            self.say(story, at + hours * clocks.HOUR, "case_settings", reminders=said)

    def _close(self, story: CaseStory, at: datetime, start: int) -> None:
        self.say(story, at, "case_closed")
        if self.rng.random() < 0.7:
            self.say(story, at + self.rng.choice([2, 40]) * clocks.HOUR, "case_reopened")

    def _override(self, story: CaseStory, at: datetime, start: int) -> None:
        change = self.rng.choice(
            [{"off": True}, {"offset": "5 hours before"}, {"template": "on-day"}, {}]
        )
        name = self.rng.choice(["day", "hours"])
        self.say(story, at, "case_settings", recipes={name: change})

    def _task(self, story: CaseStory, at: datetime, start: int) -> None:
        day = (at + self.rng.randrange(4) * DAY).date().isoformat()
        when: Any = self.rng.choice(
            [
                {"now": True},
                {"time": f"{day}T{self.rng.choice(CLOCK_TIMES)}"},
                {"event_id": "h1", "offset": self.rng.choice(["2 days before", "1 hour before"])},
            ]
        )
        said = {"template": "on-day" if "offset" in when else "call", "when": when}
        audience = {"roles": self.rng.choice([["client"], ["team", "client"]])}
        self.say(story, at, "task_scheduled", task_id="t1", audience=audience, **said)
        if self.rng.random() < 0.2:
            self.say(story, at + 9 * clocks.HOUR, "task_canceled", task_id="t1")

    def _cancel(self, story: CaseStory, at: datetime, start: int) -> None:
        self.say(story, at, "event_canceled", event_id=self.rng.choice(["h1", "h2"]))

    def _move(self, story: CaseStory, at: datetime, start: int) -> None:
        self._event(story, at, self.rng.choice(["h1", "h2"]), start)

    def _tie(self, story: CaseStory, at: datetime, start: int) -> None:
        someone = self.rng.choice(story.people)
        if not story.is_fixed:
            story.is_fixed = True
            number = self.rng.choice([someone.other, ""])
            self.say(story, at, "party_changed", person_id=someone.person_id, number=number)

    # --- playing it

    def play(self) -> None:
        facts = sorted(
            (fact for story in self.stories for fact in story.facts), key=lambda one: one.at
        )
        numbers = {one.person_id: one for story in self.stories for one in story.people}
        known: dict[str, PersonEvent] = {}
        for fact in facts:
            if fact.what == "person":
                known[fact.value.person_id] = fact.value
                self.world.publish_at(fact.at, t.PERSON_EVENTS, fact.value)
            elif fact.what == "case":
                self.world.publish_at(fact.at, t.CASE_EVENTS, fact.value)
            elif fact.what == "yes":
                self._publish_yes(fact, numbers[fact.value])
            else:
                self._publish_stop(fact, known[fact.value])
        days = (0, *CHANGES_ON, DAYS + 10)
        for number, day in enumerate(days[1:]):
            self.world.settings = build_policy(number % 2)
            end = FIRST + day * DAY
            self.world.settle(end - self.world.now, turns=10_000_000)
            self.world.now = max(self.world.now, end)

    def _publish_yes(self, fact: Fact, someone: Someone) -> None:
        """To both numbers that they have or will have."""
        for number in (someone.number, someone.other):
            event = ConsentEvent(
                event_id=f"form-{number[1:]}-{someone.person_id}",
                tenant="acme",
                number=number,
                action="opt_in",
                source="import",
                evidence={"document": "form"},
                at=fact.at,
            )
            self.world.publish_at(fact.at, t.CONSENT_EVENTS, event)

    def _publish_stop(self, fact: Fact, person: PersonEvent) -> None:
        for one in person.numbers:
            inbound = InboundMessage(
                provider_id=f"SM-stop-{next(self.ids)}",
                sender=SENDER,
                to_address=SENDER,
                number=one.number,
                body="Stop",
                received_at=fact.at,
            )
            self.world.publish_at(fact.at, t.INBOUND, inbound)

    def call(self, post: SendCall, now: datetime) -> SendResult:
        """Some are refused, some never arrive; neither is tried again."""
        refused = sum(post.message_id.encode()) % 41 == 0
        self.posts[post.message_id].append((post, now))
        sid = f"SM{post.message_id}{post.attempt}"
        if not refused:
            arrives = sum(post.message_id.encode()) % 9
            receipt = DeliveryReceipt(
                message_id=post.message_id,
                tenant=post.tenant,
                attempt=post.attempt,
                provider_id=sid,
                status="delivered" if arrives else "undelivered",
                error_code=None if arrives else "30008",
                received_at=now,
            )
            self.world.publish_at(now + timedelta(seconds=5), t.DELIVERY_RECEIPTS, receipt)
        return SendResult(
            tenant=post.tenant,
            message_id=post.message_id,
            attempt=post.attempt,
            sender=post.sender,
            result=Result.REFUSED if refused else Result.ACCEPTED,
            provider_id=None if refused else sid,
            code="21617" if refused else None,
        )

    def said(self) -> Counter[str]:
        """How often each thing happened: or nothing is proven."""
        return Counter(
            fact.value.type if fact.what == "case" else fact.what
            for story in self.stories
            for fact in story.facts
        )


ACTIONS = [
    CaseScenario._move,
    CaseScenario._move,
    CaseScenario._again,
    CaseScenario._cancel,
    CaseScenario._party,
    CaseScenario._switch,
    CaseScenario._close,
    CaseScenario._override,
    CaseScenario._task,
    CaseScenario._swap,
    CaseScenario._rename,
    CaseScenario._agree,
    CaseScenario._stop,
    CaseScenario._tie,
]
