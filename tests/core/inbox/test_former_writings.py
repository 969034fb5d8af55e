"""Contacts that a version before kept under another writing go to the number's own key."""

from __future__ import annotations

from datetime import UTC, datetime

from schemas.inbound import Contact
from streams.inbox import inbox, is_former_contact_key
from streams.inbox.state import ContactEntry
from streams.processing import InputRecord, PartitionAcquired, StateStore, build_settings
from streams.state_entry import dump

EARLY, LATE = (datetime(2026, 11, day, tzinfo=UTC) for day in (1, 2))
OLD = "55501/+5215512345678"


def test_only_keys_of_another_writing_are_told() -> None:
    assert is_former_contact_key(OLD)
    assert is_former_contact_key("55501/rcs:+14155550100")
    assert not is_former_contact_key("55501/+525512345678")
    assert not is_former_contact_key("MG0123/+14155550100")


def test_a_contact_moves_with_its_open_request() -> None:
    entry = ContactEntry(last=LATE, awaits_opt_in=True, before=EARLY)
    state = StateStore(OLD, {"contact/acme": dump(entry)})
    record = InputRecord(PartitionAcquired())
    result = inbox(state, record, LATE, build_settings({}, {}))
    assert result.state == {"contact/acme": None}
    contacts = [one.value for one in result.publish]
    assert all(isinstance(one, Contact) for one in contacts)
    assert [(one.number, one.asked, one.at) for one in contacts] == [  # type: ignore[attr-defined]
        ("+525512345678", False, EARLY),
        ("+525512345678", True, LATE),
    ]
