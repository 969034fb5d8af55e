"""What is queued has reached nobody: a yes is for whose text had left when it came."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.tenant_settings import TenantSettings
from schemas.topics import REPLIES
from streams.inbox import inbox
from streams.inbox.state import ContactEntry, apply_contact
from streams.processing import InputRecord, PartitionAcquired, StateStore, build_settings
from streams.state_entry import dump, parse
from tests.core.harness import ProcessorHarness, on_topic
from tests.core.inbox.test_inbox import (
    HOUR,
    MINUTE,
    NOON,
    OWN,
    SHARED,
    contact,
    inbound,
    inbox_processor,
    route,
)


def asked(tenant: str, minute: int, **said: Any) -> Any:
    return contact(tenant, minute, asked=True, **said)


def queued(tenant: str, minute: int, **said: Any) -> Any:
    return contact(tenant, minute, queued=True, **said)


def told(*contacts: Any) -> ProcessorHarness:
    processor = inbox_processor()
    for one in contacts:
        processor.feed(one)
    return processor


@pytest.mark.parametrize("word", ["YES", "START"])
def test_a_yes_is_for_whose_request_has_left(word: str) -> None:
    processor = told(asked("acme", 1), queued("bolt", 2, asked=True))
    assert route(processor, word, "1") == ["acme"]
    processor.feed(asked("bolt", 3))
    assert route(processor, word, "2") == ["bolt"]


@pytest.mark.parametrize("body", ["START", "YES", "hello?", "HELP"])
def test_nor_did_it_text_last(body: str) -> None:
    processor = told(contact("acme", 1), queued("bolt", 2))
    assert route(processor, body, "1") == ["acme"]


@pytest.mark.parametrize("body", ["START", "YES", "hello?"])
def test_where_nothing_has_left_it_is_nobodys(body: str) -> None:
    assert route(told(queued("bolt", 2, asked=True)), body, "1") == []


@pytest.mark.parametrize("body", ["STOP", "please stop texting me"])
def test_a_stop_is_for_what_is_queued_as_well(body: str) -> None:
    processor = told(contact("acme", 1), queued("bolt", 2, asked=True))
    assert route(processor, body, "1") == ["acme", "bolt"]
    assert route(told(queued("bolt", 2)), body, "1") == ["bolt"]


def test_who_has_texted_them_reads_their_words() -> None:
    said = "I am out of hospital. Please stop texting me about it!"
    processor = told(contact("acme", 1), queued("bolt", 2))
    replies = on_topic(REPLIES, processor.publish_from(inbound(said)))
    assert [(reply.tenant, reply.body) for reply in replies] == [
        ("acme", said),
        ("bolt", "please stop texting me"),
    ]


def test_who_has_texted_them_confirms_their_stop() -> None:
    processor = told(contact("acme", 1), queued("bolt", 2))
    tenants = {
        name: TenantSettings(tenant=name, name=name, sender=SHARED) for name in ("acme", "bolt")
    }
    processor.settings = build_settings(tenants, processor.settings.senders)
    replies = on_topic(REPLIES, processor.publish_from(inbound("STOP")))
    assert [(reply.tenant, reply.confirmed_by) for reply in replies] == [
        ("acme", "acme"),
        ("bolt", "acme"),
    ]


def test_after_their_stop_a_start_is_not_for_what_never_left() -> None:
    processor = told(contact("acme", 1), queued("bolt", 2, asked=True))
    assert route(processor, "STOP", "1") == ["acme", "bolt"]
    assert route(processor, "START", "2") == ["acme"]


@pytest.mark.parametrize("at", [NOON, NOON + 4 * HOUR])
def test_a_yes_that_is_read_late_is_for_whose_request_had_left(at: datetime) -> None:
    """The inbox was behind, and has read contacts to their end first."""
    later = asked("bolt", 60 + 60)
    processor = told(asked("acme", 1), later)
    processor.now = at
    replies = on_topic(REPLIES, processor.publish_from_stamped(inbound("YES"), NOON))
    assert [reply.tenant for reply in replies] == ["acme"]
    replies = on_topic(REPLIES, processor.publish_from(inbound("YES", "2"), at=NOON + 2 * HOUR))
    assert [reply.tenant for reply in replies] == ["bolt"]


def test_nor_is_one_that_is_replayed_for_a_later_request() -> None:
    processor = told(queued("bolt", 1, asked=True))
    assert route(processor, "YES", "1") == []
    processor.feed(asked("bolt", 90))
    replayed = processor.publish_from(inbound("YES", "1"), at=NOON + HOUR)
    assert on_topic(REPLIES, replayed) == []


def test_clocks_may_differ_a_little() -> None:
    processor = told(asked("acme", 60).model_copy(update={"at": NOON + MINUTE / 15}))
    assert route(processor, "YES", "1") == ["acme"]


@pytest.mark.parametrize("word", ["YES", "START", "hello?"])
def test_what_was_not_taken_never_left(word: str) -> None:
    processor = told(
        contact("acme", 1), asked("bolt", 2), asked("bolt", 2, untaken=True), queued("bolt", 1)
    )
    assert route(processor, word, "1") == ["acme"]
    processor.feed(asked("bolt", 3))
    assert route(processor, word, "2") == ["bolt"]


def test_an_earlier_request_stays_open_where_the_next_is_not_taken() -> None:
    processor = told(asked("bolt", 1), contact("acme", 2), asked("bolt", 3))
    processor.feed(asked("bolt", 3, untaken=True))
    assert route(processor, "hello?", "1") == ["acme"]
    assert route(processor, "YES", "2") == ["bolt"]


def test_of_two_texts_that_were_not_taken_neither_counts() -> None:
    processor = told(*(contact("bolt", minute) for minute in (1, 3, 4)), contact("acme", 2))
    processor.feed(contact("bolt", 3, untaken=True))
    processor.feed(contact("bolt", 4, untaken=True))
    assert route(processor, "hello?", "1") == ["acme"]
    processor.feed(contact("acme", 2, untaken=True))
    assert route(processor, "hello?", "2") == ["bolt"]


def test_an_answer_settles_what_had_left() -> None:
    processor = told(asked("bolt", 1), contact("acme", 2))
    route(processor, "YES", "1")
    processor.feed(asked("bolt", 1, untaken=True))
    assert route(processor, "YES", "2") == ["acme"]


def test_a_new_owners_queued_request_does_not_hide_the_older_one() -> None:
    """The sender was bolt's before."""
    processor = inbox_processor(OWN)
    own = {"sender": OWN}
    processor.feed(asked("bolt", 1).model_copy(update=own))
    processor.feed(queued("acme", 2, asked=True).model_copy(update=own))
    replies = on_topic(REPLIES, processor.publish_from(inbound("YES", sender=OWN)))
    assert [reply.tenant for reply in replies] == ["bolt"]


