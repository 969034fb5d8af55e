"""Events of two days: who has been reached, who has not, and whom to call."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.console.viewer import Role
from services.ledger.ledger import FILE
from services.operations.day_sheet import Reached, make_day_sheet
from tests.adapters.case_ledger import LUIS, MARIA, NOW, Office
from tests.console.harness import console_on

NEW_YORK = ZoneInfo("America/New_York")
HERE = NOW.astimezone(NEW_YORK)
STARTS = HERE.replace(hour=23, minute=30, second=0)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path / FILE)
    office.settle()
    office.meet("maria", "Maria Rivera", MARIA)
    office.meet("luis", "Luis Rivera", LUIS)
    yield office
    office.ledger.close()


def hearing(**changed: Any) -> dict[str, Any]:
    known = {
        "event_id": "hearing-1",
        "title": "hearing",
        "starts_at": f"{STARTS:%Y-%m-%dT%H:%M}",
        "time_zone": "America/New_York",
        "at": STARTS,
    }
    return known | changed


def sheet(office: Office) -> dict[str, tuple[Reached, str | None]]:
    made = make_day_sheet(office.ledger, "harbor", HERE.date(), NOW)
    [line] = made.lines
    return {one.party.person_id: (one.reached, one.message_id) for one in line.parties}


def test_each_party_stands_where_their_text_stands(office: Office) -> None:
    office.case(events=[hearing()])
    office.consent(MARIA, "opted_in")
    office.consent(LUIS, "opted_out")
    about = {"event_id": "hearing-1", "event_starts_at": f"{STARTS:%Y-%m-%dT%H:%M}"}
    office.text("t-1", "maria", "arrived", **about)
    assert sheet(office) == {"maria": (Reached.ARRIVED, "t-1"), "luis": (Reached.CALL, None)}


def test_a_reminder_of_the_old_time_reaches_nobody(office: Office) -> None:
    office.case(events=[hearing()])
    office.consent(MARIA, "opted_in")
    office.consent(LUIS, "opted_in")
    office.text("t-1", "maria", "arrived", event_id="hearing-1", event_starts_at="2020-01-01T09:00")
    assert sheet(office)["maria"] == (Reached.PLANNED, None)


def test_a_confirmation_counts_most(office: Office) -> None:
    confirmed = [{"person_id": "maria", "at": NOW}]
    office.case(events=[hearing(confirmed=confirmed)])
    assert sheet(office)["maria"][0] is Reached.CONFIRMED


@pytest.mark.parametrize("state", ["failed", "too_late", "not_rendered"])
def test_a_reminder_that_did_not_go_means_a_call(office: Office, state: str) -> None:
    office.case(events=[hearing()])
    office.consent(MARIA, "opted_in")
    about = {"event_id": "hearing-1", "event_starts_at": f"{STARTS:%Y-%m-%dT%H:%M}"}
    office.text("t-1", "maria", state, **about)
    assert sheet(office)["maria"][0] is Reached.CALL


@pytest.mark.parametrize(
    "changed",
    [{"canceled": True}, {"at": STARTS + timedelta(days=3)}, {"at": STARTS - timedelta(days=1)}],
)
def test_other_days_and_canceled_events_are_not_on_it(
    office: Office, changed: dict[str, Any]
) -> None:
    office.case(events=[hearing(**changed)])
    assert make_day_sheet(office.ledger, "harbor", HERE.date(), NOW).lines == ()


def test_a_closed_case_and_another_branch_are_not_on_it(office: Office) -> None:
    office.case(events=[hearing()], branch="north")
    assert make_day_sheet(office.ledger, "harbor", HERE.date(), NOW, {"south"}).lines == ()
    assert make_day_sheet(office.ledger, "harbor", HERE.date(), NOW, {"north"}).lines
    office.case(events=[hearing()], closed=True, version=8)
    assert make_day_sheet(office.ledger, "harbor", HERE.date(), NOW).lines == ()


def test_the_page_names_whom_to_call(office: Office, tmp_path: Path) -> None:
    office.case(events=[hearing()])
    office.consent(LUIS, "opted_out")
    with console_on(tmp_path, NOW) as house:
        page = house.signed_in(Role.STAFF).get("/t/harbor/today").text
    assert f'href="tel:{LUIS}"' in page
    assert "they opted out; call them" in page


def test_the_page_has_the_first_day_and_asks_for_the_next(office: Office, tmp_path: Path) -> None:
    """Of a large firm, each answer is small enough to be quick."""
    tomorrow = STARTS + timedelta(days=1)
    later = {"event_id": "hearing-2", "starts_at": f"{tomorrow:%Y-%m-%dT%H:%M}", "at": tomorrow}
    office.case(events=[hearing(), hearing(**later, title="second hearing")])
    with console_on(tmp_path, NOW) as house:
        client = house.signed_in(Role.STAFF)
        page = client.get("/t/harbor/today").text
        asked = re.search(r'hx-get="([^"]*ahead=1[^"]*)" hx-trigger="load"', page)
        assert asked is not None
        assert "second hearing" not in page
        part = client.get(html.unescape(asked[1])).text
        named = client.get(f"/t/harbor/today?day={HERE.date()}").text
    assert "second hearing" in part
    assert f"{tomorrow:%A}" in page, "a link, where there is no JavaScript"
    assert f"day={HERE.date()}" in named
