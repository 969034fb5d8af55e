"""What was used."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from schemas.outcome import Outcome
from schemas.topics import USAGE_REPORT
from streams.error_codes import lookup
from streams.processing import PartitionAcquired, Settings
from tests.core.harness import START
from tests.core.usage.records import counts, outcome, processor, report

OLD = START - timedelta(days=50)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param([outcome("held")], {"held": (1, 2)}, id="one"),
        pytest.param([outcome("held"), outcome("sent", 2, "held")], {"sent": (1, 2)}, id="moved"),
        pytest.param(
            [outcome("sent"), outcome("failed", 2, "sent", error_code="30005")],
            {"failed 30005": (1, 2)},
            id="with a code",
        ),
        pytest.param([outcome("sent"), outcome("sent")], {"sent": (1, 2)}, id="repeated"),
        pytest.param(
            [outcome("held"), outcome("sent", 2, "held"), outcome("held")],
            {"sent": (1, 2)},
            id="an older version again",
        ),
        pytest.param(
            [outcome("sent", 2, "held"), outcome("held")], {"sent": (1, 2)}, id="overtaken"
        ),
        pytest.param(
            [outcome("sent"), outcome("sent", 2, "sent", segments=3)],
            {"sent": (1, 3)},
            id="corrected",
        ),
        pytest.param(
            [outcome("sent"), outcome("sent", message_id="m2", segments=1)],
            {"sent": (2, 3)},
            id="two",
        ),
    ],
)
def test_a_message_is_counted_once_in_its_last_cell(
    told: list[Outcome], expected: dict[str, tuple[int, int]]
) -> None:
    harness = processor()
    for one in told:
        harness.feed(one)
    assert counts(harness) == expected


def test_a_line_of_the_report() -> None:
    harness = processor()
    harness.feed(outcome("undelivered", error_code="30003"))
    (line,) = report(harness).values()
    assert (line.branch, line.sender, line.kind, line.period) == (
        "north",
        "72975",
        "reminder",
        date(2026, 11, 23),
    )
    assert line.error_title == lookup("30003").title
    assert not line.final


def test_a_move_reports_both_cells_and_drops_an_empty_one() -> None:
    harness = processor()
    harness.feed(outcome("held"))
    harness.feed(outcome("sent", 2, "held"))
    assert {line.state: line.messages for line in report(harness).values()} == {
        "held": 0,
        "sent": 1,
    }
    assert sum(name.startswith("cell/") for name in harness.state.raw) == 1


def test_a_new_version_in_the_same_cell_is_not_reported() -> None:
    harness = processor()
    harness.feed(outcome("sent"))
    step = harness.feed(outcome("sent", 2, "sent"))
    assert step.state
    assert not step.publish
    assert not harness.feed(outcome("held")).state


@pytest.mark.parametrize(
    "changed", [{"branch": None}, {"sender": None}, {"branch": "south"}, {"sender": "12345"}]
)
def test_a_message_that_changes_branch_or_sender_moves(changed: dict[str, Any]) -> None:
    harness = processor()
    harness.feed(outcome("held"))
    harness.feed(outcome("held", 2, "held", **changed))
    lines = {(line.branch, line.sender): line.messages for line in report(harness).values()}
    branch, sender = ({"branch": "north", "sender": "72975"} | changed).values()
    assert lines == {("north", "72975"): 0, (branch or "", sender or ""): 1}


@pytest.mark.parametrize(
    ("requested_at", "zone", "day"),
    [
        (datetime(2026, 11, 24, 4, 59, tzinfo=UTC), "America/New_York", date(2026, 11, 23)),
        (datetime(2026, 11, 24, 5, 0, tzinfo=UTC), "America/New_York", date(2026, 11, 24)),
        (datetime(2026, 7, 1, 4, 0, tzinfo=UTC), "America/New_York", date(2026, 7, 1)),
        (datetime(2026, 11, 23, 11, 0, tzinfo=UTC), "Pacific/Kiritimati", date(2026, 11, 24)),
        (datetime.min.replace(tzinfo=UTC), "America/New_York", date(1, 1, 1)),
        (datetime.max.replace(tzinfo=UTC), "Pacific/Kiritimati", date(9999, 12, 31)),
    ],
)
def test_the_period_is_the_tenants_local_day(requested_at: datetime, zone: str, day: date) -> None:
    harness = processor(zone)
    harness.feed(outcome("sent", requested_at=requested_at))
    assert [line.period for line in report(harness).values()] == [day]


def test_a_message_keeps_its_day_when_the_zone_changes() -> None:
    harness = processor()
    harness.feed(outcome("held", requested_at=datetime(2026, 11, 24, 4, 0, tzinfo=UTC)))
    harness.settings = Settings()
    harness.feed(outcome("sent", 2, "held", requested_at=datetime(2026, 11, 24, 4, 0, tzinfo=UTC)))
    assert {line.period for line in report(harness).values()} == {date(2026, 11, 23)}
    assert counts(harness) == {"sent": (1, 2)}


def test_a_day_is_final_later_when_the_zone_changes() -> None:
    harness = processor("Pacific/Kiritimati")
    harness.feed(outcome("sent"))
    harness.settings = processor("Pacific/Honolulu").settings
    harness.wait(50 * 24 * 3600)
    assert [line.final for line in harness.published_on(USAGE_REPORT)] == [False, True]


def test_a_forgotten_message_says_where_it_was_counted() -> None:
    harness = processor()
    harness.feed(outcome("sent"))
    harness.wait(46 * 24 * 3600)
    assert not any(name.startswith("msg/") for name in harness.state.raw)
    harness.feed(outcome("delivered", 2, "sent"))
    assert counts(harness) == {"delivered": (1, 2)}
    harness.feed(outcome("delivered", 2, "sent"))
    assert counts(harness) == {"delivered": (1, 2)}


def test_nothing_is_taken_off_where_nothing_was_counted() -> None:
    harness = processor()
    harness.feed(outcome("delivered", 2, "sent", requested_at=OLD))
    assert counts(harness) == {"delivered": (1, 2)}


def test_a_closed_day_is_final_but_can_be_corrected() -> None:
    harness = processor()
    harness.feed(outcome("sent"))
    harness.wait(45 * 24 * 3600)
    assert not next(iter(report(harness).values())).final
    harness.wait(24 * 3600)
    assert next(iter(report(harness).values())).final
    harness.feed(outcome("delivered", 2, "sent"))
    assert {line.state: (line.messages, line.final) for line in report(harness).values()} == {
        "sent": (0, True),
        "delivered": (1, True),
    }


@pytest.mark.parametrize(
    "odd", [{"kind": "a/b"}, {"kind": "k" * 10**6}, {"error_code": "\x00/"}, {"branch": "ü" * 9999}]
)
def test_odd_names_make_a_cell_like_any_other(odd: dict[str, Any]) -> None:
    harness = processor()
    harness.feed(outcome("sent"))
    harness.feed(outcome("sent", message_id="m2", **odd))
    harness.feed(outcome("delivered", 2, "sent", message_id="m2", **odd))
    assert sorted(line.messages for line in report(harness).values()) == [0, 1, 1]
    assert all("\x00" not in name and len(name) < 3000 for name in harness.state.raw)


def test_other_records_are_ignored() -> None:
    assert processor().answer(PartitionAcquired()) == ({}, (), {}, ())


def test_a_message_in_test_mode_is_not_counted() -> None:
    harness = processor()
    harness.feed(outcome("canceled", test_mode=True))
    assert counts(harness) == {}
