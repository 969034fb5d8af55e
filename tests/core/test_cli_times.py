"""Times and days on the command line have one reading, or none."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import typer

from services.cli.options import parse_day, parse_time

NINE = datetime(2026, 12, 1, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "2026-12-01T09:00:00-05:00",
        "2026-12-01T09:00-05:00",
        "2026-12-01 14:00Z",
        "2026-12-01t14:00:00.0z",
    ],
)
def test_a_time_with_its_offset_is_read(written: str) -> None:
    assert parse_time(written) == NINE


@pytest.mark.parametrize(
    "written",
    [
        *(
            "20261201",
            "1796133600",
            "2026",
            "now",
            "2026-12-01",
            "2026-12-01T09:00",
            "09:00",
            "9am",
        ),
        *(
            "20261201T1400Z",
            "2026-12-01T14Z",
            "2026-12-01T14:00+05",
            "2026-12-01T14:00-0500",
            "2026-W49-2T14:00Z",
        ),
        *("2026-12-01T14:00,5Z", "2026-12-01T24:00Z", "2026-02-30T14:00Z", "12/01/2026 14:00Z", ""),
    ],
)
def test_another_time_is_an_error(written: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not a time with its zone"):
        parse_time(written)


def test_a_day_is_read() -> None:
    assert parse_day("2026-12-01") == date(2026, 12, 1)


@pytest.mark.parametrize(
    "written",
    [
        *("2026-12-1", "20261201", "2026-W49-2", "12/01/2026", "1.12.2026", "2026-02-30", "today"),
        *("2026", "", "2026-12-01T00:00:00Z", "\uff12026-12-01"),
    ],
)
def test_another_day_is_an_error(written: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not a day"):
        parse_day(written)
