"""`sayso people add` and `change`."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.cli.app import run
from tests.adapters.case_ledger import LUIS, MARIA, Office, open_office


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    opened = open_office(tmp_path, monkeypatch)
    opened.settle()
    opened.meet("maria", "Maria Rivera", MARIA, LUIS)
    yield opened
    opened.store.close()


@pytest.mark.parametrize(
    ("line", "numbers", "removed"),
    [
        ("--add '+1 415 555 0188'", [{"number": "+14155550188", "type": "mobile"}], []),
        ("--add +14155550188 --kind work", [{"number": "+14155550188", "type": "work"}], []),
        (f"--remove {LUIS}", [], [LUIS]),
        (f"--sms-off {LUIS}", [{"number": LUIS, "sms_enabled": False}], []),
        (f"--sms-on {LUIS}", [{"number": LUIS, "sms_enabled": True}], []),
        (f"--main {LUIS}", [{"number": LUIS, "primary": True}], []),
        (
            f"--correct {MARIA} --to +14155550188",
            [
                {
                    "number": "+14155550188",
                    "type": "mobile",
                    "sms_enabled": True,
                    "primary": True,
                }
            ],
            [MARIA],
        ),
    ],
)
def test_a_number_is_changed_by_somebody(
    office: Office, line: str, numbers: list[dict[str, Any]], removed: list[str]
) -> None:
    assert run(shlex.split(f"people change maria -t harbor --by dana {line}")) == 0
    [(topic, event)] = office.published
    assert (topic, event.action, event.by) == ("sms.person-events", "update", "dana")
    assert [one.model_dump(exclude_none=True) for one in event.numbers] == numbers
    assert list(event.remove) == removed


@pytest.mark.parametrize(
    "line",
    [
        "maria -t harbor",
        f"maria -t harbor --remove {LUIS} --main {MARIA}",
        f"maria -t harbor --correct {MARIA}",
        "maria -t harbor --to +14155550188",
        f"maria -t harbor --add {MARIA}",
        "maria -t harbor --add 555",
        "maria -t harbor --remove +14155550188",
        f"nobody -t harbor --remove {MARIA}",
    ],
)
def test_a_change_that_cannot_be_is_refused(office: Office, line: str) -> None:
    assert run(shlex.split(f"people change {line} --by dana")) == 2
    assert office.published == []


def test_a_person_is_added_who_was_not_there(office: Office) -> None:
    line = "people add {} -t harbor --name 'Eva Lund' --number +14155550188 --by dana"
    assert run(shlex.split(line.format("maria"))) == 2
    assert run(shlex.split(line.format("eva"))) == 0
    [(_, event)] = office.published
    assert (event.person_id, event.name, event.by) == ("eva", "Eva Lund", "dana")
