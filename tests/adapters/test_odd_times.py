"""Times as producers may write them, and days at the calendar's ends, wherever the ledger is
asked for them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schemas.tenant_settings import TenantSettings
from schemas.topics import DECISIONS, SEND_REQUESTS, SETTINGS, Topic
from services.ledger.explain import Explanation, explain
from services.ledger.ledger import FILE, Ledger
from services.ledger.mailbox import MailboxFilter, list_mailbox
from services.ledger.message_log import Period, list_messages
from services.ledger.times import ENDLESS, midnight_ms
from streams.mailboxes import Box
from tests.adapters.ledger_filler import NOON, fill_ledger
from tests.adapters.ledger_messages import make_decision, make_outcome, make_request


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger.open(tmp_path / FILE)
    yield opened
    opened.close()


def written(told: tuple[Topic[Any], Any], **changed: Any) -> tuple[Topic[Any], dict[str, Any]]:
    topic, message = told
    return topic, json.loads(topic.encode(message)) | changed


AT_NOON = [
    "2026-11-21T12:00:00Z",
    "2026-11-21T14:00:00+02:00",
    "2026-11-21 07:00:00-05:00",
    "2026-11-21t12:00:00.000000000z",
]


@pytest.mark.parametrize("noon", AT_NOON)
def test_a_time_is_shown_in_utc_however_it_was_written(
    ledger: Ledger, tmp_path: Path, noon: str | int
) -> None:
    fill_ledger(tmp_path, written(make_request("m1"), requested_at=noon))
    found = explain(ledger, "m1")
    assert isinstance(found, Explanation)
    assert [event.at for event in found.events] == ["2026-11-21T12:00:00Z"]
    [line] = list_messages(ledger, Period())
    assert (line.requested_at, line.day) == ("2026-11-21T12:00:00Z", "2026-11-21")


@pytest.mark.parametrize("noon", AT_NOON)
def test_events_are_in_order_however_times_are_written(
    ledger: Ledger, tmp_path: Path, noon: str | int
) -> None:
    """Half a second is written with a fraction, a whole one without."""
    then = NOON + timedelta(seconds=0.5)
    fill_ledger(
        tmp_path,
        written(make_decision("m1", decided_at=then)),
        written(make_request("m1"), requested_at=noon),
        written(make_decision("m1", decided_at=NOON + timedelta(seconds=1), seq=2)),
    )
    found = explain(ledger, "m1")
    assert isinstance(found, Explanation)
    assert [(event.topic, event.offset) for event in found.events] == [
        (SEND_REQUESTS.name, 1),
        (DECISIONS.name, 0),
        (DECISIONS.name, 2),
    ]


ENDS = [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)]


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati"])
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    ("since", "until"),
    [(None, date.max), (date.min, None), (date(2026, 1, 1), None), (None, date(2026, 11, 30))],
)
def test_a_day_at_the_end_of_the_calendar_hides_no_other(
    ledger: Ledger, tmp_path: Path, zone: str, end: datetime, since: date | None, until: date | None
) -> None:
    acme = TenantSettings(tenant="acme", name="Acme", sender="72975", time_zone=zone)
    fill_ledger(
        tmp_path,
        (SETTINGS, acme),
        make_outcome("odd", "rejected", requested_at=end),
        make_outcome("fine", "rejected"),
    )
    listed = {
        item.message_id
        for item in list_mailbox(ledger, Box.OUTBOX, MailboxFilter(since=since, until=until), NOON)
    }
    logged = {line.message_id for line in list_messages(ledger, Period(since, until))}
    assert listed >= {"fine"} <= logged


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Midway"])
def test_midnights_are_in_order_to_the_calendars_ends(zone: str) -> None:
    days = [date.min, date(1, 1, 3), date(2026, 11, 21), date(9999, 12, 29), date.max]
    nights = [midnight_ms(day, ZoneInfo(zone)) for day in days]
    assert nights == sorted(set(nights))
    assert nights[0] >= -ENDLESS
    assert nights[-1] <= ENDLESS
