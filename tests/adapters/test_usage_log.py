"""Every message of a period, and where the provider counts otherwise."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from schemas.tenant_settings import TenantSettings
from schemas.topics import SETTINGS
from services.cli.app import run
from services.ledger.ledger import FILE, Ledger
from services.ledger.message_log import Period, count_messages, list_messages
from services.ledger.usage import list_contradictions, list_differences, total_segments
from services.terminal import draw_bars
from tests.adapters.ledger_filler import fill_ledger
from tests.adapters.ledger_messages import ANA, make_decision, make_history, make_request

ACME = TenantSettings(tenant="acme", name="Acme", sender="72975", time_zone="America/New_York")
MIDNIGHT = datetime(2026, 11, 22, 5, tzinfo=UTC)
"""Of New York."""


@pytest.fixture
def books(tmp_path: Path) -> Path:
    fill_ledger(
        tmp_path,
        (SETTINGS, ACME),
        *make_history("late", at=MIDNIGHT - timedelta(seconds=1)),
        *make_history("next", at=MIDNIGHT),
        *make_history("m1"),
        *make_history(
            "failed",
            "undelivered",
            error_code="30005",
            error_title="The number does not exist",
            version=2,
        ),
        make_request("waits", MIDNIGHT - timedelta(hours=1)),
        make_decision("waits", MIDNIGHT - timedelta(minutes=30)),
        *make_history("elsewhere", tenant="other"),
    )
    return tmp_path


def ids(folder: Path, period: Period) -> list[str]:
    ledger = Ledger.open(folder / FILE)
    try:
        return [line.message_id for line in list_messages(ledger, period)]
    finally:
        ledger.close()


SATURDAY, SUNDAY = date(2026, 11, 21), date(2026, 11, 22)


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        pytest.param(
            Period(SATURDAY, SATURDAY, "acme"),
            ["m1", "failed", "waits", "late"],
            id="a day of the tenant's",
        ),
        pytest.param(Period(SUNDAY, None, "acme"), ["next"], id="from"),
        pytest.param(Period(None, SATURDAY, "other"), ["elsewhere"], id="to, another tenant"),
        pytest.param(Period(), ["m1", "failed", "waits", "late", "next", "elsewhere"], id="all"),
        pytest.param(Period(None, None, "nobody"), [], id="nobody's"),
    ],
)
def test_every_message_of_the_period_once_and_in_order(
    books: Path, period: Period, expected: list[str]
) -> None:
    assert ids(books, period) == expected


def test_it_is_read_row_by_row(books: Path) -> None:
    ledger = Ledger.open(books / FILE)
    lines = list_messages(ledger, Period(tenant="acme"))
    assert next(lines).message_id == "m1"
    lines.close()
    assert count_messages(ledger, Period(tenant="acme")) == 4
    ledger.close()


def log(folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert run(["usage", "--log", "--state", str(folder), "--tenant", "acme", *options]) == 0
    return capsys.readouterr().out


def test_as_csv(books: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(
        csv.DictReader(io.StringIO(log(books, capsys, "--as", "csv", "--to", "2026-11-21")))
    )
    assert [row["message_id"] for row in rows] == ["m1", "failed", "waits", "late"]
    failed, waits = rows[1], rows[2]
    assert (failed["state"], failed["code"], failed["description"]) == (
        "undelivered",
        "30005",
        "The number does not exist",
    )
    assert (waits["state"], waits["description"]) == ("", "not judged yet")
    assert failed["day"] == "2026-11-21"


def test_as_json_lines(books: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        json.loads(line) for line in log(books, capsys, "--as", "jsonl", "--unmask").splitlines()
    ]
    assert len(lines) == 5
    assert {line["to"] for line in lines} == {ANA}


def test_as_a_table_with_numbers_hidden(books: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = log(books, capsys)
    assert out.splitlines()[0].split() == [
        "requested_at",
        "tenant",
        "to",
        "kind",
        "message_id",
        "state",
        "code",
        "description",
    ]
    assert ANA not in out
    assert "The number does not exist" in out


def test_a_cell_that_a_spreadsheet_would_run_is_made_tame(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill_ledger(tmp_path, *make_history("m1", branch="=HYPERLINK(1)"))
    [row] = csv.DictReader(io.StringIO(log(tmp_path, capsys, "--as", "csv", "--unmask")))
    assert (row["branch"], row["to"]) == ("'=HYPERLINK(1)", ANA)


def test_the_log_takes_no_filter_that_it_does_not_apply(
    books: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["usage", "--log", "--state", str(books), "--kind", "reminder"]) == 2
    assert "--kind does not go with --log" in capsys.readouterr().err


def test_predicted_against_billed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill_ledger(
        tmp_path,
        *make_history("same", segments_billed=1),
        *make_history("more", segments=2, segments_billed=2),
        *make_history("unsaid"),
        *make_history("odd", contradictions=("failed 30008",)),
        *make_history("never", "rejected", segments_billed=9),
    )
    ledger = Ledger.open(tmp_path / FILE)
    assert total_segments(ledger) == (4, 2, 2, 3, 1, 1)
    assert total_segments(ledger, "nobody") == (0, 0, 0, 0, 0, 0)
    assert [
        (one.message_id, one.predicted, one.billed) for one in list_differences(ledger, "acme")
    ][:1] == [("never", 1, 9)]
    assert [(one.message_id, one.beside) for one in list_contradictions(ledger)] == [
        ("odd", ("failed 30008",))
    ]
    ledger.close()
    assert run(["usage", "--check", "--state", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert (
        "4 messages are out; the provider has counted 2 of them: 2 segments predicted, 3 billed."
        in out
    )
    assert "failed 30008" in out


def test_bars_are_as_long_as_their_share() -> None:
    screen = Console(width=80, record=True, file=io.StringIO())
    screen.print(draw_bars([("delivered", 1000), ("failed", 500), ("held", 1), ("queued", 0)]))
    lengths = [line.count("█") for line in screen.export_text().splitlines()]
    assert lengths == [40, 20, 1, 0]
    assert draw_bars([]).row_count == 0


def test_a_line_is_a_line_whatever_was_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill_ledger(tmp_path, make_request("m1", kind="re\nminder\x1b[2J"))
    assert run(["usage", "--log", "--state", str(tmp_path)]) == 0
    _, line = capsys.readouterr().out.splitlines()
    assert "\x1b" not in line
