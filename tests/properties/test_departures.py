"""A departure is the one that somebody finds who looks at every clock, minute by minute."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.send_request import Kind
from schemas.tenant_settings import TenantSettings
from streams.local_time.departures import (
    BEFORE_CLOSING,
    DepartureReason,
    Windows,
    plan_departure,
    windows_for,
)

STEP = timedelta(minutes=5)
DAYS_TO_LOOK = 2
TENANT = TenantSettings(tenant="harbor", name="Harbor", sender="72976")
HOURS = windows_for("+12125550123", None, None, TENANT, Kind.REMINDER).hours

places = st.lists(
    st.sampled_from(
        [
            *("America/New_York", "America/Phoenix", "America/Los_Angeles"),
            *("Asia/Kolkata", "Australia/Lord_Howe", "Europe/Dublin"),
        ]
    ),
    min_size=1,
    max_size=2,
    unique=True,
).map(tuple)
moments = st.sampled_from(["2026-03-07", "2026-03-28", "2026-10-03", "2026-10-31"]).flatmap(
    lambda day: st.integers(0, 3 * 288).map(
        lambda steps: datetime.fromisoformat(f"{day}T00:00+00:00") + steps * STEP
    )
)
lengths = st.integers(0, 288).map(lambda steps: steps * STEP)


def is_open(moment: datetime, zones: tuple[str, ...]) -> bool:
    clocks = (moment.astimezone(ZoneInfo(zone)).time() for zone in zones)
    return all(time(8) <= clock < time(21) for clock in clocks)


@given(places, moments, lengths, lengths)
@settings(max_examples=150)
def test_departures(
    zones: tuple[str, ...], due: datetime, use: timedelta, ahead: timedelta
) -> None:
    latest, now = due + use, due + timedelta(hours=6) - ahead
    found = plan_departure(due, latest, Windows(zones, HOURS), now)
    start = max(due, now)
    later = walk(start, latest, STEP)
    opening = next((moment for moment in later if is_open(moment, zones)), None)
    if start >= latest:
        assert found is None
    elif opening is not None:
        assert found is not None
        assert found.at == opening
        assert (found.reason is DepartureReason.AFTER_QUIET_HOURS) == (opening > start)
    else:
        check_before(found and found.at, zones, start, now)


def check_before(
    found: datetime | None, zones: tuple[str, ...], start: datetime, now: datetime
) -> None:
    earlier = walk(start - STEP, start - timedelta(days=DAYS_TO_LOOK), -STEP)
    last = next((moment for moment in earlier if is_open(moment, zones)), None)
    if last is None:
        return  # two zones that are never open together within the days looked at
    closing = last + STEP
    if closing <= now:
        assert found is None
        return
    assert found is not None
    assert is_open(found, zones)
    assert now <= found < closing
    assert found == now or closing - found <= BEFORE_CLOSING


def walk(start: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    """From `start` until before `end`, in either direction."""
    moment = start
    while (end - moment) / step > 0:
        yield moment
        moment += step
