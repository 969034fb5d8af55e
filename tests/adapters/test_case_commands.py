"""`sayso case` and `sayso text`: what they publish, what they warn of, and what they refuse."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.cli.app import run
from services.ledger.times import rfc3339
from tests.adapters.case_ledger import DAY, LUIS, MARIA, NOW, Office, open_office

SOON = f"{NOW + 30 * DAY:%Y-%m-%d}"


def furnish(office: Office) -> Office:
    office.settle()
    office.meet("maria", "Maria Rivera", MARIA)
    office.meet("luis", "Luis Rivera", LUIS)
    office.meet("ana", "Ana Diaz", "+14155550103", "+14155550104")
    office.case()
    return office


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    opened = furnish(open_office(tmp_path, monkeypatch))
    yield opened
    opened.store.close()


@pytest.fixture(scope="module")
def one_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with pytest.MonkeyPatch.context() as patch:
        opened = furnish(open_office(tmp_path_factory.mktemp("office"), patch))
        yield opened
        opened.store.close()


@pytest.fixture
def still(one_office: Office) -> Office:
    """Nothing is added to its ledger."""
    one_office.published.clear()
    return one_office


RECORDED = [
    (
        "case open 9001 -t harbor --title X --zone America/Chicago",
        "case_opened",
        {"title": "X", "time_zone": "America/Chicago"},
    ),
    (
        "case party add 8841 ana --role team --number +14155550104",
        "party_added",
        {"person_id": "ana", "role": "team", "number": "+14155550104"},
    ),
    ("case party change 8841 luis --role debtor", "party_changed", {"role": "debtor"}),
    ("case party change 8841 luis --number ''", "party_changed", {"number": ""}),
    ("case party remove 8841 luis", "party_removed", {"person_id": "luis"}),
    (
        "case task add 8841 docs --template hearing --to client",
        "task_scheduled",
        {"template": "hearing", "when": {"now": True}, "kind": "transactional"},
    ),
    (
        f"case task add 8841 t --body Hi --person luis --at {SOON}T09:00 --zone America/Denver",
        "task_scheduled",
        {"when": {"now": False, "time": f"{SOON}T09:00", "time_zone": "America/Denver"}},
    ),
    (
        "case task add 8841 t --body Hi --to client --at '3 days before' --event hearing-1"
        " --clock 09:00",
        "task_scheduled",
        {
            "when": {
                "now": False,
                "offset": "3 days before",
                "event_id": "hearing-1",
                "clock": "09:00",
            }
        },
    ),
    ("case task cancel 8841 docs", "task_canceled", {"task_id": "docs"}),
    (
        f"case event save 8841 hearing-2 --title Trial --at {SOON}T09:00 --remind '72 hours before'",
        "event_saved",
        {"starts_at": f"{SOON}T09:00", "reminders": ["72 hours before"]},
    ),
    ("case event cancel 8841 hearing-1", "event_canceled", {"sequence": 3}),
    ("case date 8841 closing 2026-12-18", "date_set", {"date": "2026-12-18"}),
    ("case reminders 8841 luis off", "case_settings", {"reminders": {"luis": False}}),
    ("case mail 8841 a@b.example", "case_settings", {"notify_email": "a@b.example"}),
    ("case launch 8841", "launched", {}),
    ("case close 8841", "case_closed", {}),
    ("case reopen 8841", "case_reopened", {}),
    (
        "text 8841 luis Hello",
        "task_scheduled",
        {
            "body": "Hello",
            "kind": "direct",
            "written_by": "dana",
            "audience": {"roles": [], "person_ids": ["luis"]},
        },
    ),
]


@pytest.mark.parametrize(
    ("command", "kind", "says"), [pytest.param(*one, id=one[0]) for one in RECORDED]
)
def test_a_command_publishes_one_change(
    command: str, kind: str, says: dict[str, Any], still: Office
) -> None:
    assert run([*shlex.split(command), "--by", "dana"]) == 0
    (event,) = still.sent
    assert (event["type"], event["tenant"], event["by"]) == (kind, "harbor", "dana")
    assert {name: event.get(name) for name in says} == says


REFUSED = [
    ("case show 8842", "There is no case '8842': did you mean '8841'?"),
    ("case show x -t harbor", "There is no case 'x' at harbor: see `sayso case list`"),
    ("case open 9 -t harbor --title X --zone EST", "did you mean America/"),
    ("case open 9 -t harbor --title X --branch court", "harbor has no branch 'court'"),
    ("case open 9 -t harbour --title X", "did you mean 'harbor'?"),
    ("case open 9/1 -t harbor --title X", "--case '9/1' cannot be used"),
    ("case party add 8841 marai", "Nobody is on record as 'marai' at harbor: did you mean 'maria'"),
    (f"case party add 8841 ana --number {MARIA}", "is no number of 'ana'"),
    ("case party add 8841 ana --number 4155550103", "not a phone number with plus"),
    ("case party change 8841 ana --role x", "'ana' is no party of harbor/8841"),
    ("case party change 8841 luis", "Nothing is to change"),
    ("case task add 8841 t --to client", "A task has words"),
    ("case task add 8841 t --body x", "A task goes to somebody"),
    ("case task add 8841 t --template haering --to client", "its templates: hearing"),
    ("case task add 8841 t --body x --to client --at 3d", "write '3 days before'"),
    ("case task add 8841 t --body x --to client --at 2026-13-01T09:00", "no time that there is"),
    ("case task add 8841 t --body x --to client --at now --event hearing-1", "counts from nothing"),
    (
        "case task add 8841 t --body x --to client --at '2 hours before' --event hearing-1"
        " --clock 09:00",
        "--clock needs an offset in days",
    ),
    (
        "case task add 8841 t --body x --to client --at '2 days before' --event hearing",
        "has no event 'hearing': did you mean 'hearing-1'?",
    ),
    ("case task add 8841 t --body x --to client --kind z", "--kind 'z' is not known"),
    ("case task add 8841 t --body '' --to client", "The text is empty"),
    (
        "case task add 8841 t --body 'Hi {{ person.firsd }}' --to client",
        "did you mean person.first",
    ),
    ("case task add 8841 t --body 'Hi {{ event.time }}' --to client", "no field event.time here"),
    ("case task add 8841 t --body 'See bit.ly/x' --to client", "public shortener bit.ly"),
    ("case open 9 -t harbor --title ''", "--title '' cannot be used: it is empty"),
    ("case open 9 -t harbor --title '  '", "cannot be used: it is empty"),
    (f"case open 9 -t harbor --title {'x' * 201}", "xxx...' cannot be used: it has 201 characters"),
    (f"case event save 8841 e --title '' --at {SOON}", "--title '' cannot be used: it is empty"),
    (f"case event save 8841 e --title X --at {SOON} --place {'x' * 201}", "200 is the most"),
    ("case party add 8841 nobody", "add them first (sayso people import)"),
    ("case task cancel 8841 doc", "has no task 'doc': did you mean 'docs'?"),
    ("case event save 8841 e --title X --at 9am", "write 2026-11-02T09:00"),
    ("case event save 8841 e --title X --at 2026-12-02 --zone Mars", "--zone 'Mars'"),
    ("case event save 8841 e --title X --at 2026-12-02 --remind soon", "--remind: 'soon' is no"),
    ("case event cancel 8841 nope", "its events: hearing-1"),
    ("case date 8841 closing soon", "'soon' is not a day"),
    ("case reminders 8841 luis perhaps", "'perhaps' is not known"),
    ("case reminders 8841 ana off", "'ana' is no party"),
    ("case mail 8841 nowhere", "is no mail address"),
    ("text 8841 ana Hi", "'ana' is no party"),
    ("text 8841 luis ' '", "The text is empty"),
    ("text 8841 luis 'Hi {{ person.firsd }}'", "did you mean person.first"),
    ("text 8841 luis 'Hi {{ person.first'", "this is no template"),
    (
        f"text 8841 luis {'x' * 1601}",
        "The text has 1,601 characters; 1,600 is the most: shorten it",
    ),
]


@pytest.mark.parametrize(("command", "words"), [pytest.param(*one, id=one[0]) for one in REFUSED])
def test_what_is_wrong_is_one_sentence_and_nothing_is_published(
    command: str, words: str, still: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(shlex.split(command)) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if "No broker" not in line]
    assert len(said) == 1
    assert words in said[0]
    assert still.published == []


HEARING = "case event save 8841 e --title X --type hearing --at"
DOUBTED = [
    (f"{HEARING} 2025-12-02T09:00", ["in the past"]),
    (f"{HEARING} {SOON}T04:00", ["really outside 07:00-19:00?"]),
    (f"{HEARING} {SOON}T09:00Z", ["really outside 07:00-19:00?"]),
    (f"{HEARING} {SOON}T19:00", []),
    (f"{HEARING} {SOON}", []),
    (f"{HEARING} {SOON} --remind '3 days before'", []),
    (f"{HEARING} {SOON} --remind '90 days before'", ["'90 days before' was due on "]),
    (f"{HEARING} 2025-12-02T09:00 --remind '90 days before'", ["in the past"]),
    (f"case event save 8841 e --title X --at {SOON}", ["nothing reminds of it"]),
    (f"case event save 8841 e --title X --at {SOON} --remind '3 days before'", []),
    (f"case event save 8841 e --title X --type Hearing --at {SOON}", []),
    (f"case event save 8841 e --title X --type hearnig --at {SOON}", ["did you mean 'hearing'?"]),
    (f"case event save 8841 e --title X --type lunch --at {SOON}", ["events of the type 'lunch'"]),
    ("case date 8841 closing 2020-12-18", ["in the past: 2020-12-18", "counts from 'closing' yet"]),
    ("case date 8841 closing none", []),
    (
        "case task add 8841 t --body x --to client --at '1 day before' --date closing",
        ["the case has no date 'closing' yet"],
    ),
    (
        "case task add 8841 t --template hearing --to client",
        ["says event.date, so it needs --event"],
    ),
    ("case task add 8841 t --body '{x}' --to client", ["a brace is left over"]),
    ("case task add 8841 t --body x --to cliemt", ["did you mean 'client'?"]),
    ("case task add 8841 t --body x --to team", ["nobody in the case has the role 'team' yet"]),
    ("case task add 8841 t --body x --to CLIENT", []),
    ("case party add 8841 ana --role clientt", ["is a new role: did you mean 'client'?"]),
    ("case launch 8841", ["launched already"]),
    ("case open 8841 -t harbor --title X", ["is open already"]),
    ("text 8841 luis Hi", ["the recipient hasn't opted in yet"]),
]


@pytest.mark.parametrize(
    ("command", "warnings"), [pytest.param(*one, id=one[0]) for one in DOUBTED]
)
def test_what_looks_wrong_is_said_and_published(
    command: str, warnings: list[str], still: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*shlex.split(command), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["notes"]
    assert len(found) == len(warnings)
    assert all(part in whole for part, whole in zip(warnings, found, strict=True))
    assert len(still.published) == 1


def test_a_case_that_was_just_opened_can_be_worked_on(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing has been published of it yet: its own zone counts, and any party may be named."""
    office.say(type="case_opened", case_id="9", change_id="c1", title="X", time_zone="Asia/Kolkata")
    command = f"case event save 9 e --title X --type hearing --at {SOON}T20:00 --json"
    assert run(command.split()) == 0
    (doubt,) = json.loads(capsys.readouterr().out)["notes"]
    assert "20:00 in Asia/Kolkata" in doubt
    assert run(["case", "party", "remove", "9", "somebody"]) == 0
    assert run(["case", "show", "9"]) == 1


