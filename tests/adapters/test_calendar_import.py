"""Calendars from elsewhere: identities, versions, moved and cancelled instances, and what is shown
before anything changes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.cli.app import run
from services.operations import ics_file
from services.operations.calendar_items import CalendarFile
from services.operations.errors import OperationError
from services.operations.ics_file import read_ics
from tests.adapters.case_ledger import Office, open_office

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
NEW_YORK = ";TZID=America/New_York:"
SERIES = "series-1@court.example"


def event(uid: str, start: str, *lines: str, title: str = "Conference") -> str:
    head = ["BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20261101T000000Z", f"DTSTART{start}"]
    return "\n".join([*head, f"SUMMARY:{title}", *lines, "END:VEVENT"])


def calendar(folder: Path, *events: str) -> Path:
    file = folder / "court.ics"
    text = "\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", *events, "END:VCALENDAR"])
    file.write_text(text.replace("\n", "\r\n") + "\r\n")
    return file


def read(folder: Path, *events: str, zone: str | None = None) -> CalendarFile:
    return read_ics(calendar(folder, *events), NOON, zone, None)


def times(found: CalendarFile) -> list[tuple[str, str, str | None, bool]]:
    return [(one.event_id, one.starts_at, one.time_zone, one.canceled) for one in found.items]


WEEKLY = event(
    SERIES,
    f"{NEW_YORK}20261202T090000",
    "RRULE:FREQ=WEEKLY;COUNT=4",
    f"EXDATE{NEW_YORK}20261223T090000",
    "SEQUENCE:2",
    "CATEGORIES:Hearing,Court",
    "LOCATION:Room 5",
)
MOVED = event(
    SERIES,
    f"{NEW_YORK}20261210T140000",
    f"RECURRENCE-ID{NEW_YORK}20261209T090000",
    "SEQUENCE:3",
)
CANCELED = event(
    SERIES,
    f"{NEW_YORK}20261216T090000",
    f"RECURRENCE-ID{NEW_YORK}20261216T090000",
    "STATUS:CANCELLED",
    "SEQUENCE:3",
)


def test_a_series_with_a_moved_and_a_cancelled_instance(tmp_path: Path) -> None:
    """The moved one is there once, at its new time, under the identity of the old."""
    found = read(tmp_path, WEEKLY, MOVED, CANCELED)
    assert times(found) == [
        (f"{SERIES}.20261202T140000Z", "2026-12-02T09:00", "America/New_York", False),
        (f"{SERIES}.20261209T140000Z", "2026-12-10T14:00", "America/New_York", False),
        (f"{SERIES}.20261216T140000Z", "2026-12-16T09:00", "America/New_York", True),
    ]
    first = found.items[0]
    assert (first.title, first.event_type, first.location) == ("Conference", "Hearing", "Room 5")
    assert [(one.prefix, one.sequence) for one in found.series] == [(f"{SERIES}.", 3)]


KINDS = [
    pytest.param(":20261205T090000", "2026-12-05T09:00", "America/Denver", id="floating"),
    pytest.param(";VALUE=DATE:20261209", "2026-12-09", "America/Denver", id="all day"),
    pytest.param(":20261209T140000Z", "2026-12-09T14:00Z", "America/Denver", id="UTC"),
    pytest.param(
        ";TZID=Eastern Standard Time:20261209T090000",
        "2026-12-09T09:00",
        "America/New_York",
        id="Windows",
    ),
]


@pytest.mark.parametrize(("start", "written", "zone"), KINDS)
def test_each_kind_of_time(start: str, written: str, zone: str, tmp_path: Path) -> None:
    found = read(tmp_path, event("u1", start), zone="America/Denver")
    assert times(found) == [("u1", written, zone, False)]


def test_a_floating_time_asks_for_a_zone_and_a_day_does_not(tmp_path: Path) -> None:
    found = read(tmp_path, event("u1", ":20261205T090000"), event("u2", ";VALUE=DATE:20261209"))
    assert times(found) == [("u2", "2026-12-09", None, False)]
    (left_out,) = found.left_out
    assert "say --zone" in left_out.reason


def test_what_cannot_be_used_is_left_out_and_the_rest_counts(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        event("u1", ":garbage"),
        event("u3", ";VALUE=DATE:20261209", "RRULE:FREQ=SOMETIMES"),
        event("", ";VALUE=DATE:20261209"),
        event("over", ";VALUE=DATE:20251209"),
        event("far", ";VALUE=DATE:20301209"),
        event("u2", ";VALUE=DATE:20261209"),
    )
    assert [one.event_id for one in found.items] == ["u2"]
    assert [one.reason for one in found.left_out] == [
        "its DTSTART cannot be read",
        "its RRULE cannot be read",
        "it has no UID",
    ]
    assert found.passed == 2


@pytest.mark.parametrize("uid", ["0400000082 00E0", "x" * 200, "a/b", "é"])
def test_a_uid_that_is_no_identity_of_ours_is_hashed(uid: str, tmp_path: Path) -> None:
    (one,) = read(tmp_path, event(uid, ";VALUE=DATE:20261209")).items
    (again,) = read(tmp_path, event(uid, ";VALUE=DATE:20261210")).items
    assert one.event_id.startswith("ics-")
    assert one.event_id == again.event_id


@pytest.mark.parametrize("text", ["", "hello", "BEGIN:VCALENDAR\n"])
def test_no_calendar_is_one_sentence(text: str, tmp_path: Path) -> None:
    file = tmp_path / "x.ics"
    file.write_text(text)
    with pytest.raises(OperationError, match="this is no calendar file"):
        read_ics(file, NOON, None, None)
    with pytest.raises(OperationError, match="cannot be read"):
        read_ics(tmp_path / "none.ics", NOON, None, None)


def test_a_series_without_an_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ics_file, "INSTANCES_AT_MOST", 50)
    every_day = event("u1", f"{NEW_YORK}20261202T090000", "RRULE:FREQ=DAILY")
    with pytest.raises(OperationError, match="more than 50 events"):
        read(tmp_path, every_day)
    every_month = event("u1", f"{NEW_YORK}20261202T090000", "RRULE:FREQ=MONTHLY")
    assert len(read(tmp_path, every_month).items) == 14  # to the horizon of 400 days


# --- into cases


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    opened = open_office(tmp_path, monkeypatch)
    opened.settle()
    opened.case(events=[], reference="26-10442")
    yield opened
    opened.store.close()


def soon(days: int) -> str:
    return f"{datetime.now(UTC) + timedelta(days=days):%Y%m%d}"


def imported(capsys: pytest.CaptureFixture[str], file: Path, *more: str, code: int = 0) -> Any:
    capsys.readouterr()
    assert run(["case", "import-ics", str(file), "--json", *more]) == code
    return json.loads(capsys.readouterr().out)


def keep(office: Office, version: int, changes: Sequence[dict[str, Any]]) -> None:
    """As the processor would have it after these changes."""
    events = [
        {
            "event_id": one["event_id"],
            "title": one.get("title", "Conference"),
            "event_type": one.get("event_type"),
            "starts_at": one.get("starts_at", ""),
            "time_zone": one.get("time_zone", "America/New_York"),
            "at": datetime.now(UTC).replace(year=2099),
            "location": one.get("location"),
            "reminders": one.get("reminders", ()),
            "sequence": one["sequence"],
            "canceled": one["type"] == "event_canceled",
        }
        for one in changes
    ]
    office.case(events=events, reference="26-10442", version=version)


def actions(found: Any) -> list[tuple[str, bool]]:
    return [(one["action"], one["changes"]) for one in found["events"]]


def test_nothing_changes_before_it_is_applied(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = calendar(tmp_path, event("u1", f"{NEW_YORK}{soon(9)}T090000", "SEQUENCE:4"))
    assert actions(imported(capsys, file, "--case", "8841")) == [("new", True)]
    assert office.published == []
    more = ("--case", "8841", "--apply", "--type", "hearing", "--remind", "3 days before")
    assert imported(capsys, file, *more)["applied"]
    (change,) = office.sent
    assert (change["type"], change["event_id"], change["sequence"]) == ("event_saved", "u1", 4)
    assert (change["event_type"], change["reminders"]) == ("hearing", ["3 days before"])
    assert run(["case", "import-ics", str(file), "--case", "8841"]) == 0
    assert "the same with --apply" in capsys.readouterr().out


def test_what_was_imported_moves_and_an_older_version_changes_nothing(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """E 23.  Reminders that staff gave the event stay."""

    def versions(day: int, sequence: int, *lines: str) -> Path:
        start = f"{NEW_YORK}{soon(day)}T090000"
        return calendar(tmp_path, event("u1", start, f"SEQUENCE:{sequence}", *lines))

    case = ("--case", "8841", "--apply")
    imported(capsys, versions(9, 1), *case, "--remind", "3 days before")
    keep(office, 8, office.sent)
    assert actions(imported(capsys, versions(9, 1), *case)) == [("same", False)]
    assert actions(imported(capsys, versions(10, 2), *case, "--remind", "1 day before")) == [
        ("moved", True)
    ]
    assert office.sent[-1]["reminders"] == ["3 days before"]
    keep(office, 9, office.sent[-1:])
    assert actions(imported(capsys, versions(9, 1), *case)) == [("older", False)]
    located = versions(10, 2, "LOCATION:Room 4")
    assert actions(imported(capsys, located, *case)) == [("changed", True)]
    gone = versions(10, 3, "STATUS:CANCELLED")
    assert actions(imported(capsys, gone, *case)) == [("canceled", True)]
    assert office.sent[-1]["sequence"] == 3
    keep(office, 10, office.sent[-1:])
    assert actions(imported(capsys, gone, *case)) == [("same", False)]
    assert actions(imported(capsys, versions(10, 4), *case)) == [("restored", True)]


def test_an_instance_that_the_series_has_no_more_is_canceled(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start = f"{NEW_YORK}{soon(9)}T090000"

    def weekly(count: int, sequence: int) -> Path:
        rule = f"RRULE:FREQ=WEEKLY;COUNT={count}"
        return calendar(tmp_path, event("u1", start, rule, f"SEQUENCE:{sequence}"))

    case = ("--case", "8841", "--apply")
    imported(capsys, weekly(3, 1), *case)
    keep(office, 8, office.sent)
    assert actions(imported(capsys, weekly(2, 2), *case)) == [
        ("same", False),
        ("same", False),
        ("gone", True),
    ]
    assert (office.sent[-1]["type"], office.sent[-1]["sequence"]) == ("event_canceled", 2)
    assert [one for one, _ in actions(imported(capsys, weekly(2, 0), *case))] == ["older"] * 2


def test_cases_are_found_by_id_or_reference_in_the_event(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    office.case(case_id="9000", reference="26-10443", events=[])
    office.case(case_id="9001", reference="26-10444", events=[])
    office.case(case_id="9002", reference="26-10445", events=[], closed=True)
    day = f";VALUE=DATE:{soon(9)}"
    file = calendar(
        tmp_path,
        event("u1", day, title="Hearing 8841"),
        event("u2", day, "DESCRIPTION:Re: 26-10443"),
        event("u3", day, title="26-10443 and 26-10444"),
        event("u4", day, title="126-10443"),
        event("u5", day, title="26-10445"),
    )
    found = imported(capsys, file, "--match", code=1)
    assert {one["event_id"]: one["case"] for one in found["events"]} == {
        "u1": "harbor/8841",
        "u2": "harbor/9000",
    }
    assert ["several cases" in one["reason"] for one in found["left_out"]] == [True, False, False]


def test_doubts_are_shown_with_the_plan(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = calendar(tmp_path, event("u1", f"{NEW_YORK}{soon(9)}T040000"))
    (row,) = imported(capsys, file, "--case", "8841")["events"]
    assert "really outside" in row["notes"][0]


@pytest.mark.parametrize(
    ("more", "silent"),
    [
        ([], 1),
        (["--type", "hearing"], 0),
        (["--type", "lunch"], 1),
        (["--remind", "1 day before"], 0),
    ],
)
def test_events_that_nobody_would_hear_of_are_counted(
    more: list[str],
    silent: int,
    office: Office,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = calendar(tmp_path, event("u1", f"{NEW_YORK}{soon(9)}T090000"))
    assert imported(capsys, file, "--case", "8841", *more)["unreminded"] == silent
    assert run(["case", "import-ics", str(file), "--case", "8841", *more]) == 0
    assert ("Say --type or --remind" in capsys.readouterr().err) == bool(silent)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ([], "say --case CASE, or --match"),
        (["--case", "8841", "--match"], "not both"),
        (["--case", "8842"], "did you mean '8841'?"),
        (["--case", "8841", "--zone", "EST"], "did you mean America/"),
    ],
)
def test_a_wrong_target_is_refused(
    more: list[str],
    says: str,
    office: Office,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = calendar(tmp_path, event("u1", f";VALUE=DATE:{soon(9)}"))
    assert run(["case", "import-ics", str(file), *more]) == 2
    assert says in capsys.readouterr().err


def court(
    capsys: pytest.CaptureFixture[str], folder: Path, text: str, *more: str, code: int = 0
) -> Any:
    file = folder / "court.csv"
    file.write_text(text)
    capsys.readouterr()
    assert run(["case", "import-court", str(file), "--json", *more]) == code
    return json.loads(capsys.readouterr().out)


HEADER = "Case;Reference;Event ID;Title;Type;Date;Time;Zone;Location;Status\n"


def test_a_courts_file_names_its_cases_and_each_bad_line(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    year = datetime.now(UTC).year + 1
    text = HEADER + "".join(
        f"{line}\n"
        for line in (
            f"8841;;h1;Trial;trial;{year}-03-02;9:30 am;America/Chicago;Room 5;",
            f";26-10442;;Conference;;{year}-03-03;;;;",
            f";26-10442;;Conference;;{year}-03-04;09:00;;;",
            f"8842;;h2;Trial;;{year}-03-02;09:00;;;",
            f"8841;;h3;Trial;;03/02/{year};09:00;;;",
            f"8841;;h4;Trial;;{year}-03-02;25:00;;;",
            f"8841;;h5;Trial;;{year}-03-02;09:00;EST;;",
            f"8841;;h 6;Trial;;{year}-03-02;09:00;;;",
            f";;h7;Trial;;{year}-03-02;09:00;;;",
            f"8841;;h8;;;{year}-03-02;09:00;;;",
            f"8841;;h9;Trial;;{year}-03-02;09:00;;;vacated",
            f"8841;;1.2E+10;Trial;;{year}-03-02;09:00;;;",
        )
    )
    found = court(capsys, tmp_path, text, "--apply", "--type", "hearing", code=1)
    first, second = office.sent
    assert (first["event_id"], first["starts_at"], first["time_zone"], first["event_type"]) == (
        "h1",
        f"{year}-03-02T09:30",
        "America/Chicago",
        "trial",
    )
    assert (second["starts_at"], second["event_type"]) == (f"{year}-03-03", "hearing")
    assert second["event_id"].startswith("court-")
    assert [one["place"] for one in found["left_out"]] == [
        *(f"line {line}" for line in (4, 6, 7, 8, 9, 10, 11, 13)),
        "line 5",
    ]
    assert "give each an event_id" in found["left_out"][0]["reason"]
    assert "America/New_York" in found["left_out"][3]["reason"]
    assert ("same", False) in actions(found), "canceled, and never known"


def test_without_an_id_an_event_of_a_court_moves(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    year = datetime.now(UTC).year + 1
    line = "case,title,type,date\n8841,Trial,hearing,{}\n"
    court(capsys, tmp_path, line.format(f"{year}-03-02"), "--apply")
    keep(office, 8, office.sent)
    found = court(capsys, tmp_path, line.format(f"{year}-03-09"))
    assert [(one["action"], one["before"]) for one in found["events"]] == [
        ("moved", f"{year}-03-02")
    ]


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("title,date\n", "neither `case` nor `reference`"),
        ("case,date\n", "there is no column `title`"),
        ("case,title\n", "there is no column `date`"),
    ],
)
def test_a_file_of_another_kind_is_refused(
    header: str,
    says: str,
    office: Office,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "court.csv"
    file.write_text(header)
    assert run(["case", "import-court", str(file)]) == 2
    assert says in capsys.readouterr().err
