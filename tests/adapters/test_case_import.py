"""`sayso case import`: a whole case from a file, all of it or nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.cli.app import run
from tests.adapters.case_ledger import DAY, LUIS, MARIA, NOW, Office, open_office

SOON = f"{NOW + 30 * DAY:%Y-%m-%d}"
RIVERA = f"""
case: 9001
tenant: harbor
title: In re Rivera
type: chapter 7
zone: America/Chicago
mail: rivera@harbor.example
launch: yes
parties:
  - {{person: maria, role: client, number: {MARIA}}}
  - {{person: luis, role: client, reminders: off}}
events:
  - event: hearing-1
    title: Meeting of creditors
    type: hearing
    at: {SOON}T09:00
    remind: [3 days before, 72 hours before]
tasks:
  - {{task: docs, template: hearing, to: client, at: 2 days before, event: hearing-1, clock: "09:00"}}
  - task: welcome
    body: "Welcome, {{{{ person.first }}}}."
    people: [luis]
dates:
  closing: {SOON}
"""


@pytest.fixture(scope="module")
def one_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with pytest.MonkeyPatch.context() as patch:
        opened = open_office(tmp_path_factory.mktemp("office"), patch)
        opened.settle()
        opened.meet("maria", "Maria Rivera", MARIA)
        opened.meet("luis", "Luis Rivera", LUIS)
        opened.case()
        yield opened
        opened.store.close()


@pytest.fixture
def office(one_office: Office) -> Office:
    one_office.published.clear()
    return one_office


def imported(
    capsys: pytest.CaptureFixture[str], folder: Path, text: str, *more: str, name: str = "c.yaml"
) -> Any:
    (folder / name).write_text(text)
    capsys.readouterr()
    assert run(["case", "import", str(folder / name), "--json", "--unmask", *more]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_whole_case(office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = imported(capsys, tmp_path, RIVERA)
    assert (found["applied"], found["notes"], office.published) == (False, [], [])
    again = imported(capsys, tmp_path, RIVERA, "--apply", "--by", "dana")
    assert again["applied"]
    assert [one["type"] for one in office.sent] == [
        "case_opened",
        "party_added",
        "party_added",
        "date_set",
        "event_saved",
        "task_scheduled",
        "task_scheduled",
        "case_settings",
        "launched",
    ]
    assert {(one["tenant"], one["case_id"], one["by"]) for one in office.sent} == {
        ("harbor", "9001", "dana")
    }
    opened, maria, _, _, hearing, docs, welcome, settings, _ = office.sent
    assert (opened["time_zone"], maria["number"]) == ("America/Chicago", MARIA)
    assert hearing["reminders"] == ["3 days before", "72 hours before"]
    assert docs["when"]["clock"] == "09:00"
    assert welcome["body"] == "Welcome, {{ person.first }}."
    assert settings["reminders"] == {"luis": False}
    assert run(["case", "import", str(tmp_path / "c.yaml")]) == 0
    assert "the same with --apply" in capsys.readouterr().out


def test_a_file_may_add_to_a_case_on_record(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "case: '8841'\ntenant: harbor\ntasks:\n  - {task: t, body: Hi, to: [client, team]}\n"
    found = imported(capsys, tmp_path, text)
    assert [one["type"] for one in found["changes"]] == ["task_scheduled"]
    (note,) = found["notes"]
    assert note.startswith("task 't': nobody in the case has the role 'team' yet")


def change(**said: Any) -> str:
    known = {"tenant": "harbor", "case_id": "8841", "change_id": "c1", "at": NOW.isoformat()}
    return json.dumps(known | said)


def test_changes_as_json_keep_their_identity(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [change(type="launched"), "", change(type="case_closed", change_id="c2")]
    imported(capsys, tmp_path, "\n".join(lines), "--apply", name="c.jsonl")
    assert [one["change_id"] for one in office.sent] == ["c1", "c2"]


WRONG = [
    ("c.yaml", "tenant: harbor\n", "`case:` is missing"),
    ("c.yaml", "case: 9001\n", "`tenant:` (or --tenant) is missing"),
    ("c.yaml", "case: 9001\ntenant: harbor\n", "a new case has a `title:`"),
    ("c.yaml", "- x\n", "begin with `case:`"),
    ("c.yaml", "case: [\n", "line 2: this is not YAML"),
    ("c.yaml", "case: 9001\nowner: x\n", "line 2: `owner` is not known here"),
    ("c.yaml", "case: 9001\nparties: x\n", "line 2: `parties:` is a list"),
    ("c.yaml", RIVERA.replace("person: luis", "person: lius"), "line 11: Nobody is on record"),
    ("c.yaml", RIVERA.replace("reminders: off", "reminders: never"), "line 11: reminders 'never'"),
    ("c.yaml", RIVERA.replace("72 hours before", "soon"), "line 13: --remind: 'soon'"),
    ("c.yaml", RIVERA.replace("event: hearing-1, clock", "event: hearing, clock"), "line 19: "),
    ("c.yaml", RIVERA.replace("template: hearing", "template: x"), "its templates: hearing"),
    ("c.yaml", RIVERA.replace("people: [luis]", "people: [ana]"), "'ana' is no party"),
    ("c.yaml", RIVERA.replace("America/Chicago", "CST"), "did you mean America/Chicago"),
    ("c.yaml", RIVERA.replace(f"closing: {SOON}", "closing: soon"), "date 'closing': 'soon'"),
    ("c.jsonl", change(type="launched") + "\n{", "line 2: "),
    ("c.jsonl", change(type="date_set", name="x", date="soon"), "line 1: date_set.date"),
    ("c.jsonl", change(type="case_merged"), "there is no change named 'case_merged'"),
    ("c.jsonl", "", "there is nothing in it to import"),
]


@pytest.mark.parametrize(("name", "text", "says"), WRONG)
def test_one_mistake_and_nothing_is_published(
    name: str,
    text: str,
    says: str,
    office: Office,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / name).write_text(text)
    assert run(["case", "import", str(tmp_path / name), "--apply"]) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if "No broker" not in line]
    assert len(said) == 1
    assert says in said[0]
    assert office.published == []
