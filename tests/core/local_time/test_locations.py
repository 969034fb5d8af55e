"""Where somebody may be, by number, state and zone; and the tables behind it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from streams.local_time.locations import ALL_OF_US, AREAS, STATES, locate

CHICAGO, DENVER, NEW_YORK, LOS_ANGELES = (
    "America/Chicago",
    "America/Denver",
    "America/New_York",
    "America/Los_Angeles",
)


@pytest.mark.parametrize(
    ("number", "zones", "country", "state"),
    [
        pytest.param("+14155550100", (LOS_ANGELES,), "US", "CA", id="one zone"),
        pytest.param(
            "+12705551234", (CHICAGO, NEW_YORK), "US", "KY", id="Kentucky: metadata says New York"
        ),
        pytest.param("+13645551234", (CHICAGO, NEW_YORK), "US", "KY", id="lies over 270"),
        pytest.param(
            "+18505551234", (CHICAGO, NEW_YORK), "US", "FL", id="Florida: metadata says New York"
        ),
        pytest.param("+14485551234", (CHICAGO, NEW_YORK), "US", "FL", id="lies over 850"),
        pytest.param("+15415551234", (DENVER, LOS_ANGELES), "US", "OR", id="Oregon"),
        pytest.param("+14585551234", (DENVER, LOS_ANGELES), "US", "OR", id="lies over 541"),
        pytest.param("+18125551234", (CHICAGO, NEW_YORK), "US", "IN", id="Indiana"),
        pytest.param("+19305551234", (CHICAGO, NEW_YORK), "US", "IN", id="lies over 812"),
        pytest.param(
            "+14235551234", (CHICAGO, NEW_YORK), "US", "TN", id="Chattanooga: metadata says Chicago"
        ),
        pytest.param(
            "+19285551234",
            (DENVER, "America/Phoenix"),
            "US",
            "AZ",
            id="Arizona and the Navajo Nation",
        ),
        pytest.param("+18085551234", ("Pacific/Honolulu",), "US", "HI", id="Hawaii"),
        pytest.param("+17875551234", ("America/Puerto_Rico",), "US", "PR", id="Puerto Rico"),
        pytest.param("+16715551234", ("Pacific/Guam",), "US", "GU", id="Guam"),
        pytest.param(
            "+17095551234",
            ("America/Halifax", "America/Puerto_Rico", "America/St_Johns"),
            "CA",
            "",
            id="Newfoundland and Labrador",
        ),
        pytest.param(
            "+14745551234", ("America/Regina",), "CA", "", id="Saskatchewan, lies over 306"
        ),
        pytest.param("+18765551234", ("America/Jamaica",), "JM", "", id="Jamaica"),
        pytest.param("+15005550006", ALL_OF_US, "", "", id="personal: no place"),
        pytest.param("+18005550100", ALL_OF_US, "", "", id="toll-free: no place"),
        pytest.param("+19995550100", ALL_OF_US, "", "", id="not in use"),
        pytest.param("+442079460958", ("Europe/London",), "GB", "", id="London"),
        pytest.param("+81312345678", ("Asia/Tokyo",), "JP", "", id="Tokyo"),
        pytest.param("+870301234567", ALL_OF_US, "", "", id="at sea"),
        pytest.param("not a number", ALL_OF_US, "", "", id="nonsense"),
        pytest.param("", ALL_OF_US, "", "", id="nothing"),
    ],
)
def test_a_number_alone(number: str, zones: tuple[str, ...], country: str, state: str) -> None:
    assert locate(number, (None, None), (None, None)) == (zones, country, state)


def test_a_mobile_of_a_wide_country_may_be_anywhere_in_it() -> None:
    zones = locate("+61412345678", (), ()).zones
    assert {"Australia/Perth", "Australia/Sydney"} <= set(zones)


@pytest.mark.parametrize(
    ("time_zones", "regions", "zones", "state"),
    [
        pytest.param((NEW_YORK, DENVER), ("TX", "WA"), (NEW_YORK,), "TX", id="the first of each"),
        pytest.param(
            (None, DENVER), (None, "WA"), (DENVER,), "WA", id="what the number's row says"
        ),
        pytest.param((None, None), ("TX", None), (CHICAGO, DENVER), "TX", id="a state's zones"),
        pytest.param((), ("us-tx",), (CHICAGO, DENVER), "TX", id="ISO 3166-2, small"),
        pytest.param((), (" Texas ",), (CHICAGO, DENVER), "TX", id="by name"),
        pytest.param(
            (), ("ON",), ("America/Panama", "America/Toronto", "America/Winnipeg"), "", id="Ontario"
        ),
        pytest.param(
            (),
            ("Bavaria", "NV"),
            (DENVER, LOS_ANGELES),
            "NV",
            id="a word nobody knows is passed over",
        ),
        pytest.param((), ("Bavaria",), (LOS_ANGELES,), "CA", id="then the number counts"),
        pytest.param(("Mars/Base", ""), (), (LOS_ANGELES,), "CA", id="no such zone"),
        pytest.param(("../etc/passwd",), (), (LOS_ANGELES,), "CA", id="a path"),
        pytest.param(("UTC",), (), (LOS_ANGELES,), "CA", id="nobody lives in UTC"),
        pytest.param(("Etc/GMT+5",), (), (LOS_ANGELES,), "CA", id="nor in an offset"),
        pytest.param(("x" * 5000,), ("\0" * 5000,), (LOS_ANGELES,), "CA", id="a file"),
        pytest.param(("Europe/Paris",), (), ("Europe/Paris",), "CA", id="away"),
    ],
)
def test_what_is_known_counts_before_the_number(
    time_zones: tuple[str | None, ...],
    regions: tuple[str | None, ...],
    zones: tuple[str, ...],
    state: str,
) -> None:
    found = locate("+14155550100", time_zones, regions)
    assert (found.zones, found.state) == (zones, state)


def test_the_tables_are_clean() -> None:
    assert len(AREAS) == 442
    states = {state.code for state in STATES if state.country == "US"}
    assert len(states) == 56
    for code, area in AREAS.items():
        assert len(code) == 3
        assert (area.state in states) == (area.country == "US")
        assert area.zones
        assert all(ZoneInfo(zone) for zone in area.zones)
    assert all(ZoneInfo(zone) for state in STATES for zone in state.zones)


def test_every_state_has_an_area_code() -> None:
    assert {state.code for state in STATES if state.country == "US"} == {
        a.state for a in AREAS.values() if a.state
    }


@pytest.mark.parametrize("code", ["500", "521", "600", "700", "710", "800", "833", "888", "900"])
def test_codes_that_belong_to_no_place_are_in_no_table(code: str) -> None:
    assert code not in AREAS


def test_an_unknown_place_means_every_us_zone_but_guam() -> None:
    assert {
        "America/Puerto_Rico",
        "America/New_York",
        "Pacific/Honolulu",
        "Pacific/Pago_Pago",
    } <= set(ALL_OF_US)
    assert "Pacific/Guam" not in ALL_OF_US
