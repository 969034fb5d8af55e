"""Which instant a written time is, in zones with every kind of change."""

from __future__ import annotations

from datetime import datetime

import pytest

from streams.calendar.instants import end_of_use, instant_of, is_all_day

NEW_YORK, APIA = "America/New_York", "Pacific/Apia"


@pytest.mark.parametrize(
    ("written", "zone", "instant"),
    [
        pytest.param("2026-11-02T09:00", NEW_YORK, "2026-11-02T14:00", id="E5: the case's clock"),
        pytest.param("2026-11-02T09:00Z", NEW_YORK, "2026-11-02T09:00", id="E5: an instant"),
        pytest.param("2026-11-02T09:00-05:00", "Asia/Tokyo", "2026-11-02T14:00", id="an offset"),
        pytest.param("2026-03-08T02:30", NEW_YORK, "2026-03-08T07:30", id="E3: 03:30 -04:00"),
        pytest.param("2026-11-01T01:30", NEW_YORK, "2026-11-01T05:30", id="E3: the first 01:30"),
        pytest.param("2026-07-01T09:00", "America/Phoenix", "2026-07-01T16:00", id="E4: Arizona"),
        pytest.param("2026-11-02", NEW_YORK, "2026-11-02T05:00", id="a whole day"),
        pytest.param("2026-11-02 09:00:15", NEW_YORK, "2026-11-02T14:00:15", id="with seconds"),
        pytest.param("2026-04-24", "Africa/Cairo", "2026-04-23T22:00", id="no 00:00: 01:00 +03:00"),
        pytest.param(
            "2026-10-04T02:15", "Australia/Lord_Howe", "2026-10-03T15:45", id="half an hour"
        ),
        pytest.param(
            "2026-04-05T01:45", "Australia/Lord_Howe", "2026-04-04T14:45", id="first of two"
        ),
        pytest.param("2026-11-02T09:00", "Asia/Kolkata", "2026-11-02T03:30", id="half-hour zone"),
        pytest.param(
            "2011-12-30T09:00", APIA, "2011-12-30T19:00", id="no such day: 31st, 09:00 +14:00"
        ),
        pytest.param("2011-12-31T09:00", APIA, "2011-12-30T19:00", id="the day after it"),
    ],
)
def test_instant(written: str, zone: str, instant: str) -> None:
    assert (
        instant_of(written, zone).isoformat()
        == datetime.fromisoformat(f"{instant}+00:00").isoformat()
    )


@pytest.mark.parametrize("written", ["9:00", "2026-02-30", "2026-11-02T25:00", "", "1926-01-01"])
def test_what_is_no_time(written: str) -> None:
    with pytest.raises(ValueError, match=r"time|years"):
        instant_of(written, NEW_YORK)


def test_a_whole_day_and_a_time() -> None:
    assert is_all_day("2026-11-02")
    assert not is_all_day("2026-11-02T00:00")


@pytest.mark.parametrize(
    ("written", "until"),
    [
        pytest.param("2026-11-02T09:00", "2026-11-02T14:00:00+00:00", id="the start"),
        pytest.param("2026-11-02", "2026-11-03T05:00:00+00:00", id="the end of a whole day"),
        pytest.param("2026-11-01", "2026-11-02T05:00:00+00:00", id="of 25 hours"),
    ],
)
def test_end_of_use(written: str, until: str) -> None:
    assert end_of_use(written, NEW_YORK).isoformat() == until
