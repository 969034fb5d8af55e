from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from streams.inbound_keywords import Meaning
from streams.inbox.reply_routing import select_tenants
from streams.inbox.state import ContactEntry

NOON = datetime(2026, 11, 21, 17, tzinfo=UTC)
STOP, START, HELP, NONE = Meaning.STOP, Meaning.START, Meaning.HELP, Meaning.NONE
ALL = ("acme", "bolt", "cora")


def contact(*, asked: bool = False, ago: int = 0) -> ContactEntry:
    return ContactEntry(last=NOON - timedelta(minutes=ago), awaits_opt_in=asked)


@pytest.mark.parametrize(
    ("meant", "contacts", "shared_by", "tenants"),
    [
        pytest.param(NONE, {}, ("acme",), ("acme",), id="one tenant: its own"),
        pytest.param(
            NONE,
            {"bolt": contact()},
            ("acme",),
            ("acme",),
            id="one tenant now: its own, whoever was before",
        ),
        pytest.param(
            HELP, {"bolt": contact(asked=True)}, ("acme",), ("acme",), id="so is a question"
        ),
        pytest.param(
            STOP,
            {"bolt": contact()},
            ("acme",),
            ("acme", "bolt"),
            id="one tenant now: STOP to both",
        ),
        pytest.param(
            Meaning.REVOKE,
            {"bolt": contact()},
            ("acme",),
            ("acme", "bolt"),
            id="one tenant now: in other words too",
        ),
        pytest.param(
            START,
            {"bolt": contact(asked=True)},
            ("acme",),
            ("bolt",),
            id="one tenant now: START to the old one's ask",
        ),
        pytest.param(
            START,
            {"bolt": contact()},
            ("acme",),
            ("acme",),
            id="one tenant now: START unasked is its own",
        ),
        pytest.param(
            START,
            {"acme": contact(ago=1), "bolt": contact(asked=True, ago=9)},
            ("acme",),
            ("acme",),
            id="one tenant now: START is its own once it has texted",
        ),
        pytest.param(
            Meaning.YES,
            {"acme": contact(asked=True), "bolt": contact(asked=True)},
            ("acme",),
            ("acme", "bolt"),
            id="one tenant now: YES to both asks",
        ),
        pytest.param(
            STOP,
            {"acme": contact(ago=9), "bolt": contact()},
            ALL,
            ("acme", "bolt"),
            id="STOP: all who texted",
        ),
        pytest.param(STOP, {}, ALL, ALL, id="STOP to nobody known: all who share it"),
        pytest.param(
            START,
            {"acme": contact(asked=True, ago=9), "bolt": contact()},
            ALL,
            ("acme",),
            id="START: whoever asked",
        ),
        pytest.param(
            START,
            {"acme": contact(asked=True), "cora": contact(asked=True)},
            ALL,
            ("acme", "cora"),
            id="START: both",
        ),
        pytest.param(
            START,
            {"acme": contact(ago=9), "bolt": contact()},
            ALL,
            ("bolt",),
            id="START unasked: the last one",
        ),
        pytest.param(START, {}, ALL, (), id="START to nobody known opts nobody in"),
        pytest.param(
            Meaning.YES,
            {"acme": contact(asked=True, ago=9), "bolt": contact()},
            ALL,
            ("acme",),
            id="YES: whoever asked",
        ),
        pytest.param(
            Meaning.REVOKE,
            {"acme": contact(ago=9), "bolt": contact()},
            ALL,
            ("acme", "bolt"),
            id="in other words: all",
        ),
        pytest.param(
            HELP,
            {"acme": contact(ago=9), "bolt": contact()},
            ALL,
            ("bolt",),
            id="HELP: the last one",
        ),
        pytest.param(
            NONE,
            {"acme": contact(ago=9), "bolt": contact()},
            ALL,
            ("bolt",),
            id="a text: the last one",
        ),
        pytest.param(
            NONE, {"acme": contact(), "bolt": contact()}, ALL, ("bolt",), id="at the same instant"
        ),
        pytest.param(NONE, {}, ALL, (), id="a text to nobody known"),
        pytest.param(
            STOP,
            {"acme": contact()},
            (),
            ("acme",),
            id="an unknown sender: STOP to those who texted",
        ),
        pytest.param(STOP, {}, (), (), id="an unknown sender, nobody known"),
    ],
)
def test_which_tenants_get_a_text(
    meant: Meaning,
    contacts: dict[str, ContactEntry],
    shared_by: tuple[str, ...],
    tenants: tuple[str, ...],
) -> None:
    assert select_tenants(meant, contacts, shared_by) == tenants
