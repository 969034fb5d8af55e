"""When a sender that nobody reads says so: at most once a day, and never in a loop."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from schemas.consent import ConsentAction, ConsentEvent
from schemas.inbound import Contact, InboundMessage, Reply
from schemas.sender import Sender, SenderKind
from schemas.tenant_settings import TenantSettings
from schemas.topics import DISPATCH_ORDERS, REPLIES
from streams.gate import gate, gate_on_timer
from streams.inbox import inbox, inbox_on_timer
from streams.processing import Settings, build_settings
from tests.core.harness import ProcessorHarness, on_topic
from tests.core.inbox.test_inbox import NOON

PHONE, SHARED, OTHER = "+14155550100", "+12125550111", "+12125550122"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def settings(sender: dict[str, Any] | None = None, **tenant: Any) -> Settings:
    return build_settings(
        {
            name: TenantSettings.model_validate(
                {"tenant": name, "name": name.title(), "sender": SHARED, "unmonitored": True}
                | {"when": {"quiet_hours": {"before": "00:00", "after": "24:00"}}}
                | tenant
            )
            for name in ("acme", "bolt")
        },
        {
            SHARED: Sender.model_validate(
                {"sender": SHARED, "kind": "long_code", "shared_by": ("acme", "bolt")}
                | (sender or {})
            ),
            OTHER: Sender(sender=OTHER, kind=SenderKind.LONG_CODE, owner="acme"),
        },
    )


def inbox_of(number: str = PHONE, policy: Settings | None = None) -> ProcessorHarness:
    processor = ProcessorHarness(
        inbox, inbox_on_timer, f"{SHARED}/{number}", policy or settings(), now=NOON
    )
    processor.feed(contact(number, "acme"))
    return processor


def contact(number: str, tenant: str, minute: int = 0, **changes: Any) -> Contact:
    return Contact(
        sender=SHARED, number=number, tenant=tenant, at=NOON + minute * MINUTE, **changes
    )


def marks(
    processor: ProcessorHarness, body: str, at: datetime = NOON, **changes: Any
) -> list[bool | None]:
    said = {
        "provider_id": f"SM{processor.now}{body}",
        "sender": SHARED,
        "to_address": SHARED,
        "number": PHONE,
        "body": body,
        "received_at": at,
    }
    inbound = InboundMessage.model_validate(said | changes)
    published = processor.publish_from(inbound, at=at)
    return [one.unmonitored for one in on_topic(REPLIES, published)]


@pytest.mark.parametrize(
    ("sender", "tenant", "is_marked"),
    [(None, True, True), (None, False, None), (True, False, True), (False, True, None)],
)
def test_a_setting_of_the_sender_or_else_of_the_tenant(
    sender: bool | None, tenant: bool, is_marked: bool | None
) -> None:
    policy = settings({"unmonitored": sender}, unmonitored=tenant)
    assert marks(inbox_of(policy=policy), "What time?") == [is_marked]


def test_once_in_a_day_whatever_the_words() -> None:
    processor = inbox_of()
    assert marks(processor, "What time?") == [True]
    assert marks(processor, "Hello?", NOON + MINUTE) == [None]
    assert marks(processor, "Anybody?", NOON + DAY - MINUTE) == [None]
    assert marks(processor, "Which room?", NOON + DAY) == [True]
    assert marks(processor, "Hello?", NOON + DAY + MINUTE) == [None]


def test_once_for_all_tenants_of_the_sender() -> None:
    processor = inbox_of()
    assert marks(processor, "What time?") == [True]
    processor.feed(contact(PHONE, "bolt", 5))
    processor.now = NOON + 10 * MINUTE
    assert marks(processor, "Hello?", NOON + 10 * MINUTE) == [None]


@pytest.mark.parametrize(
    "body",
    [
        "STOP",
        "START",
        "HELP",
        "Yes",
        "remove me from your list",
        "🛑",
        "Liked “Court is on Tuesday”",
    ],
)
def test_not_for_keywords_and_reactions(body: str) -> None:
    processor = inbox_of()
    assert set(marks(processor, body)) == {None}
    assert marks(processor, "What time?", NOON + MINUTE)[-1:] == [True]


def test_not_for_what_is_told_how_to_opt_in() -> None:
    processor = inbox_of()
    processor.feed(contact(PHONE, "acme", asked=True))
    assert marks(processor, "ok") == [None]
    assert marks(processor, "Who is this?", NOON + MINUTE) == [True]


@pytest.mark.parametrize(
    "number",
    ["24273", "+24273", "12345678", "+12345678", "HARBOR", "ana@example.com", OTHER, SHARED],
)
def test_not_for_what_may_be_a_machine(number: str) -> None:
    assert marks(inbox_of(number), "What time?", number=number) == [None]


def test_a_picture_is_a_text_of_somebody_s() -> None:
    assert marks(inbox_of(), "", media=["https://media.example/1"]) == [True]


# --- two installations


class Installation:
    """Inbox and gate of one installation, whose tenant texts from `sender`, for one number."""

    def __init__(self, sender: str, number: str) -> None:
        tenant = {
            "tenant": "acme",
            "name": "Harbor Law",
            "sender": sender,
            "unmonitored": True,
            "contact": "555-0100",
        }
        policy = build_settings(
            {"acme": TenantSettings.model_validate(tenant)},
            {sender: Sender(sender=sender, kind=SenderKind.LONG_CODE, owner="acme")},
        )
        self.sender, self.number = sender, number
        self.inbox = ProcessorHarness(inbox, inbox_on_timer, f"{sender}/{number}", policy, now=NOON)
        self.gate = ProcessorHarness(gate, gate_on_timer, f"acme/{number}", policy, now=NOON)
        self.gate.feed(
            ConsentEvent.model_validate(
                {
                    "event_id": "e1",
                    "tenant": "acme",
                    "number": number,
                    "action": ConsentAction.OPT_IN,
                    "source": "form",
                    "evidence": {"wording": "Yes, text me."},
                    "at": NOON,
                }
            )
        )

    def receive(self, body: str, provider_id: str, at: datetime) -> list[str]:
        """What it texts back."""
        inbound = InboundMessage(
            provider_id=provider_id,
            sender=self.sender,
            to_address=self.sender,
            number=self.number,
            body=body,
            received_at=at,
        )
        self.inbox.run_until(at)
        self.gate.run_until(at)
        sent: list[str] = []
        for reply in on_topic(REPLIES, self.inbox.publish_from(inbound, at=at)):
            assert isinstance(reply, Reply)
            orders = on_topic(DISPATCH_ORDERS, self.gate.publish_from(reply, at=at))
            sent += [order.body for order in orders]
        return sent


def test_two_installations_do_not_keep_each_other_talking() -> None:
    """Each takes the other for somebody who has opted in, and something sets them off daily.

    Between them the words are made to mean nothing, as other languages' may: each text is one that
    would be answered."""
    one, other = Installation(SHARED, OTHER), Installation(OTHER, SHARED)
    counts: list[int] = []
    for day in range(3):
        under_way = [(other, "Hello?")]
        counts.append(0)
        for minute in range(200):
            if not under_way:
                break
            to, body = under_way.pop(0)
            at = NOON + day * DAY + (minute + 1) * MINUTE
            back = one if to is other else other
            answers = to.receive(body, f"SM{day}-{minute}", at)
            counts[-1] += len(answers)
            under_way += [(back, "Which room?") for _ in answers]
        assert under_way == []
    assert counts == [2, 2, 2]
