"""Hours by local clocks: zone × local time × kind × verdict, through the days on which clocks
change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schemas.decision import Finding
from schemas.send_request import Kind
from streams.gate.rules.timing import check_quiet_hours
from tests.core.gate.cases import context

MINUTE = timedelta(minutes=1)
QUIET: dict[str, Any] = {"when": {}}
PHOENIX, INDIANA, HONOLULU, ST_JOHNS = (
    "America/Phoenix",
    "America/Indiana/Knox",
    "Pacific/Honolulu",
    "America/St_Johns",
)
NEW_YORK, CHICAGO, LORD_HOWE = "America/New_York", "America/Chicago", "Australia/Lord_Howe"


def at(zone: str, clock: str) -> datetime:
    """`2026-03-08 08:00` by the clock of that zone, in UTC."""
    return datetime.fromisoformat(clock).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def found(now: datetime, **about: Any) -> Finding | None:
    return check_quiet_hours(context(now=now, policy=QUIET, **about))


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize(
    ("clock", "until"),
    [
        ("2026-06-10 00:00", "2026-06-10 08:00"),
        ("2026-06-10 07:59:59.999999", "2026-06-10 08:00"),
        ("2026-06-10 08:00", None),
        ("2026-06-10 14:30", None),
        ("2026-06-10 20:59:59.999999", None),
        ("2026-06-10 21:00", "2026-06-11 08:00"),
        ("2026-06-10 23:59", "2026-06-11 08:00"),
        ("2026-12-31 22:00", "2027-01-01 08:00"),
    ],
)
def test_nobody_is_woken(kind: str, clock: str, until: str | None) -> None:
    held = found(at(NEW_YORK, clock), time_zone=NEW_YORK, kind=kind)
    assert (held and held.until) == (at(NEW_YORK, until) if until else None)
    assert held is None or held.verdict == "hold"


@pytest.mark.parametrize(
    ("zone", "evening", "morning", "hours"),
    [
        pytest.param(
            NEW_YORK, "2026-03-07 21:00", "2026-03-08 08:00", 10, id="New York springs forward"
        ),
        pytest.param(
            NEW_YORK, "2026-10-31 21:00", "2026-11-01 08:00", 12, id="New York falls back"
        ),
        pytest.param(PHOENIX, "2026-03-07 21:00", "2026-03-08 08:00", 11, id="Arizona does not"),
        pytest.param(PHOENIX, "2026-10-31 21:00", "2026-11-01 08:00", 11, id="nor back"),
        pytest.param(HONOLULU, "2026-03-07 21:00", "2026-03-08 08:00", 11, id="nor Hawaii"),
        pytest.param(
            INDIANA, "2026-03-07 21:00", "2026-03-08 08:00", 10, id="Indiana, by Lake Michigan"
        ),
        pytest.param(
            "America/Indiana/Indianapolis",
            "2026-10-31 21:00",
            "2026-11-01 08:00",
            12,
            id="Indianapolis",
        ),
        pytest.param(
            ST_JOHNS,
            "2026-03-07 21:00",
            "2026-03-08 08:00",
            10,
            id="Newfoundland, half an hour off",
        ),
        pytest.param(ST_JOHNS, "2026-10-31 21:00", "2026-11-01 08:00", 12, id="and back"),
        pytest.param(
            "Europe/Berlin", "2026-03-28 21:00", "2026-03-29 08:00", 10, id="Europe, weeks later"
        ),
        pytest.param(
            LORD_HOWE,
            "2026-04-04 21:00",
            "2026-04-05 08:00",
            11.5,
            id="by half an hour, down under",
        ),
    ],
)
def test_clocks_that_change(zone: str, evening: str, morning: str, hours: float) -> None:
    """The morning comes by the clock, however long the night was."""
    night = at(zone, evening)
    held = found(night, time_zone=zone)
    assert held is not None
    assert held.until == at(zone, morning) == night + timedelta(hours=hours)
    assert found(night - MINUTE, time_zone=zone) is None
    assert found(held.until - MINUTE, time_zone=zone) is not None
    assert found(held.until, time_zone=zone) is None


@pytest.mark.parametrize(
    ("now", "until"),
    [
        pytest.param(
            at(NEW_YORK, "2026-06-10 08:30"),
            at(CHICAGO, "2026-06-10 08:00"),
            id="awake in the east only",
        ),
        pytest.param(at(CHICAGO, "2026-06-10 08:00"), None, id="awake in both"),
        pytest.param(at(CHICAGO, "2026-06-10 19:59"), None, id="still"),
        pytest.param(
            at(NEW_YORK, "2026-06-10 21:00"),
            at(CHICAGO, "2026-06-11 08:00"),
            id="night in the east",
        ),
    ],
)
def test_all_zones_of_an_area_code_must_be_awake(now: datetime, until: datetime | None) -> None:
    held = found(now, to="+12705551234")
    assert (held and held.until) == until


@pytest.mark.parametrize(
    ("about", "held"),
    [
        pytest.param({}, True, id="the number's area code: 05:00 in California"),
        pytest.param({"time_zone": NEW_YORK}, False, id="the request's zone"),
        pytest.param({"known": {"time_zone": NEW_YORK}}, False, id="the number's zone"),
        pytest.param(
            {"known": {"time_zone": NEW_YORK}, "time_zone": "America/Denver"},
            True,
            id="the request's first",
        ),
        pytest.param({"postal_region": "NY"}, False, id="the request's state"),
        pytest.param({"known": {"postal_region": "NY"}}, False, id="the number's state"),
        pytest.param({"postal_region": "TX"}, True, id="a state with two zones"),
        pytest.param(
            {"postal_region": "TX", "time_zone": NEW_YORK}, False, id="a zone before a state"
        ),
        pytest.param({"time_zone": "Nowhere/Else"}, True, id="a zone that is none"),
        pytest.param({"to": "+442079460958"}, False, id="London"),
        pytest.param({"to": "+81312345678"}, True, id="Tokyo"),
    ],
)
def test_where_somebody_is(about: dict[str, Any], held: bool) -> None:
    assert (found(at(NEW_YORK, "2026-06-10 08:00"), **about) is not None) is held


@pytest.mark.parametrize(
    ("not_before", "until"),
    [
        pytest.param(
            "2026-06-11 03:00", "2026-06-11 08:00", id="for the night: it will be morning"
        ),
        pytest.param("2026-06-11 12:00", None, id="for noon"),
    ],
)
def test_what_is_scheduled_is_judged_by_the_hour_it_is_meant_for(
    not_before: str, until: str | None
) -> None:
    """At night, too."""
    for now in ("2026-06-10 12:00", "2026-06-10 23:00"):
        held = found(at(NEW_YORK, now), time_zone=NEW_YORK, not_before=at(NEW_YORK, not_before))
        assert (held and held.until) == (at(NEW_YORK, until) if until else None)


def test_a_schedule_at_the_end_of_the_calendar_is_judged_by_now() -> None:
    last = datetime.max.replace(tzinfo=UTC)
    assert found(at(NEW_YORK, "2026-06-10 12:00"), time_zone=NEW_YORK, not_before=last) is None


@pytest.mark.parametrize(
    ("policy", "clock", "until"),
    [
        pytest.param(
            {"before": "09:30", "after": "17:00"},
            "09:00",
            "2026-06-10 09:30",
            id="narrower: the morning",
        ),
        pytest.param(
            {"before": "09:30", "after": "17:00"},
            "17:00",
            "2026-06-11 09:30",
            id="narrower: the evening",
        ),
        pytest.param({"before": "00:00", "after": "23:00"}, "03:00", None, id="wider"),
        pytest.param(
            {"before": "00:00", "after": "23:00"},
            "23:30",
            "2026-06-11 00:00",
            id="wider: until midnight",
        ),
        pytest.param({"after": "24:00"}, "23:59", None, id="until the day ends"),
        pytest.param("none", "03:00", None, id="none"),
    ],
)
def test_the_tenant_has_hours_of_its_own(policy: Any, clock: str, until: str | None) -> None:
    night = context(
        now=at(NEW_YORK, f"2026-06-10 {clock}"),
        time_zone=NEW_YORK,
        policy={"when": {"quiet_hours": policy}},
    )
    held = check_quiet_hours(night)
    assert (held and held.until) == (at(NEW_YORK, until) if until else None)


def test_where_no_hour_is_fit_somebody_must_say_where_they_are() -> None:
    short = {"when": {"quiet_hours": {"before": "08:00", "after": "10:00"}}}
    held = check_quiet_hours(
        context(now=at(NEW_YORK, "2026-06-10 09:00"), to="+15005550006", policy=short)
    )
    assert held is not None
    assert (held.until, held.next_step) == (None, "say where they are: set their time zone")


def test_a_finding_is_in_words() -> None:
    held = found(at(NEW_YORK, "2026-06-10 03:00"), to="+12705551234")
    assert held is not None
    assert held.reason == (
        "It is not between 08:00 and 21:00 everywhere they may be (America/Chicago, America/New_York)"
    )
    later = found(
        at(NEW_YORK, "2026-06-10 12:00"),
        time_zone=NEW_YORK,
        not_before=at(NEW_YORK, "2026-06-11 03:00"),
    )
    assert later is not None
    assert later.reason.startswith(
        "The time it is scheduled for is not between 08:00 and 21:00 where they are ("
    )
