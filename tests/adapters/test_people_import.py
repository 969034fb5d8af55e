"""`sayso people`: a file of people, good lines and bad ones, on a real broker and without."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.decision import Decision, Verdict
from schemas.outcome import Outcome
from schemas.person import Person, PersonNumber
from schemas.topics import DECISIONS, OUTCOMES, PEOPLE, PERSON_EVENTS
from services.cli.app import run
from services.kafka.publisher import Publisher
from services.operations.errors import OperationError
from services.operations.people import PeopleFile, build_person_events, read_people
from streams.reasons import NOT_SMS_ENABLED
from tests.adapters.settled import settled
from tests.adapters.topics import records

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HEADER = "person_id,name,number,type,sms_enabled,time_zone\n"
JO = "p1,Jo Bell,+14155550142,mobile,yes,America/Denver\n"


def read(
    folder: Path, text: str, tenant: str | None = "acme", *, encoding: str = "utf-8"
) -> PeopleFile:
    file = folder / "people.csv"
    file.write_bytes(text.encode(encoding))
    return read_people(file, tenant)


def test_a_person_with_several_lines_is_one_person(tmp_path: Path) -> None:
    home = "p1,,+1 (415) 555-0143,home,no,\n"
    found = read(tmp_path, HEADER + JO + "p2,Al,,,,\n" + home)
    assert (found.lines, found.bad) == (3, ())
    jo, al = found.people
    assert (jo.person_id, jo.fields) == ("p1", {"name": "Jo Bell", "time_zone": "America/Denver"})
    assert al.fields == {"name": "Al"}
    assert [(one.number, one.type, one.sms_enabled) for _, one in jo.numbers.values()] == [
        ("+14155550142", "mobile", True),
        ("+14155550143", "home", False),
    ]
    assert al.numbers == {}


def test_how_somebody_is_addressed_and_in_which_language(tmp_path: Path) -> None:
    found = read(tmp_path, "person_id,name,first_name,language\np1,Anne Marie Bell,Anne Marie,es\n")
    assert (found.bad, found.unknown) == ((), ())
    (event,) = build_person_events(found, replace=False, now=NOON)
    assert (event.name, event.first_name, event.language) == ("Anne Marie Bell", "Anne Marie", "es")


BAD: list[Any] = [
    pytest.param(",Al,+14155550144,,,\n", "person_id is empty", id="no id"),
    pytest.param("p 2,Al,,,,\n", "person_id 'p 2': use letters", id="blank in the id"),
    pytest.param("p2,Al,4155550144,,,\n", "the number has no country code", id="no plus"),
    pytest.param("p2,Al,call the office,,,\n", "write it as + and country code", id="no number"),
    pytest.param("p2,Al,+18005550199,,,\n", "toll-free", id="toll-free"),
    pytest.param(
        "p2,Al,+14155550144,cell,,\n", "type 'cell': use mobile, home, work, other", id="type"
    ),
    pytest.param(
        "p2,Al,+14155550144,,perhaps,\n", "sms_enabled 'perhaps': say yes or no", id="switch"
    ),
    pytest.param(
        "p2,Al,+14155550144,,,Mars/Base\n", "time_zone 'Mars/Base' is not known", id="zone"
    ),
    pytest.param("p2,Al,+14155550144,,,,,\n", "it has 8 cells", id="cells"),
    pytest.param(
        "p1,Joe,+14155550144,,,\n",
        "an earlier line of this person says 'Jo Bell'",
        id="another name",
    ),
    pytest.param("p1,,+14155550142,home,,\n", "the number is on line 2 already", id="number twice"),
    pytest.param(f"p2,{'x' * 201},,,,\n", "name has 201 characters", id="a file for a name"),
]


@pytest.mark.parametrize(("line", "reason"), BAD)
def test_a_bad_line_is_named_and_the_others_go_in(tmp_path: Path, line: str, reason: str) -> None:
    found = read(tmp_path, HEADER + JO + line + "p3,Bo,+14155550145,,,\n")
    assert [bad.line for bad in found.bad] == [3]
    assert reason in found.bad[0].reason
    assert [one.person_id for one in found.people] == ["p1", "p3"]


def test_a_bad_number_is_not_shown_whole(tmp_path: Path) -> None:
    found = read(tmp_path, HEADER + "p2,Al,4155550144,,,\n" + JO)
    assert "4155550144" not in found.bad[0].reason


def test_a_line_is_counted_as_an_editor_counts_it(tmp_path: Path) -> None:
    """A cell may go over several lines, and a line may be empty."""
    found = read(tmp_path, HEADER + '"p1","Jo\nBell",,,,\n\np2,Al,x,,,\n')
    assert [bad.line for bad in found.bad] == [5]


@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_what_stands_between_cells_is_told_by_the_first_line(tmp_path: Path, between: str) -> None:
    found = read(tmp_path, (HEADER + JO).replace(",", between), encoding="utf-8-sig")
    assert [one.person_id for one in found.people] == ["p1"]
    assert found.bad == ()


def test_a_list_as_a_spreadsheet_saves_it(tmp_path: Path) -> None:
    """Section E, 17.  A person may have no number; of the same line twice the second is named."""
    numbers = ["1.21256E+10", "'+1 212 555 0123", "0444123456", "", "+12125550145"]
    lines = [f"p{place};Al;{number}" for place, number in enumerate(numbers)]
    text = "\r\n".join(["person_id;name;number", *lines, lines[-1], "", ""])
    found = read(tmp_path, text, encoding="utf-8-sig")
    assert [(one.person_id, list(one.numbers)) for one in found.people] == [
        ("p1", ["+12125550123"]),
        ("p3", []),
        ("p4", ["+12125550145"]),
    ]
    shortened, national, again = found.bad
    assert (shortened.line, "a spreadsheet has shortened it" in shortened.reason) == (2, True)
    assert (national.line, "no country code" in national.reason) == (4, True)
    assert (again.line, again.reason) == (7, "the number is on line 6 already")


def test_tenants_by_column(tmp_path: Path) -> None:
    text = "Person ID,Tenant,colour\np1,acme,red\np1,bolt,blue\n"
    found = read(tmp_path, text, tenant=None)
    assert [(one.tenant, one.person_id) for one in found.people] == [("acme", "p1"), ("bolt", "p1")]
    assert found.unknown == ("colour",)
    assert [bad.line for bad in read(tmp_path, text, tenant="acme").bad] == [3]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", "`person_id` is not among them", id="empty"),
        pytest.param("name,number\nJo,+14155550142\n", "`person_id`", id="no ids"),
        pytest.param("\0\0\n", "`person_id`", id="NUL"),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(OperationError, match=words):
        read(tmp_path, text)


def test_without_a_tenant_there_must_be_a_column(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="`tenant`"):
        read(tmp_path, HEADER + JO, tenant=None)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(None, "No such file", id="no file"),
        pytest.param(b"\xff\xfe\xfa", "not UTF-8", id="no text"),
        pytest.param((HEADER + "p 2,Al,,,,\n").encode(), "nobody in it", id="only bad lines"),
    ],
)
def test_exit_code_2_when_nothing_could_be_read(
    tmp_path: Path, content: bytes | None, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "people.csv"
    if content is not None:
        file.write_bytes(content)
    assert run(["people", "import", str(file), "-t", "acme", "--bootstrap", "127.0.0.1:9"]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.broker
def test_people_go_in_and_can_be_looked_at(
    fresh_cluster: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, state = tmp_path / "people.csv", str(tmp_path / "state")
    where = ["--bootstrap", fresh_cluster, "--state", state]
    file.write_text(HEADER + JO + "p2,Al,nonsense,,,\n" + "p3,Bo,,,,\n", encoding="utf-8")
    asyncio.run(settled(fresh_cluster, "acme"))
    assert run(["people", "import", str(file), "-t", "acme", "--json", *where]) == 1
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert (
        told["people"],
        told["numbers"],
        told["lines"],
        [bad["line"] for bad in told["bad"]],
    ) == (2, 1, 3, [3])
    assert f"{file}, line 3: number 'nonsense'" in said.err
    assert "1 of 3 lines were left out" in said.err
    events = [
        PERSON_EVENTS.decode(one.value)
        for one in asyncio.run(records(fresh_cluster, PERSON_EVENTS))
    ]
    assert sorted((one.person_id, one.action) for one in events) == [
        ("p1", "update"),
        ("p3", "update"),
    ]

    file.write_text(HEADER + JO, encoding="utf-8")
    assert run(["people", "import", str(file), "-t", "acme", "--replace", *where]) == 0
    assert "In: people 1, numbers 1; lines read 1." in capsys.readouterr().out
    events = [
        PERSON_EVENTS.decode(one.value)
        for one in asyncio.run(records(fresh_cluster, PERSON_EVENTS))
    ]
    assert [one.action for one in events if one.person_id == "p1"] == ["update", "upsert"]

    asyncio.run(_a_room_would_tell(fresh_cluster))
    assert run(["people", "show", "p1", *where]) == 0
    shown = capsys.readouterr().out
    assert "acme/p1" in shown
    assert "called Jo" in shown
    assert ", es" in shown
    assert "+141••••0142" in shown
    assert "The number isn't enabled for SMS: turn on SMS for it" in shown
    assert run(["people", "show", "p1", "--json", "--unmask", *where]) == 0
    data = json.loads(capsys.readouterr().out)[0]
    assert (data["numbers"][0]["number"], data["numbers"][0]["consent"]) == ("+14155550142", "none")
    assert [one["message_id"] for one in data["waiting"]] == ["m1"]
    assert run(["people", "show", "p9", *where]) == 2


async def _a_room_would_tell(bootstrap: str) -> None:
    number = PersonNumber(number="+14155550142", sms_enabled=False)
    person = Person(
        tenant="acme",
        person_id="p1",
        name="Jo Bell",
        first_name="Jo",
        language="es",
        numbers=(number,),
        at=NOON,
    )
    same: dict[str, Any] = {
        "message_id": "m1",
        "tenant": "acme",
        "kind": "direct",
        "person_id": "p1",
        "requested_at": NOON,
    }
    decision = Decision(
        **same,
        verdict="hold",
        findings=(NOT_SMS_ENABLED.finding(Verdict.HOLD),),
        decided_at=NOON,
        policy_version="p",
        consent_epoch=0,
        evidence={},
    )
    publisher = Publisher(bootstrap, source="test")
    await publisher.publish(PEOPLE, person)
    await publisher.publish(DECISIONS, decision)
    await publisher.publish(
        OUTCOMES, Outcome(**same, state="held", final=False, version=1, at=NOON)
    )
    await publisher.stop()
