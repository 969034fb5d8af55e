"""The one reader of files that people bring: what it reads, and what it names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.operations.consent_import import ConsentImport, ConsentLine, read_consents
from services.operations.errors import InvalidRequest
from services.operations.people import PeopleFile, read_people
from services.operations.table_file import why_shortened

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HEADER = "number,date,source,proof"
PEOPLE = "person_id,name,number"


def consents(folder: Path, content: str | bytes, now: datetime = NOW) -> list[ConsentLine]:
    file = folder / "c.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_consents(file, ConsentImport("acme", "dana", now)))


def people(folder: Path, content: str | bytes) -> PeopleFile:
    file = folder / "p.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_people(file, "acme")


def good(lines: list[ConsentLine]) -> list[int]:
    return [line.line for line in lines if line.event is not None]


def bad(lines: list[ConsentLine]) -> dict[int, str]:
    return {line.line: line.reason for line in lines if line.event is None}


def row(number: int, rest: str = "2025-11-03,paper,box 7") -> str:
    return f"+1212555{number:04},{rest}"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a mark"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["Unix", "Windows", "old Mac"])
def test_consents_and_people_are_read_with_any_delimiter(
    tmp_path: Path, delimiter: str, mark: bytes, end: str
) -> None:
    text = end.join([HEADER, row(100), "", row(101)]).replace(",", delimiter)
    assert good(consents(tmp_path, mark + text.encode())) == [2, 4]
    text = end.join([PEOPLE, "p1,Jo,+12125550100", "", "p2,Ma,+12125550101"])
    found = people(tmp_path, mark + text.replace(",", delimiter).encode())
    assert [one.line for one in found.people] == [2, 4]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_another_unicode_is_named(tmp_path: Path, encoding: str) -> None:
    name = encoding[:6].upper()
    with pytest.raises(InvalidRequest, match=f"not UTF-8 text but {name}: save it as UTF-8"):
        consents(tmp_path, f"{HEADER}\n{row(100)}\n".encode(encoding))
    with pytest.raises(InvalidRequest, match=f"not UTF-8 text but {name}: save it as UTF-8"):
        people(tmp_path, f"{PEOPLE}\np1,Jo,\n".encode(encoding))


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_bytes_of_another_encoding_are_named_with_their_line(tmp_path: Path, encoding: str) -> None:
    text = f"{HEADER}\n{row(100)}\n{row(101, '2025-11-03,Büro,box 7')}\n{row(102)}\n"
    found = consents(tmp_path, text.encode(encoding))
    assert (good(found), list(bad(found))) == ([2, 4], [3])
    assert "not UTF-8" in bad(found)[3]
    with pytest.raises(InvalidRequest, match="line 3: it is not UTF-8 text"):
        people(tmp_path, f"{PEOPLE}\np1,Jo,\np2,Zoë,\n".encode(encoding))


@pytest.mark.parametrize(
    "later",
    [
        pytest.param("", id="never closed"),
        pytest.param('+12125550109,2025-11-03,paper,"box 9"', id="another quoted cell"),
        pytest.param('"+12125550109","2025-11-03","paper","box 9"', id="all quoted"),
        pytest.param('+12125550109,2025-11-03,"paper",box 9', id="quoted in the middle"),
    ],
)
def test_an_open_quote_swallows_nobody(tmp_path: Path, later: str) -> None:
    lines = [HEADER, row(100), row(101, '2025-11-03,paper,"box 7'), row(102), row(103), later]
    found = consents(tmp_path, "\n".join(lines))
    assert good(found) == [2, 4, 5, *([6] if later else [])]
    assert bad(found) == {3: "this is not CSV: a quote is opened and not closed"}


def test_a_quote_that_closes_in_another_row_swallows_nobody(tmp_path: Path) -> None:
    lines = [HEADER, row(101, '2025-11-03,paper,"box 7'), row(102), row(103, '2025-11-03,a,b"')]
    found = consents(tmp_path, "\n".join(lines))
    assert (good(found), list(bad(found))) == ([3, 4], [2])


def test_two_open_quotes_are_two_lines(tmp_path: Path) -> None:
    lines = [HEADER, row(101, '2025-11-03,paper,"b'), row(102), row(103, '2025-11-03,paper,"b')]
    found = consents(tmp_path, "\n".join([*lines, row(104)]))
    assert (good(found), list(bad(found))) == ([3, 5], [2, 4])


def test_an_open_quote_swallows_no_person(tmp_path: Path) -> None:
    found = people(tmp_path, f'{PEOPLE}\np1,"Jo,+12125550100\np2,Ma,\np3,"Al",\n')
    assert [one.person_id for one in found.people] == ["p2", "p3"]
    assert [one.line for one in found.bad] == [2]


def test_a_cell_may_hold_line_breaks(tmp_path: Path) -> None:
    lines = [HEADER, row(101, '2025-11-03,paper,"box 7\n\nsheet ""A"", 3"'), row(102)]
    found = consents(tmp_path, "\n".join(lines))
    assert good(found) == [2, 5]
    assert found[0].event is not None
    assert found[0].event.evidence.document == 'box 7\n\nsheet "A", 3'


@pytest.mark.parametrize("again", ["proof", "PROOF", " Proof ", "proof\u00a0"])
def test_a_column_twice_is_refused(tmp_path: Path, again: str) -> None:
    with pytest.raises(InvalidRequest, match="line 1: the column 'proof' is there twice"):
        consents(tmp_path, f"{HEADER},{again}\n{row(100)},x\n")


@pytest.mark.parametrize("again", ["Person ID", "person id", "PERSON_ID", "person  id"])
def test_a_column_of_people_twice_is_refused(tmp_path: Path, again: str) -> None:
    with pytest.raises(InvalidRequest, match="the column 'person_id' is there twice"):
        people(tmp_path, f"{PEOPLE},{again}\np1,Jo,,p2\n")


def test_columns_without_a_name_at_the_end_are_nothing(tmp_path: Path) -> None:
    found = consents(tmp_path, f"{HEADER},,\n{row(100)},,\n{row(101)}\n{row(102)},,x\n")
    assert (good(found), list(bad(found))) == ([2, 3], [4])


def test_a_nul_is_named(tmp_path: Path) -> None:
    found = consents(tmp_path, f"{HEADER}\n{row(100)}\0\n{row(101)}\n")
    assert (good(found), bad(found)) == ([3], {2: "it holds a NUL character"})


def test_the_line_that_excel_writes_for_itself_is_nothing(tmp_path: Path) -> None:
    assert good(consents(tmp_path, f"sep=;\n{HEADER}\n{row(100)}\n".replace(",", ";"))) == [3]


@pytest.mark.parametrize(
    "number", ["1.31256E+10", "1,31256E+10", "1.2E10", "+1.31256e+10", "13125550177.0"]
)
def test_a_number_that_a_spreadsheet_shortened_is_named(tmp_path: Path, number: str) -> None:
    found = consents(tmp_path, f'{HEADER}\n"{number}",2025-11-03,paper,box 7\n')
    assert bad(found)[2].startswith("number: a spreadsheet has shortened it")
    (opt_out,) = consents(tmp_path, f'number,action\n"{number}",out\n')
    assert opt_out.event is not None
    assert opt_out.reason == bad(found)[2]
    line = people(tmp_path, f'{PEOPLE}\np1,Jo,"{number}"\n').bad[0]
    assert "a spreadsheet has shortened it" in line.reason


def test_a_number_as_people_write_it_is_not_called_shortened() -> None:
    assert [why_shortened(one) for one in ("+12125550100", "+1 212.555.0100", "0", "", "E10")] == [
        ""
    ] * 5


OUT = [
    *("opt_out", "OPT-OUT", "Opt out", "optout", "opted out", "Opted-Out", "out", "STOP", "stop."),
    *("no", "No", "N", "n", "false", "FALSE", "f", "0", "unsubscribe", "Unsubscribed", "revoked"),
    *("Revoke", "declined", "withdrawn", "cancelled", "removed", "Do not contact", "do-not-text"),
    *(
        "DNC",
        "Nein",
        "non",
        "não",
        "нет",
        "opt-out (by phone)",
        "please stop texting me",
        "\u200bno",
    ),
]


@pytest.mark.parametrize("word", OUT)
@pytest.mark.parametrize(
    "rest",
    [
        pytest.param(",,", id="nothing else"),
        pytest.param("n/a,,", id="no date"),
        pytest.param("2999-01-01,x,", id="a date to come"),
        pytest.param("1970-01-01,,", id="before texts"),
    ],
)
def test_a_no_needs_no_proof(tmp_path: Path, word: str, rest: str) -> None:
    (line,) = consents(tmp_path, f'{HEADER},action\n+12125550100,{rest},"{word}"\n')
    assert line.event is not None, line.reason
    assert line.event.action == "opt_out"
    (again,) = consents(tmp_path, f'{HEADER},action\n+12125550100,{rest},"{word}"\n', NOW + DAY)
    assert again.event == line.event, "importing it again is the same claim"


def test_a_list_of_opt_outs_needs_two_columns(tmp_path: Path) -> None:
    found = consents(tmp_path, "number,action\n+12125550100,no\n+18005550123,out\n+12125550101,\n")
    assert (good(found), bad(found)) == ([2, 3], {4: "date is empty"})


def test_a_no_is_taken_from_a_row_that_is_short_or_long_or_badly_encoded(tmp_path: Path) -> None:
    text = f"action,number,date,source,proof,wording\nno,+12125550100\nno,+12125550101,,,ü,{'x' * 5000}\n"
    assert good(consents(tmp_path, text.encode("latin-1"))) == [2, 3]


def test_a_word_that_is_neither_is_named(tmp_path: Path) -> None:
    found = consents(tmp_path, f"{HEADER},action\n{row(100)},perhaps\n{row(101)},Opted In\n")
    assert (good(found), bad(found)) == ([3], {2: "action is neither opt_in nor opt_out"})
    for sign in ("?", "-", "\N{OCTAGONAL SIGN}", "\N{CROSS MARK}"):
        found = consents(tmp_path, f"{HEADER},action\n{row(100)},{sign}\n")
        assert [one.event and one.event.action for one in found] in ([None], ["opt_out"])


@pytest.mark.parametrize(
    ("date", "words"),
    [
        ("1900-01-01", "before text messaging existed"),
        ("1970-01-01", "before text messaging existed"),
        ("1992-12-02", "before text messaging existed"),
        ("0001-01-01", "before text messaging existed"),
        ("2000-01-01", "a placeholder and no proof"),
        ("2000-01-01T00:00:00-08:00", "a placeholder and no proof"),
        ("2001-01-01", "a placeholder and no proof"),
        ("9999-12-31", "in the future"),
        ("2026-11-23", "in the future"),
        ("0000-00-00", "write it as 2025-11-03"),
        ("20251103", "write it as 2025-11-03"),
        ("2025-W45-1", "write it as 2025-11-03"),
        ("45964", "write it as 2025-11-03"),
        ("1762128000", "write it as 2025-11-03"),
        ("11/03/2025", "write it as 2025-11-03"),
        ("03.11.2025", "write it as 2025-11-03"),
    ],
)
def test_a_date_that_cannot_be_is_no_proof(tmp_path: Path, date: str, words: str) -> None:
    found = consents(tmp_path, f"{HEADER}\n{row(100, f'{date},paper,box 7')}\n")
    assert words in bad(found)[2]


@pytest.mark.parametrize(
    "proof", ["n/a", "N/A", "none", "-", "?", "...", "unknown", "TBD", "x", "null"]
)
def test_a_placeholder_is_no_proof(tmp_path: Path, proof: str) -> None:
    found = consents(tmp_path, f"{HEADER}\n{row(100, f'2025-11-03,paper,{proof}')}\n")
    assert bad(found)[2].startswith("proof says nothing")


@pytest.mark.parametrize("zone", ["EST", "MST", "Etc/GMT+5", "america/chicago", "UTC"])
def test_a_zone_that_is_no_place_is_named(tmp_path: Path, zone: str) -> None:
    found = people(tmp_path, f"person_id,time_zone\np1,{zone}\np2,US/Eastern\n")
    assert [one.person_id for one in found.people] == ["p2"]
    assert "did you mean" in found.bad[0].reason
