"""When a text is due: days on the calendar, hours elapsed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from streams.calendar.due_times import due_at, latest_useful

NEW_YORK, APIA = "America/New_York", "Pacific/Apia"
FRIDAY_31ST = "2011-12-31T09:00"
"""The day after the one that Samoa left out."""


@pytest.mark.parametrize(
    ("anchor", "zone", "offset", "clock", "due"),
    [
        pytest.param(
            "2026-11-02T09:00", NEW_YORK, "3 days before", None, "2026-10-30T13:00", id="E1: 3 days"
        ),
        pytest.param(
            "2026-11-02T09:00",
            NEW_YORK,
            "72 hours before",
            None,
            "2026-10-30T14:00",
            id="E1: 72 hours",
        ),
        pytest.param(
            "2026-03-09T08:30", NEW_YORK, "3 days before", None, "2026-03-06T13:30", id="E2: 3 days"
        ),
        pytest.param(
            "2026-03-09T08:30",
            NEW_YORK,
            "72 hours before",
            None,
            "2026-03-06T12:30",
            id="E2: at 07:30",
        ),
        pytest.param(
            "2026-03-09T02:30", NEW_YORK, "1 day before", None, "2026-03-08T07:30", id="E3: skipped"
        ),
        pytest.param(
            "2026-11-02T01:30", NEW_YORK, "1 day before", None, "2026-11-01T05:30", id="E3: twice"
        ),
        pytest.param(
            "2026-07-01T09:00",
            "America/Phoenix",
            "1 hour before",
            None,
            "2026-07-01T15:00",
            id="E4",
        ),
        pytest.param(
            "2026-11-02T09:00Z",
            NEW_YORK,
            "1 day before",
            None,
            "2026-11-01T09:00",
            id="E5: 4:00 EST",
        ),
        pytest.param(
            "2026-11-01T09:00Z",
            NEW_YORK,
            "1 day before",
            None,
            "2026-10-31T08:00",
            id="4:00 EST, EDT",
        ),
        pytest.param(
            "2026-11-02T09:00", NEW_YORK, "1 day before", "17:30", "2026-11-01T22:30", id="clock"
        ),
        pytest.param(
            "2026-11-02T09:00", NEW_YORK, "1 day before", "24:00", "2026-11-02T05:00", id="its end"
        ),
        pytest.param(
            "2026-11-02T09:00",
            NEW_YORK,
            "2 hours before",
            "17:30",
            "2026-11-02T12:00",
            id="hours have none",
        ),
        pytest.param(
            "2026-11-02T09:00",
            NEW_YORK,
            "0 days before",
            "08:00",
            "2026-11-02T13:00",
            id="that morning",
        ),
        pytest.param(
            "2026-11-02T09:00", NEW_YORK, "2 weeks after", None, "2026-11-16T14:00", id="after"
        ),
        pytest.param(
            "2026-11-02", NEW_YORK, "1 day before", None, "2026-11-01T14:00", id="whole day: 9:00"
        ),
        pytest.param(
            "2026-11-02",
            NEW_YORK,
            "1 day before",
            "16:00",
            "2026-11-01T21:00",
            id="whole day: clock",
        ),
        pytest.param(
            "2026-11-02", NEW_YORK, "24 hours before", None, "2026-11-01T14:00", id="from its 9:00"
        ),
        pytest.param(
            "2026-11-01T06:30Z",
            NEW_YORK,
            "0 days before",
            None,
            "2026-11-01T06:30",
            id="the second 1:30",
        ),
        pytest.param(
            FRIDAY_31ST, APIA, "1 day before", None, "2011-12-29T19:00", id="no 30th: the 29th"
        ),
        pytest.param(
            FRIDAY_31ST, APIA, "2 days before", None, "2011-12-29T19:00", id="the 29th as well"
        ),
        pytest.param(
            "2011-12-29T09:00",
            APIA,
            "1 day after",
            None,
            "2011-12-30T19:00",
            id="no 30th: the 31st",
        ),
        pytest.param(
            "2011-12-30T09:00",
            APIA,
            "0 days before",
            "09:00",
            "2011-12-30T19:00",
            id="it moved forward",
        ),
        pytest.param(FRIDAY_31ST, APIA, "24 hours before", None, "2011-12-29T19:00", id="24 hours"),
    ],
)
def test_due(anchor: str, zone: str, offset: str, clock: str | None, due: str) -> None:
    assert due_at(anchor, zone, offset, clock) == datetime.fromisoformat(f"{due}+00:00")


def test_a_named_date_counts_from_nine() -> None:
    due = due_at(date(2026, 11, 2), NEW_YORK, "3 days before")
    assert due == datetime(2026, 10, 30, 13, tzinfo=UTC)


def test_a_launch_counts_by_the_clock_of_the_case() -> None:
    launch = datetime(2026, 10, 31, 13, 5, 7, tzinfo=UTC)
    assert due_at(launch, NEW_YORK, "1 day after") == datetime(2026, 11, 1, 14, 5, 7, tzinfo=UTC)
    assert due_at(launch, NEW_YORK, "24 hours after") == launch + timedelta(days=1)


def test_latest_useful() -> None:
    event = datetime(2026, 11, 2, 14, tzinfo=UTC)
    assert latest_useful(event, 30) == datetime(2026, 11, 2, 13, 30, tzinfo=UTC)
