from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.base import Evidence
from schemas.consent_event import ConsentEvent
from schemas.contact import Contact
from schemas.inbound_message import InboundMessage
from schemas.reply import Reply
from schemas.sender import Sender, SenderKind
from schemas.tenant_settings import TenantSettings
from schemas.topics import CONSENT_EVENTS, DEAD_LETTERS, REPLIES
from streams.inbox import inbox, inbox_woke
from streams.step import Fact, Unreadable, settings_of
from tests.core.playing import Played, of

NOON = datetime(2026, 11, 21, 17, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
PHONE, OWN, SHARED = "+14155550100", "24273", "+12125550111"

SETTINGS = settings_of(
    {},
    {
        OWN: Sender(sender=OWN, kind=SenderKind.SHORT_CODE, owner="acme"),
        SHARED: Sender(sender=SHARED, kind=SenderKind.LONG_CODE, shared_by=("acme", "bolt")),
    },
)


def played(sender: str = SHARED) -> Played:
    return Played(inbox, inbox_woke, f"{sender}/{PHONE}", NOON, SETTINGS)


def inbound(body: str, provider_id: str = "SM1", **changes: Any) -> InboundMessage:
    said = {
        "provider_id": provider_id,
        "sender": SHARED,
        "to_address": SHARED,
        "number": PHONE,
        "received_at": NOON,
    }
    return InboundMessage.model_validate({"body": body} | said | changes)


def contact(tenant: str, minute: int = 0, *, asked: bool = False) -> Contact:
    return Contact(
        sender=SHARED, number=PHONE, tenant=tenant, asked=asked, at=NOON + minute * MINUTE
    )


def told(room: Played, body: str, provider_id: str) -> list[str]:
    return [reply.tenant for reply in of(REPLIES, room.tell(inbound(body, provider_id)))]


def test_a_reply_carries_the_text_and_where_it_came_from() -> None:
    (reply,) = of(
        REPLIES, played(OWN).tell(inbound("Hello", sender=OWN, media=("a.jpg",)), at=NOON + MINUTE)
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
    room = played()
    room.tell(contact("acme", 1))
    room.tell(contact("bolt", 2, asked=True))
    room.tell(contact("acme", 3))
    assert told(room, "who is this?", "1") == ["acme"]
    assert told(room, "START", "2") == ["bolt"]
    assert told(room, "START", "3") == ["acme"], "the ask is answered: whoever texted last"
    assert told(room, "stop", "4") == ["acme", "bolt"]


def test_an_ask_stays_open_until_a_keyword_answers_it() -> None:
    room = played()
    room.tell(contact("bolt", 1, asked=True))
    room.tell(contact("bolt", 2))
    room.tell(contact("acme", 3))
    told(room, "what?", "1")
    assert told(room, "yes", "2") == ["bolt"]
    room.tell(contact("bolt", 4, asked=True))
    told(room, "STOP", "3")
    room.tell(contact("acme", 5))
    assert told(room, "START", "4") == ["acme"]


def unasked(tenant: str, minute: int) -> Contact:
    """The gate has heard that the ask of that minute came to nothing."""
    return Contact(
        sender=SHARED, number=PHONE, tenant=tenant, unasked=True, at=NOON + minute * MINUTE
    )


def test_an_ask_that_came_to_nothing_is_not_answered() -> None:
    room = played()
    room.tell(contact("acme", 1, asked=True))
    room.tell(contact("bolt", 2, asked=True))
    room.tell(unasked("acme", 1))
    assert told(room, "START", "1") == ["bolt"]


def test_an_ask_that_came_to_nothing_makes_nobody_the_last_who_texted_but_one_to_stop() -> None:
    room = played()
    room.tell(contact("bolt", 1))
    room.tell(contact("acme", 2, asked=True))
    room.tell(unasked("acme", 2))
    assert told(room, "START", "1") == ["bolt"]
    assert told(room, "hello?", "2") == ["bolt"]
    assert told(room, "STOP", "3") == ["acme", "bolt"]


def test_what_was_texted_besides_a_lost_ask_counts() -> None:
    room = played()
    room.tell(contact("acme", 1))
    room.tell(contact("bolt", 2))
    room.tell(contact("acme", 3, asked=True))
    room.tell(contact("acme", 4, asked=True))
    room.tell(unasked("acme", 4))
    assert told(room, "hi", "1") == ["bolt"]
    room.tell(contact("acme", 5, asked=True))
    room.tell(contact("acme", 6))
    room.tell(unasked("acme", 5))
    assert told(room, "hi", "2") == ["acme"]


def test_that_an_answered_ask_came_to_nothing_changes_nothing() -> None:
    room = played()
    room.tell(contact("acme", 1, asked=True))
    assert told(room, "START", "1") == ["acme"]
    before = dict(room.rows.raw)
    room.tell(unasked("acme", 1))
    assert room.rows.raw == before


def test_an_older_contact_does_not_become_the_last() -> None:
    room = played()
    room.tell(contact("acme", 5))
    room.tell(contact("bolt", 3))
    room.tell(contact("acme", 1))
    assert told(room, "hi", "1") == ["acme"]


@pytest.mark.parametrize("body", ["START", "STOP", "hello"])
def test_a_repeat_says_nothing(body: str) -> None:
    room = played()
    room.tell(contact("acme"))
    assert told(room, body, "1") == ["acme"]
    before = dict(room.rows.raw)
    assert room.tell(inbound(body, "1")) == []
    assert room.rows.raw == before


def test_starts_are_remembered_for_good_and_the_rest_for_35_days() -> None:
    room = played()
    room.tell(contact("acme"))
    told(room, "START", "1")
    told(room, "hello", "2")
    room.until(NOON + 35 * DAY)
    assert told(room, "START", "1") == []
    assert told(room, "hello", "2") == ["acme"]


@pytest.mark.parametrize(
    ("sender", "body", "cause"),
    [
        pytest.param(SHARED, "hello", "nobody_texted", id="shared, and nobody texted"),
        pytest.param(SHARED, "START", "nobody_texted", id="a yes to nobody"),
        pytest.param("99999", "STOP", "unknown_sender", id="a sender nobody knows"),
    ],
)
def test_what_is_nobodys_is_set_aside_once(sender: str, body: str, cause: str) -> None:
    room = played(sender)
    fact = inbound(body, sender=sender, to_address=sender)
    (letter,) = of(DEAD_LETTERS, room.tell(fact))
    assert (letter.room, letter.cause, letter.topic) == ("inbox", cause, "sms.inbound")
    assert base64.b64decode(letter.key or "").decode() == f"{sender}/{PHONE}"
    assert InboundMessage.model_validate_json(letter.value_bytes or b"") == fact
    assert room.tell(fact) == []


@pytest.mark.parametrize("body", ["STOP", "START"])
def test_what_was_nobodys_is_somebodys_once_its_sender_is_known(body: str) -> None:
    """Staff apply the sender and replay the record, as its letter says; a yes is no younger for it."""
    room = played("99999")
    fact = inbound(body, sender="99999", to_address="99999")
    assert of(DEAD_LETTERS, room.tell(fact, at=NOON))
    known = Sender(sender="99999", kind=SenderKind.SHORT_CODE, owner="acme")
    room.settings = settings_of({}, {"99999": known})
    (reply,) = of(REPLIES, room.tell(fact, at=NOON + DAY))
    assert (reply.tenant, reply.body, reply.appended_at) == ("acme", body, NOON)
    assert room.tell(fact, at=NOON + DAY) == []


def test_what_the_carrier_takes_for_a_stop_is_one_for_all_who_texted() -> None:
    """By words that only the provider was told of; nothing else that it says makes one."""
    room = played()
    for tenant in ("acme", "bolt"):
        room.tell(contact(tenant))
    replies = of(REPLIES, room.tell(inbound("Basta ya", carrier_stop=True)))
    assert [(reply.tenant, reply.body, reply.carrier_stop) for reply in replies] == [
        ("acme", "Basta ya", True),
        ("bolt", "Basta ya", True),
    ]
    assert told(room, "Basta ya", "2") == ["bolt"]


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
def test_a_number_that_a_service_has_in_its_pool_is_the_sender(
    number: str, body: str, tenants: list[str]
) -> None:
    """The provider names the service, which nobody has declared, for the number is what is texted from."""
    room = played(SERVICE)
    replies = of(REPLIES, room.tell(inbound(body, sender=SERVICE, to_address=number)))
    assert [(reply.tenant, reply.sender) for reply in replies] == [
        (tenant, number) for tenant in tenants
    ]


@pytest.mark.parametrize(
    "changes", [{"body": "x" * 900_000}, {"body": "STOP", "provider_id": "x" * 900_000}]
)
def test_what_no_phone_sends_is_set_aside(changes: dict[str, str]) -> None:
    (letter,) = of(DEAD_LETTERS, played().tell(inbound(**changes)))
    assert letter.cause == "too_large"


@pytest.mark.parametrize("provider_id", ["", "\0", "x" * 50_000, "SM 1", "SMé"])
def test_any_provider_id_makes_a_short_name(provider_id: str) -> None:
    room = played()
    room.tell(contact("acme"))
    assert told(room, "hello", provider_id) == ["acme"]
    assert told(room, "hello", provider_id) == []
    assert all(name.isascii() and name.isprintable() and len(name) <= 140 for name in room.rows.raw)


def unread(room: Played, offset: int = 7) -> list[ConsentEvent]:
    unreadable = Unreadable(cause="invalid", reason="body: missing", family=room.rows.family)
    step = inbox(room.rows, Fact(unreadable, "sms.inbound", 0, offset, 1), NOON, SETTINGS)
    assert not step.rows
    assert len(of(CONSENT_EVENTS, list(step.publish))) == len(step.publish)
    return of(CONSENT_EVENTS, list(step.publish))


def blocked(room: Played) -> list[tuple[str, str]]:
    events = unread(room)
    assert {(event.number, event.sender, event.source) for event in events} <= {
        (PHONE, SHARED, "sms.inbound")
    }
    return [(event.tenant, event.action) for event in events]


def test_a_text_that_cannot_be_read_blocks_whoever_texted_the_number() -> None:
    room = played()
    room.tell(contact("bolt"))
    assert blocked(room) == [("bolt", "unreadable")]


def test_if_nobody_is_known_to_have_texted_it_blocks_all_that_share_the_sender() -> None:
    assert blocked(played()) == [("acme", "unreadable"), ("bolt", "unreadable")]


@pytest.mark.parametrize(
    "family", ["", "k", f"99999/{PHONE}", f"{SHARED}/", f"{SHARED}/acme", f"/{PHONE}"]
)
def test_where_its_key_names_no_number_or_no_sender_of_ours_it_blocks_nobody(family: str) -> None:
    room = Played(inbox, inbox_woke, family, NOON, SETTINGS)
    assert unread(room) == []


def test_each_unreadable_record_is_another_event() -> None:
    room = played(OWN)
    assert len({event.event_id for offset in range(3) for event in unread(room, offset)}) == 3


def test_a_yes_is_remembered_for_good() -> None:
    room = played()
    room.tell(contact("acme"))
    told(room, "YES", "1")
    room.until(NOON + 35 * DAY)
    assert told(room, "YES", "1") == []


def test_a_revocation_counts_for_all_but_its_words_are_for_whom_they_were_written_to() -> None:
    room = played()
    room.tell(contact("acme", 1, asked=True))
    room.tell(contact("bolt", 2))
    said = "I am out of hospital. Please stop texting me about it!"
    published = of(REPLIES, room.tell(inbound(said, media=("scan.jpg",))))
    assert [(reply.tenant, reply.body, reply.media) for reply in published] == [
        ("acme", "please stop texting me", ()),
        ("bolt", said, ("scan.jpg",)),
    ]
    room.tell(contact("bolt", 4))
    assert told(room, "START", "2") == ["bolt"], "the ask is answered"


def test_each_tenant_that_shares_a_sender_has_its_own_words() -> None:
    bolt = TenantSettings(
        tenant="bolt", name="Bolt", sender=SHARED, keywords={"stop": ["Genug"], "start": ["Los"]}
    )
    room = Played(
        inbox, inbox_woke, f"{SHARED}/{PHONE}", NOON, settings_of({"bolt": bolt}, SETTINGS.senders)
    )
    room.tell(contact("bolt", 1, asked=True))
    room.tell(contact("acme", 2))
    assert told(room, "Genug!", "1") == ["acme", "bolt"], (
        "to the one a STOP, to the one that texted last a text"
    )
    assert told(room, "los", "2") == ["acme"], "bolt's ask is answered: whoever texted last"
    room.tell(contact("bolt", 3, asked=True))
    room.tell(contact("acme", 4))
    assert told(room, "los", "3") == ["bolt"]


def test_what_only_one_tenant_takes_for_a_stop_is_not_for_the_others_to_read() -> None:
    acme = TenantSettings(tenant="acme", name="Acme", sender=SHARED, keywords={"stop": ["Genug"]})
    room = Played(
        inbox, inbox_woke, f"{SHARED}/{PHONE}", NOON, settings_of({"acme": acme}, SETTINGS.senders)
    )
    room.tell(contact("bolt", 1))
    room.tell(contact("acme", 2))
    assert told(room, "Genug!", "1") == ["acme"]
