"""A story that a seed makes up.

Each seed uses some kinds of moves only, so that rare ones meet often (swarm testing)."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from schemas import topics as t
from schemas.approval import Approval
from schemas.base import Message
from schemas.case_event import CaseEvent
from schemas.consent import ConsentEvent
from schemas.controls import Pause, Resume
from schemas.inbound import InboundMessage
from schemas.person import NumberChange, PersonAction, PersonCancel, PersonEvent, PersonRequest
from schemas.send_request import CancelRequest, SendRequest
from schemas.thread import Answered, NoAnswerNeeded
from schemas.topics import Topic
from streams.topology import PROCESSORS
from tests.stories.story import (
    CASES,
    JUMP,
    NUMBERS,
    OUTAGE,
    OWN,
    PEOPLE,
    POLICY_COUNT,
    RESTART,
    SETTINGS,
    SHARED,
    SLOW,
    START,
    TENANTS,
    Move,
    Story,
    moment,
)

_case_event = TypeAdapter[Any](CaseEvent)


@dataclass
class _Teller:
    """Makes up one move after the other."""

    rng: random.Random
    moves: list[Move] = field(default_factory=list)
    asked: list[SendRequest] = field(default_factory=list)
    wanted: list[PersonRequest] = field(default_factory=list)
    written: list[InboundMessage] = field(default_factory=list)
    events: list[tuple[str, str]] = field(default_factory=list)
    count: int = 0
    length: float = 600.0
    """Seconds within which things begin."""

    def id(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def some_time(self) -> float:
        return round(self.rng.uniform(1, self.length), 3)

    def say(self, topic: Topic[Any], message: Message, seconds: float) -> None:
        """At times twice."""
        for _ in range(self.rng.choice([1, 1, 1, 2])):
            late = self.rng.choice([0, 0, 0.001, 30])
            self.moves.append(Move(round(seconds + late, 3), "record", message, topic))

    # --- consent

    def agree(self) -> None:
        at = self.some_time()
        self.consent(at, self.rng.choice(TENANTS), self.rng.choice(NUMBERS))

    def consent(self, seconds: float, tenant: str, number: str, action: str = "opt_in") -> None:
        by_hand: dict[str, Any] = {"source": "staff", "actor": "dana"}
        imported: dict[str, Any] = {"source": "import", "evidence": {"document": "form"}}
        message = ConsentEvent(
            event_id=self.id("e"),
            tenant=tenant,
            number=number,
            action=action,
            at=moment(seconds),
            **(imported if action == "opt_in" else by_hand),
        )
        self.say(t.CONSENT_EVENTS, message, seconds)

    def refuse(self) -> None:
        """Staff enter that somebody wants no texts."""
        at = self.some_time()
        self.consent(at, self.rng.choice(TENANTS), self.rng.choice(NUMBERS), "opt_out")

    def write(self, bodies: tuple[str, ...]) -> None:
        at, sender = self.some_time(), self.rng.choice([OWN, SHARED, SLOW])
        self.text(at, sender, self.rng.choice(NUMBERS), self.rng.choice(bodies))

    def text(self, seconds: float, sender: str, number: str, body: str) -> None:
        message = InboundMessage(
            provider_id=self.id("SMin"),
            sender=sender,
            to_address=sender,
            number=number,
            body=body,
            received_at=moment(seconds),
        )
        self.written.append(message)
        self.say(t.INBOUND, message, seconds)

    def write_stop(self) -> None:
        self.write(STOPS)

    def write_start(self) -> None:
        self.write(("START", "Yes"))

    def write_else(self) -> None:
        self.write(("What time is it?", "HELP", "ok thanks", "please stop texting me", "Liked “x”"))

    # --- requests

    def times(self, at: float) -> dict[str, Any]:
        """When a text may leave."""
        found: dict[str, Any] = {"requested_at": moment(at)}
        if self.rng.random() < 0.4:
            found["not_before"] = found["requested_at"] + timedelta(
                seconds=self.rng.choice([5, 60, self.rng.uniform(1, 400)])
            )
        if self.rng.random() < 0.2:
            found["valid_until"] = found["requested_at"] + timedelta(
                seconds=self.rng.choice([90, 500, 3000])
            )
        return found

    def ask(self) -> None:
        self.request(self.some_time())

    def request(self, at: float, **given: Any) -> SendRequest:
        by_hand = self.rng.random() < 0.3
        said: dict[str, Any] = {
            "message_id": self.id("m"),
            "tenant": self.rng.choice(TENANTS),
            "to": self.rng.choice(NUMBERS),
            "body": f"text {self.count}",
            "sender": self.rng.choice([None, None, SHARED]),
            "branch": self.rng.choice([None, None, "court"]),
            "kind": "direct" if by_hand else self.rng.choice(["transactional", "reminder"]),
            "written_by": "dana" if by_hand else None,
            "undo_seconds": self.rng.choice([None, 10]) if by_hand else None,
        }
        request = SendRequest(**{**said, **self.times(at), **given})
        self.asked.append(request)
        self.say(t.SEND_REQUESTS, request, at)
        return request

    def take_back(self) -> None:
        if not self.asked:
            return
        self.cancel(self.rng.choice(self.asked), self.some_time())

    def cancel(self, request: SendRequest, seconds: float) -> None:
        back = CancelRequest(
            tenant=request.tenant,
            number=request.to,
            message_id=request.message_id,
            by="lee",
            at=moment(seconds),
        )
        self.say(t.REQUEST_CANCELS, back, seconds)

    def say_no(self, request: SendRequest, seconds: float) -> None:
        """To this text, or to all of its tenant's."""
        said = self.rng.choice(["opt_out", "opt_out", "stop", "cancel"])
        if said == "opt_out":
            self.consent(seconds, request.tenant, request.to, "opt_out")
        elif said == "stop":
            sender = request.sender or self.rng.choice([OWN, SLOW])
            self.text(seconds, sender, request.to, self.rng.choice(STOPS))
        else:
            self.cancel(request, seconds)

    def change_mind(self) -> None:
        """A text is requested and unwanted within the same second: they meet at every step of its
        way, also on the topics of somebody who is away."""
        at = self.some_time()
        request = self.request(at)
        self.say_no(request, round(at + self.rng.uniform(-0.01, 0.6), 3))
        if self.rng.random() < 0.4:
            away = (
                self.rng.choice(["gate", "gate", "gate", "dispatch", *PROCESSORS]),
                self.rng.choice([1, 30]),
            )
            since = at + self.rng.choice([-0.02, self.rng.uniform(0, 0.3)])
            self.moves.append(Move(round(since, 3), OUTAGE, away))

    def say_no_in_time(self) -> None:
        """About the moment in which a text's time comes."""
        at = self.some_time()
        due = moment(at + self.rng.choice([5, 60]))
        request = self.request(at, not_before=due, valid_until=None)
        late = self.rng.choice([-0.05, -0.02, -0.005, 0, 0.01])
        self.say_no(request, round((due - START).total_seconds() + late, 3))

    def approve(self) -> None:
        """Staff have seen the text that they approve; one in three has been changed since."""
        at = self.some_time()
        waits = [one for one in self.asked if one.branch == "court"]
        request = self.rng.choice(waits) if waits else self.request(at, branch="court")
        asked_at = (request.requested_at - START).total_seconds()
        seconds = round(self.rng.choice([asked_at + 0.2, asked_at + 30, at]), 3)
        text = request.body if self.rng.random() < 0.67 else request.body + "!"
        word = Approval(
            approval_id=self.id("a"),
            tenant=request.tenant,
            number=request.to,
            message_id=request.message_id,
            action=self.rng.choice(["approve", "approve", "approve", "reject"]),
            by="dana",
            at=moment(seconds),
            body_sha256=hashlib.sha256(text.encode()).hexdigest(),
        )
        self.say(t.APPROVALS, word, seconds)

    def hold_up(self) -> None:
        """Ops pause a sender, and go on a while later."""
        at, sender = self.some_time(), self.rng.choice([OWN, SHARED, SLOW])
        for word, seconds in ((Pause, at), (Resume, at + self.rng.uniform(1, 200))):
            said = {"sender": sender, "by": "ops", "at": moment(seconds)}
            self.moves.append(Move(seconds, "record", word(**said), t.DISPATCH_CONTROLS))

    # --- people and cases

    def person(self, seconds: float | None = None, person_id: str | None = None) -> None:
        at = self.some_time() if seconds is None else seconds
        what = self.rng.choices(["number", "none", "off", "deleted"], [80, 8, 8, 4])[0]
        number = NumberChange(
            number=self.rng.choice(NUMBERS), primary=True, sms_enabled=what != "off"
        )
        event = PersonEvent(
            event_id=self.id("v"),
            tenant="acme",
            person_id=person_id or self.rng.choice(PEOPLE),
            name="Ana Bell",
            first_name="Ana",
            at=moment(at),
            action=PersonAction.DELETE if what == "deleted" else PersonAction.UPSERT,
            numbers=(number,) if what in ("number", "off") else (),
        )
        self.say(t.PERSON_EVENTS, event, at)

    def ask_person(self) -> None:
        at = self.some_time()
        request = PersonRequest(
            message_id=self.id("r"),
            tenant="acme",
            person_id=self.rng.choice(PEOPLE),
            body=f"text {self.count}",
            kind="reminder",
            **self.times(at),
        )
        self.wanted.append(request)
        self.say(t.PERSON_REQUESTS, request, at)

    def take_back_person(self) -> None:
        if not self.wanted:
            return
        request, at = self.rng.choice(self.wanted), self.some_time()
        back = PersonCancel(
            tenant="acme",
            person_id=request.person_id,
            request_id=request.message_id,
            by="lee",
            at=moment(at),
        )
        self.say(t.PERSON_CANCELS, back, at)

    def case(self, seconds: float, case_id: str, kind: str, **said: Any) -> None:
        about = {"tenant": "acme", "case_id": case_id, "change_id": self.id("x"), "by": "crm"}
        change = _case_event.validate_python({**about, "type": kind, "at": moment(seconds), **said})
        self.say(t.CASE_EVENTS, change, seconds)

    def open_cases(self) -> None:
        for case_id in CASES:
            self.case(0.5, case_id, "case_opened", title=case_id, time_zone="America/New_York")
            for person_id in PEOPLE:
                self.case(0.6, case_id, "party_added", person_id=person_id, role="client")
            self.case(0.7, case_id, "launched")

    def set_event(self) -> None:
        """In an hour or so; its title says which and of which version: words that the reminder
        repeats."""
        at, case_id = self.some_time(), self.rng.choice(CASES)
        event_id = f"{case_id}-{self.rng.choice('ab')}"
        self.count += 1
        begins = moment(at) + timedelta(minutes=self.rng.choice([61, 62, 65, 70, 90]))
        local = begins.astimezone(NEW_YORK).replace(second=0, microsecond=0, tzinfo=None)
        self.events.append((case_id, event_id))
        self.case(
            at,
            case_id,
            "event_saved",
            event_id=event_id,
            event_type="hearing",
            title=f"Hearing {event_id}/{self.count}",
            starts_at=local.isoformat(timespec="minutes"),
        )

    def cancel_event(self) -> None:
        if self.events:
            case_id, event_id = self.rng.choice(self.events)
            self.case(self.some_time() + 300, case_id, "event_canceled", event_id=event_id)

    def close_case(self) -> None:
        self.case(self.some_time() + 300, self.rng.choice(CASES), "case_closed")

    # --- staff and machines

    def answer(self) -> None:
        at = self.some_time()
        said: dict[str, Any] = {
            "tenant": "acme",
            "number": self.rng.choice(NUMBERS),
            "change_id": self.id("t"),
            "by": "dana",
            "at": moment(at),
        }
        event: Any = Answered(**said)
        if self.written and self.rng.random() < 0.5:
            last = self.rng.choice(self.written)
            event = NoAnswerNeeded(**{**said, "number": last.number}, inbound_id=last.provider_id)
        self.say(t.THREAD_EVENTS, event, at)

    def restart(self) -> None:
        self.moves.append(Move(self.amid(), RESTART, self.rng.choice(MOST)))

    def outage(self) -> None:
        """Workers of a processor end, and others begin a while later."""
        seconds = self.rng.choice([0.5, 30, 600])
        self.moves.append(Move(self.amid(), OUTAGE, (self.rng.choice(MOST), seconds)))

    def amid(self) -> float:
        """While something else happens, at best."""
        at = self.rng.choice(self.moves).seconds if self.moves else self.some_time()
        return round(at + self.rng.uniform(0, 0.4), 3)

    def change_settings(self) -> None:
        self.moves.append(Move(self.some_time(), SETTINGS, self.rng.randrange(POLICY_COUNT)))

    def jump(self) -> None:
        self.moves.append(Move(self.some_time(), JUMP, self.rng.choice([60, 4000, 90_000])))


