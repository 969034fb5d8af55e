"""Consents from a list: good lines go in with their evidence, bad ones are named by line and
reason, twice is once."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.consent import ConsentEvent
from schemas.dead_letter import DeadLetter
from schemas.topics import CONSENT_EVENTS, DEAD_LETTERS
from services.cli.app import run
from services.operations.consent_import import ConsentImport, ConsentLine, read_consents
from services.operations.errors import OperationError
from streams.gate import gate as gate_process
from streams.gate import gate_on_timer
from tests.adapters.settled import settled
from tests.adapters.topics import records
from tests.core.gate.cases import NOON, settings
from tests.core.harness import ProcessorHarness

ABOUT = ConsentImport("acme", "dana", datetime(2026, 11, 22, tzinfo=UTC))
HEADER = "number,date,source,proof"
GOOD = '+1 (212) 555-0123,2025-11-03,"intake, paper",box 7 sheet 12'


def read(
    folder: Path, *rows: str, header: str = HEADER, encoding: str = "utf-8"
) -> list[ConsentLine]:
    file = folder / "c.csv"
    file.write_bytes("\n".join((header, *rows)).encode(encoding))
    return list(read_consents(file, ABOUT))


def test_a_line_becomes_a_claim_with_its_evidence(tmp_path: Path) -> None:
    ((line, event, *_),) = read(tmp_path, GOOD)
    assert line == 2
    assert event is not None
    assert (event.number, event.action, event.source) == ("+12125550123", "opt_in", "import")
    assert event.at == datetime(2025, 11, 3, tzinfo=UTC)
    assert event.evidence.model_dump(exclude_none=True) == {
        "origin": "intake, paper",
        "document": "box 7 sheet 12",
        "actor": "dana",
    }


def test_more_columns_in_any_order(tmp_path: Path) -> None:
    header = "\ufeffProof, wording ,DATE,number,source,action,url,sender"
    rows = (
        "box 7,Text me,2025-11-03T14:05:00-05:00,+12125550123,paper,opt_out,https://acme.example,24273",
    )
    ((_, event, *_),) = read(tmp_path, *rows, header=header)
    assert event is not None
    assert (event.action, event.sender, event.at.hour) == ("opt_out", "24273", 19)
    assert event.evidence.wording_sha256 is not None
    assert (event.evidence.wording, event.evidence.url) == ("Text me", "https://acme.example")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        pytest.param(
            "2125550123,2025-11-03,paper,box 7",
            "number: The number has no country code",
            id="no plus",
        ),
        pytest.param("+18005550123,2025-11-03,paper,box 7", "toll-free", id="cannot be texted"),
        pytest.param("hello,2025-11-03,paper,box 7", "number:", id="no number"),
        pytest.param(",2025-11-03,paper,box 7", "number is empty", id="empty number"),
        pytest.param(
            "+12125550123,11/03/2025,paper,box 7",
            "write it as 2025-11-03",
            id="another way to write a date",
        ),
        pytest.param(
            "+12125550123,2025-02-30,paper,box 7", "write it as 2025-11-03", id="no such day"
        ),
        pytest.param(
            "+12125550123,2025-11-03T14:05,paper,box 7", "without its zone", id="time without zone"
        ),
        pytest.param(
            "+12125550123,0001-01-01T00:00:00+10:00,paper,box 7",
            "years 1 to 9999",
            id="before all time",
        ),
        pytest.param("+12125550123,2026-11-23,paper,box 7", "in the future", id="to come"),
        pytest.param("+12125550123,2025-11-03,,box 7", "source is empty", id="no source"),
        pytest.param("+12125550123,2025-11-03,paper, ", "proof is empty", id="no proof"),
        pytest.param(
            f"+12125550123,2025-11-03,paper,{'x' * 4001}", "4001 characters", id="too long"
        ),
        pytest.param(
            "+12125550123,2025-11-03,paper", "it has 3 cells, and the header 4", id="a cell missing"
        ),
        pytest.param("+12125550123,2025-11-03,paper,box 7,", "it has 5 cells", id="a cell more"),
        pytest.param('+12125550123,2025-11-03,pa"per"x,"box"7', "not CSV", id="quotes astray"),
        pytest.param(",,,", "number is empty", id="all empty"),
        pytest.param(GOOD, "it says the same as line 2", id="twice"),
    ],
)
def test_a_bad_line_is_named_and_the_good_ones_around_it_go_in(
    tmp_path: Path, row: str, reason: str
) -> None:
    after = "+12125550124,2025-11-03,paper,box 8"
    first, bad, last = read(tmp_path, GOOD, row, "", after)
    assert (first.event is not None, last.event is not None, last.line) == (True, True, 5)
    assert (bad.line, bad.event, reason in bad.reason) == (3, None, True), bad.reason
    assert "5550123" not in bad.reason


def test_lines_are_counted_as_an_editor_does(tmp_path: Path) -> None:
    folded = '+12125550123,2025-11-03,paper,"box 7\nsheet 12"'
    assert [line.line for line in read(tmp_path, folded, "x,y,z,a")] == [2, 4]


def test_another_encoding_is_said_line_by_line(tmp_path: Path) -> None:
    umlaut = "+12125550124,2025-11-03,Büro,box 7"
    good, bad = read(tmp_path, GOOD, umlaut, encoding="latin-1")
    assert good.event is not None
    assert bad.reason == "source is not UTF-8 text: save the file as UTF-8"


@pytest.mark.parametrize(
    ("number", "blocked"),
    [
        pytest.param("3125550177", "+13125550177", id="no plus"),
        pytest.param("00442079460000", "+442079460000", id="dialed from abroad"),
        pytest.param("+13125550177home", "+13125550177", id="a word behind it"),
        pytest.param("+1312555017", "+13125550177", id="a digit too few"),
        pytest.param("+18005550100", None, id="toll-free"),
        pytest.param("ask Ana", None, id="no number"),
    ],
)
def test_an_opt_out_of_no_number_is_named_and_blocks_what_it_may_have_meant(
    tmp_path: Path, number: str, blocked: str | None
) -> None:
    (line,) = read(tmp_path, f"{number},out", header="number,action")
    assert line.line == 2
    assert line.reason.startswith("number: ")
    event = line.event
    assert event is not None, "a no is not lost because a digit is"
    assert event.action == "opt_out"
    gate = ProcessorHarness(gate_process, gate_on_timer, event.number_key, settings(), now=NOON)
    published = gate.publish_from(event)
    letters = [one.value for one in published if one.topic is DEAD_LETTERS]
    assert [one.cause for one in letters if isinstance(one, DeadLetter)] == ["not_a_number"]
    blocks = [one.value for one in published if isinstance(one.value, ConsentEvent)]
    assert {one.action for one in blocks} == ({"unreadable"} if blocks else set())
    assert blocked is None or blocked in {one.number for one in blocks}


def test_an_opt_out_without_any_number_is_left_out(tmp_path: Path) -> None:
    found = read(tmp_path, ",out", "  ,out", header="number,action")
    assert [(one.event, one.reason) for one in found] == [(None, "number is empty")] * 2


def test_an_unknown_action_is_no_yes(tmp_path: Path) -> None:
    rows = [f"+12125550123,2025-11-03,paper,box 7,{action}" for action in ("", "opt_in", "yes")]
    found = read(tmp_path, *rows, header=HEADER + ",action")
    assert [line.event is not None for line in found] == [True, True, False]


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("", "must name number, date, source, proof"),
        ("number,date,proof", "source is missing"),
        (HEADER + ",colour", "'colour' is not known"),
        (HEADER + ",proof", "'proof' is there twice"),
    ],
)
def test_a_wrong_header_is_refused_before_anything_goes_in(
    tmp_path: Path, header: str, words: str
) -> None:
    with pytest.raises(OperationError, match=words):
        read(tmp_path, GOOD, header=header)


def test_the_same_line_is_the_same_event_in_any_file(tmp_path: Path) -> None:
    other = "+12125550124,2025-11-03,paper,box 8"

    def identities(*rows: str) -> list[str]:
        return [line.event.event_id for line in read(tmp_path, *rows) if line.event]

    assert identities(GOOD, other) == identities(other, GOOD)[::-1]


@pytest.mark.broker
async def test_from_a_file_to_the_topic(
    fresh_cluster: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "c.csv"
    good = [f"+1212555{number:04},2025-11-03,paper,box {number}" for number in range(100, 200)]
    file.write_text("\n".join([HEADER, *good[:50], "x,2025-11-03,paper,box 7", *good[50:]]))
    command = [
        "consent",
        "import",
        str(file),
        "-t",
        "acme",
        "--actor",
        "dana",
        "--bootstrap",
        fresh_cluster,
    ]
    await settled(fresh_cluster, "acme")
    assert await asyncio.to_thread(run, command) == 1
    said = capsys.readouterr()
    assert f"{file}, line 52: number:" in said.err
    assert said.out == "Lines taken in: 100; left out: 1.\n"
    assert await asyncio.to_thread(run, [*command, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["imported"] == 100
    found = await records(fresh_cluster, CONSENT_EVENTS)
    events = [CONSENT_EVENTS.decode(record.value) for record in found]
    assert len(events) == 200
    assert len({event.event_id for event in events}) == 100, (
        "imported again: the gate drops the repeats"
    )
    assert all(isinstance(event, ConsentEvent) and event.evidence.document for event in events)

    file.write_text("number,action\n+12125550300,out\n3125550177,out\n")
    assert await asyncio.to_thread(run, command) == 1
    said = capsys.readouterr()
    assert f"{file}, line 3: number: The number has no country code" in said.err
    assert said.out.startswith("Lines taken in: 1; left out: 0.\nOpt-outs of no number")
    assert await asyncio.to_thread(run, [*command, "--json"]) == 1
    (unclear,) = json.loads(capsys.readouterr().out)["unclear"]
    assert unclear["line"] == 3
    found = await records(fresh_cluster, CONSENT_EVENTS)
    numbers = {CONSENT_EVENTS.decode(record.value).number for record in found}  # type: ignore[attr-defined]
    assert {"+12125550300", "3125550177"} <= numbers


def test_what_cannot_be_done_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "c.csv"
    for command, words, code in (
        (["nowhere.csv", "-t", "acme", "--bootstrap", "x:1"], "nowhere.csv cannot be read", 2),
        ([str(file), "-t", "a/b", "--bootstrap", "x:1"], "--tenant 'a/b' cannot be used", 2),
        (
            [str(file), "-t", "acme", "--bootstrap", "127.0.0.1:9"],
            "No Kafka answers at 127.0.0.1:9",
            1,
        ),
    ):
        file.write_text(f"{HEADER}\n{GOOD}\n")
        assert run(["consent", "import", *command]) == code
        said = capsys.readouterr()
        assert words in said.err
        assert (said.err.strip().count("\n"), said.out) == (0, "")