# --- versions before


def test_an_entry_of_a_version_before_keeps_its_meaning() -> None:
    early, late = NOON - 2 * HOUR, NOON - HOUR
    kept = parse(
        ContactEntry,
        b'{"last":"2026-11-21T16:00:00Z","asked":true,"before":"2026-11-21T15:00:00Z"}',
    )
    processor = inbox_processor()
    processor.state.raw["contact/bolt"] = dump(kept)
    processor.feed(contact("acme", 5))
    processor.feed(queued("bolt", 6))
    assert (kept.last, kept.before) == (late, early)
    assert route(processor, "YES", "1") == ["bolt"]
    assert route(processor, "hello?", "2") == ["acme"]


def test_a_version_before_reads_what_this_one_writes() -> None:
    entry = None
    for one in (queued("bolt", 0), contact("bolt", 1), asked("bolt", 2), contact("bolt", 3)):
        entry = apply_contact(entry, one)
    assert entry is not None
    assert (entry.last, entry.awaits_opt_in, entry.before) == (
        NOON - HOUR + 3 * MINUTE,
        True,
        NOON - HOUR + 3 * MINUTE,
    )


def test_a_long_conversation_makes_no_long_entry() -> None:
    entry = None
    for minute in range(200):
        entry = apply_contact(entry, contact("bolt", minute, asked=minute % 7 == 0))
    assert entry is not None
    assert entry.has_texted
    assert entry.awaits_opt_in
    assert len(dump(entry)) < 700


def test_what_never_left_moves_to_the_numbers_own_key_as_such() -> None:
    old = "55501/+5215512345678"
    state = StateStore(old, {"contact/acme": dump(apply_contact(None, queued("acme", 1)))})
    now = datetime(2026, 11, 22, tzinfo=UTC)
    result = inbox(state, InputRecord(PartitionAcquired()), now, build_settings({}, {}))
    assert [one.value.queued for one in result.publish] == [True]  # type: ignore[attr-defined]
