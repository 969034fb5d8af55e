"""When a text leaves that would otherwise come at night."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from schemas.send_request import Kind, SystemKind
from schemas.tenant_settings import TenantSettings
from streams.local_time.departures import Departure, DepartureReason, plan_departure, windows_for

NEW_YORK, LOS_ANGELES = "America/New_York", "America/Los_Angeles"
NUMBER = "+12125550123"
EVENT = "2026-11-02 15:00"
"""10:00 in New York."""


def at(written: str) -> datetime:
    return datetime.fromisoformat(f"{written}+00:00")


def tenant(**when: Any) -> TenantSettings:
    return TenantSettings(tenant="harbor", name="Harbor", sender="72976", when=when)


@pytest.mark.parametrize(
    ("due", "latest", "now", "departure"),
    [
        pytest.param(
            "2026-10-30 13:00",
            EVENT,
            "2026-10-01 00:00",
            ("2026-10-30 13:00", "when_due"),
            id="E1: by day",
        ),
        pytest.param(
            "2026-10-30 13:00",
            EVENT,
            "2026-10-30 13:00",
            ("2026-10-30 13:00", "when_due"),
            id="now",
        ),
        pytest.param(
            "2026-10-30 13:00",
            EVENT,
            "2026-10-31 17:00",
            ("2026-10-31 17:00", "overdue"),
            id="late",
        ),
        pytest.param(
            "2026-03-06 12:30",
            "2026-03-09 12:00",
            "2026-03-01 00:00",
            ("2026-03-06 13:00", "after_quiet_hours"),
            id="E2: 72 hours, held to 8:00",
        ),
        pytest.param(
            "2026-11-02 05:00",
            EVENT,
            "2026-11-01 00:00",
            ("2026-11-02 13:00", "after_quiet_hours"),
            id="midnight",
        ),
        pytest.param(
            "2026-11-02 10:00",
            "2026-11-02 12:30",
            "2026-11-01 00:00",
            ("2026-11-02 01:45", "before_quiet_hours"),
            id="5:00 for 7:30: the evening before",
        ),
        pytest.param(
            "2026-11-02 10:00",
            "2026-11-02 13:00",
            "2026-11-01 00:00",
            ("2026-11-02 01:45", "before_quiet_hours"),
            id="useless from the opening on",
        ),
        pytest.param(
            "2026-11-02 10:00",
            "2026-11-02 13:01",
            "2026-11-01 00:00",
            ("2026-11-02 13:00", "after_quiet_hours"),
            id="a minute of use",
        ),
        pytest.param(
            "2026-11-02 10:00",
            "2026-11-02 12:30",
            "2026-11-02 01:50",
            ("2026-11-02 01:50", "before_quiet_hours"),
            id="just before they begin",
        ),
        pytest.param(
            "2026-11-02 10:00", "2026-11-02 12:30", "2026-11-02 02:00", None, id="they have begun"
        ),
        pytest.param(
            "2026-11-02 10:00", "2026-11-02 12:30", "2026-11-02 12:00", None, id="in the night"
        ),
        pytest.param("2026-11-02 15:00", EVENT, "2026-11-01 00:00", None, id="due too late"),
        pytest.param("2026-10-30 13:00", EVENT, EVENT, None, id="now it is"),
        pytest.param(
            "2026-03-08 07:30",
            "2026-03-08 20:00",
            "2026-03-01 00:00",
            ("2026-03-08 12:00", "after_quiet_hours"),
            id="E3: 03:30, the opening by the new clock",
        ),
        pytest.param(
            "2026-11-01 05:30",
            "2026-11-01 20:00",
            "2026-10-01 00:00",
            ("2026-11-01 13:00", "after_quiet_hours"),
            id="E3: the first 01:30",
        ),
    ],
)
def test_departure(due: str, latest: str, now: str, departure: tuple[str, str] | None) -> None:
    windows = windows_for(NUMBER, NEW_YORK, None, tenant(), Kind.REMINDER)
    expected = departure and Departure(at(departure[0]), DepartureReason(departure[1]))
    assert plan_departure(at(due), at(latest), windows, at(now)) == expected


def plan(due: str, latest: str, windows: Any, now: str = "2026-10-01 00:00") -> Any:
    return plan_departure(at(due), at(latest), windows, at(now))


def test_without_quiet_hours() -> None:
    windows = windows_for(NUMBER, NEW_YORK, None, tenant(quiet_hours="none"), Kind.REMINDER)
    assert windows.hours is None
    assert plan("2026-11-02 10:00", "2026-11-02 12:30", windows) == (
        at("2026-11-02 10:00"),
        DepartureReason.WHEN_DUE,
    )


def test_somebody_who_may_be_in_two_zones() -> None:
    """Kentucky's 270: it opens when Chicago does, and closes with New York."""
    windows = windows_for("+12705551234", None, None, tenant(), Kind.REMINDER)
    assert plan("2026-11-02 13:30", "2026-11-02 20:00", windows) == (
        at("2026-11-02 14:00"),
        DepartureReason.AFTER_QUIET_HOURS,
    )
    assert plan("2026-11-02 13:30", "2026-11-02 14:00", windows).at == at("2026-11-02 01:45")


def test_zones_without_a_common_hour() -> None:
    windows = windows_for(NUMBER, None, None, tenant(), Kind.REMINDER)
    apart = windows._replace(zones=("Pacific/Kiritimati", "Pacific/Pago_Pago"))
    hours = {"before": "09:00", "after": "10:00"}
    narrow = windows_for(NUMBER, None, None, tenant(quiet_hours=hours), Kind.REMINDER).hours
    assert plan("2026-11-02 13:30", EVENT, apart._replace(hours=narrow)) == (
        at("2026-11-02 13:30"),
        DepartureReason.NO_OPEN_HOURS,
    )


def test_a_short_window_is_left_at_its_beginning() -> None:
    hours = {"before": "08:00", "after": "08:10"}
    windows = windows_for(NUMBER, NEW_YORK, None, tenant(quiet_hours=hours), Kind.REMINDER)
    assert plan("2026-11-02 14:00", EVENT, windows) == (
        at("2026-11-02 13:00"),
        DepartureReason.BEFORE_QUIET_HOURS,
    )


@pytest.mark.parametrize(
    ("zone", "region", "zones"),
    [
        ("America/Denver", "CA", ("America/Denver",)),
        (None, "CA", (LOS_ANGELES,)),
        (None, None, (NEW_YORK,)),
        ("EST", None, (NEW_YORK,)),
    ],
)
def test_windows_are_where_the_gate_looks(
    zone: str | None, region: str | None, zones: tuple[str, ...]
) -> None:
    assert windows_for(NUMBER, zone, region, tenant(), Kind.REMINDER).zones == zones


def test_windows_of_other_kinds() -> None:
    reminder, marketing, answer = (
        windows_for(NUMBER, NEW_YORK, "FL", tenant(), kind).hours
        for kind in (Kind.REMINDER, Kind.MARKETING, SystemKind.HELP_ANSWER)
    )
    assert reminder is not None
    assert marketing is not None
    assert (reminder.words, marketing.words) == ("08:00 and 21:00", "08:00 and 20:00")
    assert answer is None
    assert windows_for(NUMBER, NEW_YORK, None, None, Kind.REMINDER).hours is None