NEW_YORK: Final = ZoneInfo("America/New_York")
STOPS: Final = ("STOP", "Stop", "stop.", "UNSUBSCRIBE")
MOST: Final = (*PROCESSORS, "gate", "dispatch", "dispatch")
"""Whose workers end: those of two most often."""

MOVES: Final[dict[str, Callable[[_Teller], None]]] = {
    "agree": _Teller.agree,
    "refuse": _Teller.refuse,
    "write_stop": _Teller.write_stop,
    "write_start": _Teller.write_start,
    "write_else": _Teller.write_else,
    "ask": _Teller.ask,
    "take_back": _Teller.take_back,
    "change_mind": _Teller.change_mind,
    "say_no_in_time": _Teller.say_no_in_time,
    "approve": _Teller.approve,
    "hold_up": _Teller.hold_up,
    "person": _Teller.person,
    "ask_person": _Teller.ask_person,
    "take_back_person": _Teller.take_back_person,
    "set_event": _Teller.set_event,
    "cancel_event": _Teller.cancel_event,
    "close_case": _Teller.close_case,
    "answer": _Teller.answer,
    "restart": _Teller.restart,
    "outage": _Teller.outage,
    "change_settings": _Teller.change_settings,
    "jump": _Teller.jump,
}
OFTEN: Final = {
    "ask": 6,
    "ask_person": 3,
    "set_event": 3,
    "write_stop": 2,
    "agree": 2,
    "change_mind": 3,
    "say_no_in_time": 3,
    "approve": 2,
}
"""How often a move comes, against one that is not listed."""
ABOUT_CASES: Final = ("set_event", "cancel_event", "close_case")


