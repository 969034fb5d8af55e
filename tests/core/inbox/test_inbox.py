from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.base import Evidence
from schemas.consent import ConsentEvent
from schemas.inbound import Contact, InboundMessage, Reply
from schemas.sender import Sender, SenderKind
from schemas.tenant_settings import TenantSettings
from schemas.topics import CONSENT_EVENTS, DEAD_LETTERS, REPLIES
from streams.inbox import inbox, inbox_on_timer
from streams.processing import InputRecord, UnreadableRecord, build_settings
from tests.core.harness import ProcessorHarness, on_topic

NOON = datetime(2026, 11, 21, 17, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PHONE, OWN, SHARED = "+14155550100", "24273", "+12125550111"

SETTINGS = build_settings(
    {},
    {
        OWN: Sender(sender=OWN, kind=SenderKind.SHORT_CODE, owner="acme"),
        SHARED: Sender(sender=SHARED, kind=SenderKind.LONG_CODE, shared_by=("acme", "bolt")),
    },
)


def inbox_processor(sender: str = SHARED) -> ProcessorHarness:
    return ProcessorHarness(inbox, inbox_on_timer, f"{sender}/{PHONE}", SETTINGS, now=NOON)


def inbound(body: str, provider_id: str = "SM1", **changes: Any) -> InboundMessage:
    said = {
        "provider_id": provider_id,
        "sender": SHARED,
        "to_address": SHARED,
        "number": PHONE,
        "received_at": NOON,
    }
    return InboundMessage.model_validate({"body": body} | said | changes)


def contact(tenant: str, minute: int = 0, **said: Any) -> Contact:
    """A text of that tenant left so many minutes after eleven."""
    at = NOON - HOUR + minute * MINUTE
    return Contact(sender=SHARED, number=PHONE, tenant=tenant, at=at, **said)


def route(processor: ProcessorHarness, body: str, provider_id: str) -> list[str]:
    return [
        reply.tenant
        for reply in on_topic(REPLIES, processor.publish_from(inbound(body, provider_id)))
    ]


def test_a_reply_carries_the_text_and_where_it_came_from() -> None:
    (reply,) = on_topic(
        REPLIES,
        inbox_processor(OWN).publish_from(
            inbound("Hello", sender=OWN, media=("a.jpg",)), at=NOON + MINUTE
        ),
    )
    assert reply == Reply(
        tenant="acme",
        number=PHONE,
        sender=OWN,
        provider_id="SM1",
        body="Hello",
        media=("a.jpg",),
        received_at=NOON,
        appended_at=NOON + MINUTE,
        evidence=Evidence(topic="sms.inbound", partition=0, offset=0),
    )


def test_a_conversation_on_a_shared_sender() -> None:
    processor = inbox_processor()
    processor.feed(contact("acme", 1))
    processor.feed(contact("bolt", 2, asked=True))
    processor.feed(contact("acme", 3))
    assert route(processor, "who is this?", "1") == ["acme"]
    assert route(processor, "START", "2") == ["bolt"]
    assert route(processor, "START", "3") == ["acme"], "the ask is answered: whoever texted last"
    assert route(processor, "stop", "4") == ["acme", "bolt"]


def test_an_opt_in_request_stays_open_until_a_keyword() -> None:
    processor = inbox_processor()
    processor.feed(contact("bolt", 1, asked=True))
    processor.feed(contact("bolt", 2))
    processor.feed(contact("acme", 3))
    route(processor, "what?", "1")
    assert route(processor, "yes", "2") == ["bolt"]
    processor.feed(contact("bolt", 4, asked=True))
    route(processor, "STOP", "3")
    processor.feed(contact("acme", 5))
    assert route(processor, "START", "4") == ["acme"]


def failed_request(tenant: str, minute: int) -> Contact:
    """The gate has heard that the ask of that minute came to nothing."""
    return contact(tenant, minute, unasked=True)


def test_a_failed_opt_in_request_is_not_answered() -> None:
    processor = inbox_processor()
    processor.feed(contact("acme", 1, asked=True))
    processor.feed(contact("bolt", 2, asked=True))
    processor.feed(failed_request("acme", 1))
    assert route(processor, "START", "1") == ["bolt"]


def test_a_failed_request_counts_for_a_stop_only() -> None:
    processor = inbox_processor()
    processor.feed(contact("bolt", 1))
    processor.feed(contact("acme", 2, asked=True))
    processor.feed(failed_request("acme", 2))
    assert route(processor, "START", "1") == ["bolt"]
    assert route(processor, "hello?", "2") == ["bolt"]
    assert route(processor, "STOP", "3") == ["acme", "bolt"]


def test_a_text_beside_a_failed_request_counts() -> None:
    processor = inbox_processor()
    processor.feed(contact("acme", 1))
    processor.feed(contact("bolt", 2))
    processor.feed(contact("acme", 3, asked=True))
    processor.feed(contact("acme", 4, asked=True))
    processor.feed(failed_request("acme", 4))
    assert route(processor, "hi", "1") == ["bolt"]
    processor.feed(contact("acme", 5, asked=True))
    processor.feed(contact("acme", 6))
    processor.feed(failed_request("acme", 5))
    assert route(processor, "hi", "2") == ["acme"]


def test_an_answered_request_that_failed_changes_nothing() -> None:
    processor = inbox_processor()
    processor.feed(contact("acme", 1, asked=True))
    assert route(processor, "START", "1") == ["acme"]
    before = dict(processor.state.raw)
    processor.feed(failed_request("acme", 1))
    assert processor.state.raw == before


def test_an_older_contact_does_not_become_the_last() -> None:
    processor = inbox_processor()
    processor.feed(contact("acme", 5))
    processor.feed(contact("bolt", 3))
    processor.feed(contact("acme", 1))
    assert route(processor, "hi", "1") == ["acme"]


@pytest.mark.parametrize("body", ["START", "STOP", "hello"])
def test_a_repeated_text_publishes_nothing(body: str) -> None:
    processor = inbox_processor()
    processor.feed(contact("acme"))
    assert route(processor, body, "1") == ["acme"]
    before = dict(processor.state.raw)
    assert processor.publish_from(inbound(body, "1")) == []
    assert processor.state.raw == before


def test_a_start_is_remembered_for_good() -> None:
    processor = inbox_processor()
    processor.feed(contact("acme"))
    route(processor, "START", "1")
    route(processor, "hello", "2")
    processor.run_until(NOON + 35 * DAY)
    assert route(processor, "START", "1") == []
    assert route(processor, "hello", "2") == ["acme"]


@pytest.mark.parametrize(
    ("sender", "body", "cause"),
    [
        pytest.param(SHARED, "hello", "nobody_texted", id="shared, and nobody texted"),
        pytest.param(SHARED, "START", "nobody_texted", id="a yes to nobody"),
        pytest.param("99999", "STOP", "unknown_sender", id="a sender nobody knows"),
    ],
)
def test_nobodys_text_is_one_dead_letter(sender: str, body: str, cause: str) -> None:
    processor = inbox_processor(sender)
    record = inbound(body, sender=sender, to_address=sender)
    (letter,) = on_topic(DEAD_LETTERS, processor.publish_from(record))
    assert (letter.room, letter.cause, letter.topic) == ("inbox", cause, "sms.inbound")
    assert base64.b64decode(letter.key or "").decode() == f"{sender}/{PHONE}"
    assert InboundMessage.model_validate_json(letter.value_bytes or b"") == record
    assert processor.publish_from(record) == []


@pytest.mark.parametrize("body", ["STOP", "START"])
def test_a_text_is_routed_once_its_sender_is_known(body: str) -> None:
    """Staff apply the sender and replay the record, as its letter says; a yes is no younger for
    it."""
    processor = inbox_processor("99999")
    record = inbound(body, sender="99999", to_address="99999")
    assert on_topic(DEAD_LETTERS, processor.publish_from(record, at=NOON))
    known = Sender(sender="99999", kind=SenderKind.SHORT_CODE, owner="acme")
    processor.settings = build_settings({}, {"99999": known})
    (reply,) = on_topic(REPLIES, processor.publish_from(record, at=NOON + DAY))
    assert (reply.tenant, reply.body, reply.appended_at) == ("acme", body, NOON)
    assert processor.publish_from(record, at=NOON + DAY) == []


def test_a_carriers_stop_is_one_for_all_who_texted() -> None:
    """By words that only the provider was told of; nothing else that it says makes one."""
    processor = inbox_processor()
    for tenant in ("acme", "bolt"):
        processor.feed(contact(tenant))
    replies = on_topic(REPLIES, processor.publish_from(inbound("Genug 77", carrier_stop=True)))
    assert [(reply.tenant, reply.body, reply.carrier_stop) for reply in replies] == [
        ("acme", "Genug 77", True),
        ("bolt", "Genug 77", True),
    ]
    assert route(processor, "Genug 77", "2") == ["bolt"]


SERVICE = "MG" + "0" * 32


@pytest.mark.parametrize(
    ("number", "body", "tenants"),
    [
        pytest.param(OWN, "STOP", ["acme"], id="STOP"),
        pytest.param(OWN, "START", ["acme"], id="START"),
        pytest.param(SHARED, "STOP", ["acme", "bolt"], id="shared, STOP"),
        pytest.param(SHARED, "START", [], id="shared, START: nobody can tell whom it is for"),
    ],
)
def test_a_number_in_a_services_pool_is_the_sender(
    number: str, body: str, tenants: list[str]
) -> None:
    """The provider names the service, which nobody has declared, for the number is what is
    texted from."""
    processor = inbox_processor(SERVICE)
    replies = on_topic(
        REPLIES, processor.publish_from(inbound(body, sender=SERVICE, to_address=number))
    )
    assert [(reply.tenant, reply.sender) for reply in replies] == [
        (tenant, number) for tenant in tenants
    ]


@pytest.mark.parametrize(
    "changes", [{"body": "x" * 900_000}, {"body": "STOP", "provider_id": "x" * 900_000}]
)
def test_a_text_too_long_for_a_phone_is_a_dead_letter(changes: dict[str, str]) -> None:
    (letter,) = on_topic(DEAD_LETTERS, inbox_processor().publish_from(inbound(**changes)))
    assert letter.cause == "too_large"


@pytest.mark.parametrize("provider_id", ["", "\0", "x" * 50_000, "SM 1", "SMé"])
def test_any_provider_id_makes_a_short_name(provider_id: str) -> None:
    processor = inbox_processor()
    processor.feed(contact("acme"))
    assert route(processor, "hello", provider_id) == ["acme"]
    assert route(processor, "hello", provider_id) == []
    assert all(
        name.isascii() and name.isprintable() and len(name) <= 140 for name in processor.state.raw
    )


def unread(processor: ProcessorHarness, offset: int = 7) -> list[ConsentEvent]:
    unreadable = UnreadableRecord(
        cause="invalid", reason="body: missing", entity_key=processor.state.entity_key
    )
    step = inbox(
        processor.state, InputRecord(unreadable, "sms.inbound", 0, offset, 1), NOON, SETTINGS
    )
    assert not step.state
    assert len(on_topic(CONSENT_EVENTS, list(step.publish))) == len(step.publish)
    return on_topic(CONSENT_EVENTS, list(step.publish))


def list_blocks(processor: ProcessorHarness) -> list[tuple[str, str]]:
    events = unread(processor)
    assert {(event.number, event.sender, event.source) for event in events} <= {
        (PHONE, SHARED, "sms.inbound")
    }
    return [(event.tenant, event.action) for event in events]


def test_an_unreadable_text_blocks_all_who_texted() -> None:
    processor = inbox_processor()
    processor.feed(contact("bolt"))
    assert list_blocks(processor) == [("bolt", "unreadable")]


def test_an_unreadable_text_blocks_all_who_share() -> None:
    assert list_blocks(inbox_processor()) == [("acme", "unreadable"), ("bolt", "unreadable")]


@pytest.mark.parametrize(
    "entity_key", ["", "k", f"99999/{PHONE}", f"{SHARED}/", f"{SHARED}/acme", f"/{PHONE}"]
)
def test_an_unreadable_text_without_a_number_blocks_nobody(
    entity_key: str,
) -> None:
    processor = ProcessorHarness(inbox, inbox_on_timer, entity_key, SETTINGS, now=NOON)
    assert unread(processor) == []


def test_each_unreadable_record_is_another_event() -> None:
    processor = inbox_processor(OWN)
    assert len({event.event_id for offset in range(3) for event in unread(processor, offset)}) == 3


def test_a_yes_is_remembered_for_good() -> None:
    processor = inbox_processor()
    processor.feed(contact("acme"))
    route(processor, "YES", "1")
    processor.run_until(NOON + 35 * DAY)
    assert route(processor, "YES", "1") == []


def test_a_revocation_counts_for_all_but_is_read_by_one() -> None:
    processor = inbox_processor()
    processor.feed(contact("acme", 1, asked=True))
    processor.feed(contact("bolt", 2))
    said = "I am out of hospital. Please stop texting me about it!"
    published = on_topic(REPLIES, processor.publish_from(inbound(said, media=("scan.jpg",))))
    assert [(reply.tenant, reply.body, reply.media) for reply in published] == [
        ("acme", "please stop texting me", ()),
        ("bolt", said, ("scan.jpg",)),
    ]
    processor.feed(contact("bolt", 4))
    assert route(processor, "START", "2") == ["bolt"], "the ask is answered"


def test_each_tenant_that_shares_a_sender_has_its_own_words() -> None:
    bolt = TenantSettings(
        tenant="bolt", name="Bolt", sender=SHARED, keywords={"stop": ["Zapzarap"], "start": ["Los"]}
    )
    processor = ProcessorHarness(
        inbox,
        inbox_on_timer,
        f"{SHARED}/{PHONE}",
        build_settings({"bolt": bolt}, SETTINGS.senders),
        now=NOON,
    )
    processor.feed(contact("bolt", 1, asked=True))
    processor.feed(contact("acme", 2))
    assert route(processor, "Zapzarap!", "1") == ["acme", "bolt"], (
        "to the one a STOP, to the one that texted last a text"
    )
    assert route(processor, "los", "2") == ["acme"], "bolt's ask is answered: whoever texted last"
    processor.feed(contact("bolt", 3, asked=True))
    processor.feed(contact("acme", 4))
    assert route(processor, "los", "3") == ["bolt"]


def test_one_tenants_stop_is_not_shown_to_the_others() -> None:
    acme = TenantSettings(
        tenant="acme", name="Acme", sender=SHARED, keywords={"stop": ["Zapzarap"]}
    )
    processor = ProcessorHarness(
        inbox,
        inbox_on_timer,
        f"{SHARED}/{PHONE}",
        build_settings({"acme": acme}, SETTINGS.senders),
        now=NOON,
    )
    processor.feed(contact("bolt", 1))
    processor.feed(contact("acme", 2))
    assert route(processor, "Zapzarap!", "1") == ["acme"]
