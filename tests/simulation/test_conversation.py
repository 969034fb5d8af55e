"""One case from the launch to its end, through every processor: a reminder, who confirms it, who
asks something, who answers, and who writes when it is closed."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from schemas import topics as t
from schemas.attempt import DeliveryReceipt
from schemas.case import Case
from schemas.case_event import (
    Audience,
    CaseClosed,
    CaseOpened,
    CaseSettings,
    EventSaved,
    Launched,
    PartyAdded,
    TaskScheduled,
)
from schemas.consent import ConsentEvent
from schemas.inbound import InboundMessage
from schemas.person import NumberChange, PersonAction, PersonEvent
from schemas.sender import Sender, SenderKind
from schemas.tenant_settings import TenantSettings
from schemas.thread import Thread
from streams.dispatch.provider_calls import Result, SendCall, SendResult
from streams.partition.task import PartitionTask
from streams.processing import build_settings
from streams.topology import PROCESSORS
from tests.simulation.scenario import ANY_TIME, OWN
from tests.simulation.world import START, World

ANA, LUIS = "+12125550101", "+12125550102"
PEOPLE = {"ana": ANA, "luis": LUIS}
OFFICE, OWN_MAIL = "office@acme.example", "rivera@acme.example"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REMINDED = datetime.fromisoformat("2026-11-25T14:00:00+00:00")
"""A day before the hearing, 9:00 in New York."""
TENANT = TenantSettings.model_validate(
    {
        "tenant": "acme",
        "name": "Acme Law",
        "sender": OWN,
        "when": ANY_TIME,
        "mail": {"to": OFFICE},
        "templates": {
            "hearing": {
                "texts": {"en": "{{ event.title }} on {{ event.date }}. Reply C to confirm."}
            }
        },
        "recipes": {
            "hearing": {
                "event_type": "hearing",
                "offset": "1 day before",
                "template": "hearing",
                "confirm": "C",
            }
        },
    }
)
SENDERS = {OWN: Sender(sender=OWN, kind=SenderKind.SHORT_CODE, owner="acme")}


class CertainWorld(World):
    """Dispatch does not crash, so no text is in doubt."""

    def crashed(self, task: PartitionTask, where: str) -> bool:
        return task.processor.name != "dispatch" and super().crashed(task, where)


class Story:
    def __init__(self, seed: int, crash: float) -> None:
        self.ids = count()
        self.texts: list[tuple[str, str, datetime]] = []
        """(number, words, when) of each that the provider took."""
        self.world = CertainWorld(
            seed,
            list(PROCESSORS.values()),
            build_settings({"acme": TENANT}, SENDERS),
            self.call,
            crash=crash,
        )

    def call(self, post: SendCall, now: datetime) -> SendResult:
        self.texts.append((post.to, post.body, now))
        provider_id = f"SM{post.message_id}"
        receipt = DeliveryReceipt(
            message_id=post.message_id,
            tenant=post.tenant,
            attempt=post.attempt,
            provider_id=provider_id,
            status="delivered",
            received_at=now,
        )
        self.world.publish_at(now + timedelta(seconds=5), t.DELIVERY_RECEIPTS, receipt)
        return SendResult(
            tenant=post.tenant,
            message_id=post.message_id,
            attempt=post.attempt,
            sender=post.sender,
            result=Result.ACCEPTED,
            provider_id=provider_id,
        )

    def tell_case(self, kind: type[Any], at: datetime, /, **said: Any) -> None:
        change = kind(tenant="acme", case_id="8841", change_id=f"c{next(self.ids)}", at=at, **said)
        self.world.publish_at(at, t.CASE_EVENTS, change)

    def write(self, number: str, body: str, at: datetime) -> None:
        inbound = InboundMessage(
            provider_id=f"SM-in-{next(self.ids)}",
            sender=OWN,
            to_address=OWN,
            number=number,
            body=body,
            received_at=at,
        )
        self.world.publish_at(at, t.INBOUND, inbound)

    def begin(self) -> None:
        for person, number in PEOPLE.items():
            known = PersonEvent(
                event_id=f"e-{person}",
                tenant="acme",
                person_id=person,
                action=PersonAction.UPSERT,
                name=person.title(),
                numbers=(NumberChange(number=number),),
                at=START,
            )
            self.world.publish(t.PERSON_EVENTS, known)
            consent = ConsentEvent(
                event_id=f"form-{person}",
                tenant="acme",
                number=number,
                action="opt_in",
                source="import",
                evidence={"document": "form"},
                at=START,
            )
            self.world.publish(t.CONSENT_EVENTS, consent)
        self.tell_case(CaseOpened, START, title="In re Rivera")
        for person in PEOPLE:
            self.tell_case(PartyAdded, START, person_id=person, role="client")
        self.tell_case(CaseSettings, START, notify_email=OWN_MAIL)
        self.tell_case(Launched, START)
        self.tell_case(
            EventSaved,
            START,
            event_id="h1",
            title="Hearing",
            event_type="hearing",
            starts_at="2026-11-26T09:00",
            time_zone="America/New_York",
        )

    def play(self, until: datetime) -> None:
        self.world.settle(until=until - self.world.now, turns=60_000)

    def thread(self, number: str) -> Thread:
        found: list[Thread] = [o for o in self.world.log.all(t.THREADS) if o.number == number]
        return found[-1]

    @property
    def case(self) -> Case:
        found: Case = self.world.log.all(t.CASES)[-1]
        return found

    def mails(self) -> list[tuple[str, str, int]]:
        return [(one.to, one.case_id, one.texts) for one in self.world.log.all(t.MAIL_REQUESTS)]


@pytest.fixture(
    params=[(0, 0.0), (1, 0.05), (2, 0.05), (3, 0.05), (4, 0.05)],
    ids=lambda one: f"seed {one[0]}",
    scope="module",
)
def reminded(request: pytest.FixtureRequest) -> Story:
    """Both are reminded.  Ana confirms, and Luis asks."""
    story = Story(*request.param)
    story.begin()
    story.write(ANA, "c!", REMINDED + HOUR)
    story.write(LUIS, "Where do I park?", REMINDED + HOUR)
    story.play(REMINDED + 2 * HOUR)
    return story


def test_a_case_and_its_conversations(reminded: Story) -> None:
    story = reminded
    assert {number for number, _, _ in story.texts} == {ANA, LUIS}
    assert len(story.texts) == 2
    assert {words[:7] for _, words, _ in story.texts} == {"Hearing"}

    [event] = story.case.events
    assert [one.person_id for one in event.confirmed] == ["ana"]
    ana, luis = story.thread(ANA), story.thread(LUIS)
    assert ana.last_inbound is not None
    assert (ana.last_inbound.use, ana.waiting_since) == ("confirmation", None)
    assert luis.last_inbound is not None
    assert (luis.last_inbound.case_id, luis.last_inbound.person_ids) == ("8841", ("luis",))
    assert (luis.waiting_since, luis.cases) == (REMINDED + HOUR, ("8841",))
    assert story.mails() == [(OWN_MAIL, "8841", 1)] * 2

    answered_at = REMINDED + 3 * HOUR
    story.tell_case(
        TaskScheduled,
        answered_at,
        task_id="answer",
        body="Behind the courthouse.",
        audience=Audience(person_ids=("luis",)),
        kind="direct",
        written_by="dana",
    )
    story.play(REMINDED + 4 * HOUR)
    luis = story.thread(LUIS)
    assert (luis.waiting_since, luis.last_out_by) == (None, "dana")
    assert [(number, words) for number, words, _ in story.texts[2:]] == [
        (LUIS, "Behind the courthouse.")
    ]

    story.tell_case(CaseClosed, REMINDED + 2 * DAY)
    story.write(ANA, "thanks", REMINDED + 4 * DAY)
    story.play(REMINDED + 5 * DAY)
    ana = story.thread(ANA)
    assert ana.last_inbound is not None
    assert (ana.last_inbound.case_id, ana.last_inbound.on_closed_case) == ("8841", True)
    assert (ana.waiting_since, ana.cases) == (REMINDED + 4 * DAY, ())
    assert story.case.closed
    assert len(story.texts) == 3
    assert (story.world.crashes.total() > 0) == (story.world.crash > 0)
