"""Section E, 24: a template gets a field while texts are scheduled.  Who lacks the value is known
before the settings are applied, not at night."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.case import CaseText
from schemas.person import PersonRequest
from schemas.topics import SETTINGS
from services.cli.app import run
from services.ledger.ledger import FILE
from tests.adapters.case_ledger import Office, open_office
from tests.core.cases.world import ANAS, CaseHarness, recipe, settings, template

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
PEOPLE = 30
WITHOUT = [n for n in range(PEOPLE) if n % 4 == 0]
"""Nobody knows the first name of these."""
PLAIN, WITH_FIELD = "Bring papers.", "{{ person.first }}, bring papers."
LATER = f"{NOW + 2 * DAY:%Y-%m-%dT%H:%M}"
POLICY: dict[str, Any] = {
    "when": {"quiet_hours": "none"},
    "templates": {"bring": template(PLAIN), "soon": template("Hearing {{ event.date }}.")},
    "recipes": {"day": recipe("1 day before")},
}


class Firm:
    """Three cases with ten parties each; the ledger has what their processor published."""

    def __init__(self, office: Office, folder: Path) -> None:
        self.office, self.folder = office, folder
        self.cases: dict[str, CaseHarness] = {}
        office.add(SETTINGS, settings(**POLICY).tenants["acme"])
        for n in range(3):
            case = CaseHarness(now=NOW, settings=settings(**POLICY), key=f"acme/c{n}")
            self.cases[f"c{n}"] = case
            case.open(case_id=f"c{n}")

    def party(self, n: int) -> None:
        case, of_case = self.cases[f"c{n % 3}"], {"case_id": f"c{n % 3}"}
        number = f"{ANAS[:-2]}{n:02}"
        first = None if n in WITHOUT else f"First{n}"
        case.do("party_added", person_id=f"p{n}", role="client", **of_case)
        self.office.meet(f"p{n}", "", number, tenant="acme", first_name=first)
        case.person(f"p{n}", number, first_name=first, **of_case)

    def do(self, kind: str, **fields: Any) -> None:
        for name, case in self.cases.items():
            case.do(kind, case_id=name, **fields)

    def schedule(self, task_id: str = "docs", **fields: Any) -> None:
        known = {"template": "bring", "audience": {"roles": ["client"]}, "when": {"time": LATER}}
        self.do("task_scheduled", task_id=task_id, **{**known, **fields})

    def tell(self) -> None:
        for case in self.cases.values():
            for topic, value in case.published:
                self.office.add(topic, value)
            case.published.clear()

    def apply(self, *words: str, **changed: Any) -> int:
        file = self.folder / "t.yaml"
        tenant = {"tenant": "acme", "name": "Acme Law", "sender": "24273", **POLICY, **changed}
        file.write_text(yaml.safe_dump({"tenants": [tenant]}), encoding="utf-8")
        return run(["tenants", "apply", str(file), "--by", "dana", *words])


@pytest.fixture
def firm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Firm]:
    office = open_office(tmp_path, monkeypatch, tenant="acme")
    firm = Firm(office, tmp_path)
    for n in range(PEOPLE):
        firm.party(n)
    firm.do("launched")
    yield firm
    office.store.close()


def changes(capsys: pytest.CaptureFixture[str], firm: Firm, **changed: Any) -> dict[str, Any]:
    """By `part/name`."""
    capsys.readouterr()
    assert firm.apply("--json", **changed) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["looked_ahead"] is True
    return {f"{one['part']}/{one['name']}": one for one in found["changes"]}


def adds_field(**others: str) -> dict[str, Any]:
    return {"templates": {**POLICY["templates"], "bring": template(WITH_FIELD, **others)}}


def stops(change: dict[str, Any]) -> list[tuple[str, str, str | None, str]]:
    return sorted(
        (one["case_id"], one["person_id"], one["missing"], one["problem"])
        for one in change["stopped"]
    )


LACK = sorted((f"c{n % 3}", f"p{n}", "person.first", "missing_value") for n in WITHOUT)


def test_all_that_is_scheduled_is_listed_with_who_lacks_the_value(
    firm: Firm, capsys: pytest.CaptureFixture[str]
) -> None:
    firm.schedule()
    firm.schedule("other", template="soon", when={"event_id": "none", "offset": "1 day before"})
    firm.tell()
    found = changes(capsys, firm, **adds_field())
    assert found.keys() == {"template/bring"}
    change = found["template/bring"]
    assert (change["change"], change["scheduled_texts"]) == ("changed", PEOPLE)
    assert change["cases"] == {"c0": 10, "c1": 10, "c2": 10}
    assert stops(change) == LACK


def test_what_it_says_is_what_the_processor_then_does(
    firm: Firm, capsys: pytest.CaptureFixture[str]
) -> None:
    firm.schedule()
    firm.tell()
    stopped = changes(capsys, firm, **adds_field())["template/bring"]["stopped"]
    for case in firm.cases.values():
        case.settings = settings(**{**POLICY, **adds_field()})
        case.run_until(NOW + 3 * DAY)
    requested = [one for case in firm.cases.values() for one in case.take(PersonRequest)]
    logs = [one for case in firm.cases.values() for one in case.take(CaseText)]
    assert len(requested) == PEOPLE - len(WITHOUT)
    assert {one.text_id for one in logs if one.state == "not_rendered"} == {
        one["text_id"] for one in stopped
    }


def test_a_text_that_left_or_is_over_is_not_among_them(
    firm: Firm, capsys: pytest.CaptureFixture[str]
) -> None:
    """What waits at the gate is rendered again."""
    firm.schedule(when={"now": True})
    requests = [one for case in firm.cases.values() for one in case.take(PersonRequest)]
    for n, request in enumerate(requests):
        if n % 2:
            firm.cases[request.case_id or ""].report(request, "delivered")
    firm.tell()
    change = changes(capsys, firm, **adds_field())["template/bring"]
    waiting = [one for n, one in enumerate(requests) if not n % 2]
    assert change["scheduled_texts"] == len(waiting) == 15
    assert {one["text_id"] for one in change["stopped"]} == {
        one.message_id for one in waiting if one.person_id in {f"p{n}" for n in WITHOUT}
    }


def test_reminders_by_a_recipe_that_changes_or_goes(
    firm: Firm, capsys: pytest.CaptureFixture[str]
) -> None:
    firm.do("event_saved", event_id="h", title="Hearing", event_type="hearing", starts_at=LATER)
    firm.tell()
    words = {**POLICY["templates"], "named": template("{{ person.first }}, {{ event.date }}.")}
    other = changes(
        capsys, firm, templates=words, recipes={"day": recipe("1 day before", template="named")}
    )
    assert {name: one["scheduled_texts"] for name, one in other.items()} == {
        "recipe/day": PEOPLE,
        "template/named": PEOPLE,
    }
    assert stops(other["recipe/day"]) == stops(other["template/named"]) == LACK
    gone = changes(capsys, firm, recipes={})
    assert {name: (one["change"], one["scheduled_texts"]) for name, one in gone.items()} == {
        "recipe/day": ("removed", PEOPLE)
    }
    assert gone["recipe/day"]["stopped"] == []


def test_tasks_of_a_template_that_goes(firm: Firm, capsys: pytest.CaptureFixture[str]) -> None:
    firm.schedule()
    firm.tell()
    change = changes(capsys, firm, templates={"soon": POLICY["templates"]["soon"]})[
        "template/bring"
    ]
    assert (change["change"], len(change["stopped"])) == ("removed", PEOPLE)
    assert {one["problem"] for one in change["stopped"]} == {"no_template"}


def test_nothing_is_listed_where_nothing_changes_or_a_case_is_closed(
    firm: Firm, capsys: pytest.CaptureFixture[str]
) -> None:
    firm.schedule()
    firm.do("case_closed")
    firm.tell()
    assert changes(capsys, firm, name="Acme & Sons") == {}
    assert changes(capsys, firm, **adds_field())["template/bring"]["scheduled_texts"] == 0


def test_a_preview_publishes_nothing(firm: Firm, capsys: pytest.CaptureFixture[str]) -> None:
    firm.schedule()
    firm.tell()
    assert firm.apply("--preview", **adds_field()) == 0
    printed = capsys.readouterr().out
    assert firm.office.published == []
    for n in WITHOUT:
        assert f"case c{n % 3}, task/docs, p{n}: person.first" in printed


@pytest.mark.parametrize(("answer", "code"), [(True, 0), (False, 1)])
def test_on_a_terminal_it_asks_before_texts_stop(
    firm: Firm, monkeypatch: pytest.MonkeyPatch, answer: bool, code: int
) -> None:
    firm.schedule()
    firm.tell()
    asked: list[str] = []

    def confirm(question: str, *, err: bool) -> bool:
        asked.append(question)
        return answer

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("typer.confirm", confirm)
    assert firm.apply(**adds_field()) == code
    assert len(asked) == 1
    assert bool(firm.office.published) is answer
    assert firm.apply("--yes", **adds_field()) == 0
    assert firm.apply(name="Acme & Sons") == 0
    assert len(asked) == 1, "nothing stops"


def test_without_a_ledger_it_says_that_it_could_not_look(
    firm: Firm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    firm.schedule()
    firm.tell()
    (tmp_path / FILE).rename(tmp_path / "away.sqlite")
    assert firm.apply("--json", **adds_field()) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["looked_ahead"], found["published"], found["changes"]) == (False, True, [])
    assert firm.apply(**adds_field()) == 0
    assert "could look" in capsys.readouterr().err
    assert not (tmp_path / FILE).exists()