def tell(seed: int) -> Story:
    """The story of a seed."""
    rng = random.Random(f"story {seed}")
    teller = _Teller(rng)
    teller.length = rng.choice([1.0, 30.0, 600.0, 600.0])
    kinds = [name for name in MOVES if rng.random() < 0.4] or ["ask"]
    if not {"ask", "ask_person", "set_event", "change_mind", "say_no_in_time"} & set(kinds):
        kinds.append("ask")
    for tenant in TENANTS:
        for number in NUMBERS:
            if rng.random() < 0.75:
                teller.consent(0.1, tenant, number)
    if {"ask_person", "person", *ABOUT_CASES} & set(kinds):
        for person_id in PEOPLE:
            teller.person(0.2, person_id)
    if set(ABOUT_CASES) & set(kinds):
        teller.open_cases()
    weights = [OFTEN.get(name, 1) for name in kinds]
    for name in rng.choices(kinds, weights, k=rng.choice([4, 8, 16, 24])):
        MOVES[name](teller)
    return Story(
        seed,
        rng.choice([1, 1, 2, 3]),
        rng.choice([0.0, 0.0, 0.01, 0.05]),
        rng.choice([0.0, 0.0, 0.02, 0.1]),
        rng.choice([0.0, 0.0, 0.0, 0.05]),
        tuple(sorted(teller.moves, key=lambda one: one.seconds)),
    )
