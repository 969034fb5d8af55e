"""What we export is shown by a spreadsheet, never run; and it comes back as it was."""

from __future__ import annotations

import csv
import io
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.csv_output import escape_formula, write_csv

RUN = [
    *("=1+1", "=HYPERLINK(1)", "@SUM(1)", "-1", "-1+cmd|' /C calc'!A0", "+1+cmd|' /C calc'!A0"),
    *(
        "+1 (212) 555-0100",
        "+12125550100 ",
        "+12125550100+1",
        "+",
        "-",
        "+\u0661\u0662",
        "\t=1",
        "\r=1",
        "\n=1",
    ),
    *(
        " =1",
        "  +1+1",
        "\u00a0=1",
        "\u200b=1",
        "\ufeff@x",
        "\uff1d1",
        "\uff0b1+1",
        "\uff0d1",
        "\uff20x",
    ),
    *(
        "\u22121+1",
        "'=1",
        '"=1',
        "+1•••0100",
        "\0=1",
        "\x1f=1",
        "\tx",
        "+12125550100\n",
        "\ufe661+1",
    ),
]
SHOWN = [
    "",
    "x",
    "1",
    "12125550100",
    "+12125550100",
    "+1",
    "a=b",
    "a+b",
    "1-2",
    "x\n=1",
    "see =1",
    "O'Neil",
]


def export(*rows: tuple[object, ...]) -> str:
    file = io.StringIO(newline="")
    write_csv(file, ["a", "b"], rows)
    return file.getvalue()


@pytest.mark.parametrize("cell", RUN)
def test_what_begins_like_a_formula_is_text(cell: str) -> None:
    assert escape_formula(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", SHOWN)
def test_what_begins_like_none_stays(cell: str) -> None:
    assert escape_formula(cell) == cell


def test_our_own_numbers_stay_numbers() -> None:
    assert export((-5, 1.5), (None, True)) == "a,b\r\n-5,1.5\r\n,True\r\n"


@given(st.lists(st.tuples(st.text(), st.text())))
def test_no_cell_of_any_export_is_run(rows: list[tuple[str, str]]) -> None:
    """By a spreadsheet's rules: a cell is a formula if its first sign is one of `= + - @`, also
    behind blanks; a whole number is none.  Rows end at CR, LF or both, outside of quotes."""
    read = list(csv.reader(io.StringIO(export(*rows), newline=""), strict=True))
    assert [len(row) for row in read] == [2] * (len(rows) + 1)
    for row, cells in zip(rows, read[1:], strict=True):
        for said, cell in zip(row, cells, strict=True):
            assert cell in (said, f"'{said}")
            start = unicodedata.normalize("NFKC", cell.strip()[:1])
            assert start not in ("=", "+", "-", "@") or cell[1:].isdigit()


def test_all_exports_are_written_by_one_writer() -> None:
    folder = Path(__file__).parents[2] / "services"
    writers = {
        file.name for file in folder.rglob("*.py") if "csv.writer" in file.read_text("utf-8")
    }
    assert writers == {"csv_output.py"}