def show(capsys: pytest.CaptureFixture[str], *more: str) -> Any:
    assert run(["case", "show", "8841", "--json", *more]) == 0
    return json.loads(capsys.readouterr().out)


def test_each_party_has_the_reason_that_comes_first(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    parties = [
        {"person_id": "ready", "role": "client", "number": "+14155550105"},
        {"person_id": "asked", "role": "client", "number": "+14155550106"},
        {"person_id": "never", "role": "client", "number": "+14155550107"},
        {"person_id": "out", "role": "client", "number": "+14155550108"},
        {
            "person_id": "off",
            "role": "client",
            "number": "+14155550109",
            "reason": "not_sms_enabled",
        },
        {"person_id": "none", "role": "client", "reason": "no_number"},
    ]
    office.case(parties=parties, version=8)
    office.consent("+14155550105", "opted_in")
    office.consent("+14155550106", "pending", asked_at=NOW - DAY / 2, ask_again_at=NOW + DAY / 2)
    office.consent("+14155550108", "opted_out")
    found = show(capsys)
    assert {party["person_id"]: party["readiness"] for party in found["parties"]} == {
        "ready": "ready",
        "asked": "not_opted_in",
        "never": "not_opted_in",
        "out": "opted_out",
        "off": "not_sms_enabled",
        "none": "no_number",
    }
    asked = found["parties"][1]
    assert asked["asked_at"] == rfc3339(NOW - DAY / 2)
    assert asked["ask_again_at"] == rfc3339(NOW + DAY / 2)
    assert all("•" in party["number"] for party in found["parties"][:5])
    assert show(capsys, "--unmask")["parties"][0]["number"] == "+14155550105"


def test_the_first_line_says_who_hears_and_who_will_not(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    office.consent(MARIA, "opted_in")
    office.consent(LUIS, "pending", asked_at=NOW - DAY / 2, ask_again_at=NOW + DAY / 2)
    says = show(capsys)["promise"]
    assert says.startswith("Next: Maria hears of ")
    assert "Luis will not: they were asked " in says
    assert run(["case", "show", "8841"]) == 0
    assert says in capsys.readouterr().out
    office.text("t-1", "luis", "requested", task_id="docs")
    office.case(events=[], tasks=[], version=8)
    says = show(capsys)["promise"]
    assert says.startswith("Next: nothing is ahead. A text waits for Luis: they were asked ")
    office.case(closed=True, version=9)
    assert show(capsys)["promise"] == "Next: nothing. The case is closed."


def test_what_was_done_is_shown_by_its_latest_version(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    office.text("t-1", "maria", "requested", task_id="docs")
    office.text("t-1", "maria", "arrived", task_id="docs", version=3)
    office.text("t-1", "maria", "sent", task_id="docs", version=2)
    (text,) = show(capsys)["texts"]
    assert text["state"] == "arrived"
    late = {"message_id": None, "event_id": "hearing-1", "recipe": "day-before"}
    office.text("t-2", "luis", "too_late", **late)
    assert run(["case", "show", "8841"]) == 0
    shown = capsys.readouterr().out
    assert "1 arrived" in shown
    assert "day-before of hearing-1" in shown
    assert "t-2" in shown, "by this id it can be explained"


def test_who_was_told_another_place_is_named(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    """Section E, 10: a change of place alone sends nothing, and offers a correction."""
    starts_at = f"{NOW + 2 * DAY:%Y-%m-%dT%H:%M}"
    about = {"event_id": "hearing-1", "event_starts_at": starts_at, "recipe": "day"}
    office.text("t-1", "maria", "arrived", **about)
    office.text("t-2", "luis", "requested", **about)
    save = "case event save 8841 hearing-1 --title H --type hearing --json"
    for options, is_asked in (("--place 'Room 9'", True), ("", False)):
        assert run(shlex.split(f"{save} --at {starts_at} {options}")) == 0
        notes = " ".join(json.loads(capsys.readouterr().out)["notes"])
        assert ("place changed: Maria Rivera; send them" in notes) is is_asked
        assert "Luis" not in notes


def test_a_text_written_by_hand_is_shown_with_its_author(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    task = {"task_id": "text-1", "body": "Room 5.", "kind": "direct", "written_by": "dana"}
    office.case(tasks=[{**task, "person_ids": ["maria"], "when": {"now": True}}], version=8)
    office.text("t-1", "maria", "arrived", task_id="text-1")
    assert run(["case", "show", "8841"]) == 0
    row = capsys.readouterr().out.splitlines()[-1]
    assert "by hand, dana" in row
    assert "text-1" not in row


def test_a_list_without_open_cases_says_where_the_others_are(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    office.case(closed=True, version=8)
    assert run(["case", "list"]) == 0
    assert "--all shows closed ones" in capsys.readouterr().out


def test_the_history_has_each_change_once_in_the_order_of_its_time(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    office.say(type="launched", change_id="c2", at=(NOW + DAY).isoformat())
    office.say(type="case_opened", change_id="c1", title="X")
    office.say(type="case_opened", change_id="c1", title="X")
    office.say(type="case_merged", into="9")
    assert run(["case", "history", "8841", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["type"] for one in found] == ["case_opened", "case_merged", "launched"]
    office.say(
        type="task_scheduled",
        change_id="c3",
        task_id="docs",
        body="Hi",
        audience={"roles": ["client"], "person_ids": []},
        when={"now": False, "offset": "3 days before"},
    )
    office.say(type="case_settings", change_id="c4", reminders={"luis": False})
    assert run(["case", "history", "8841"]) == 0
    shown = capsys.readouterr().out
    assert "case opened" in shown
    assert "audience: roles client; when: offset 3 days before" in shown
    assert "reminders: luis off" in shown


def test_the_list_leaves_out_closed_cases(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    office.case(case_id="9", closed=True)
    for more, expected in (([], ["8841"]), (["--all"], ["8841", "9"])):
        assert run(["case", "list", "--json", *more]) == 0
        assert [one["case_id"] for one in json.loads(capsys.readouterr().out)] == expected
    assert run(["case", "list"]) == 0
    assert "In re Rivera" in capsys.readouterr().out


def test_a_large_case_shows_first_who_cannot_be_texted(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    """More than a screen holds is counted."""
    parties = [
        {"person_id": f"p{n}", "role": "client", "number": f"+1415555{n:04}"} for n in range(400)
    ]
    office.case(parties=parties, version=8)
    office.consent("+14155550000", "opted_in")
    assert run(["case", "show", "8841", "--most", "3"]) == 0
    shown = capsys.readouterr().out
    assert "3 of 400 parties: 399 not opted in, 1 ready." in shown
    assert "Nor will 396 more." in shown
    assert all(f"+141••••{n:04}" in shown for n in (1, 2, 3))
    assert "+141••••0000" not in shown
    assert len(show(capsys)["parties"]) == 400
