"""A time zone that is no place is passed over in favour of state and number, and the decision says
so."""

from __future__ import annotations

import pytest

from schemas.decision import Verdict
from schemas.person import NumberFact
from schemas.topics import DECISIONS
from streams.local_time.locations import locate
from tests.core.gate.cases import NOON, PHONE, gate_processor, opt_in, request
from tests.core.harness import on_topic

NO_PLACES = [
    *(
        "EST",
        "MST",
        "HST",
        "EST5EDT",
        "CST6CDT",
        "Etc/GMT+5",
        "GMT",
        "UTC",
        "Etc/UTC",
        "Zulu",
        "CET",
        "WET",
    ),
    *(
        "america/chicago",
        "America/Chicago ",
        "America/New York",
        "Chicago",
        "localtime",
        "Factory",
        "UTC-5",
    ),
    *("-05:00", "Mars/Base", "../etc/passwd", "x" * 900),
]
PLACES = ["America/Chicago", "US/Eastern", "Canada/Pacific", "Europe/London", "GB", "Asia/Calcutta"]
MIAMI = "+13055550142"


@pytest.mark.parametrize("zone", NO_PLACES)
def test_what_is_no_place_is_passed_over(zone: str) -> None:
    assert locate(MIAMI, (zone, None), (None, None)) == locate(MIAMI, (None, None), (None, None))
    assert locate(MIAMI, (zone, None), ("US-CA", None)).zones == ("America/Los_Angeles",)
    assert locate(MIAMI, (zone, "America/Denver"), (None, None)).zones == ("America/Denver",)


@pytest.mark.parametrize("zone", PLACES)
def test_a_link_that_names_a_place_is_one(zone: str) -> None:
    assert locate(MIAMI, (zone, None), ("US-CA", None)).zones == (zone,)


@pytest.mark.parametrize("zone", NO_PLACES)
def test_the_decision_says_so(zone: str) -> None:
    processor = gate_processor()
    processor.feed(opt_in(), at=NOON)
    (decision,) = on_topic(DECISIONS, processor.publish_from(request(time_zone=zone), at=NOON))
    found = [one for one in decision.findings if one.rule == "unknown_time_zone"]
    assert [one.verdict for one in found] == [Verdict.SEND]
    assert zone[:40] in found[0].reason
    assert decision.verdict is Verdict.SEND


@pytest.mark.parametrize("zone", [*PLACES, None])
def test_a_place_needs_no_warning(zone: str | None) -> None:
    processor = gate_processor()
    processor.feed(opt_in(), at=NOON)
    (decision,) = on_topic(DECISIONS, processor.publish_from(request(time_zone=zone), at=NOON))
    assert "unknown_time_zone" not in [one.rule for one in decision.findings]


def test_a_zone_on_record_that_is_no_place_is_named_too() -> None:
    processor = gate_processor()
    processor.feed(opt_in(), at=NOON)
    processor.feed(NumberFact(tenant="acme", number=PHONE, time_zone="EST", at=NOON), at=NOON)
    (decision,) = on_topic(DECISIONS, processor.publish_from(request(), at=NOON))
    assert "unknown_time_zone" in [one.rule for one in decision.findings]
