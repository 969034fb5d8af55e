"""The demo: its fixtures repeat for a seed and are fictional; its checks find what is wrong."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import phonenumbers
import pytest

from schemas.reports import UsageRow
from schemas.topics import USAGE_REPORT
from services.ledger import Ledger
from services.ledger.ledger import FILE
from services.local.demo.checks import read_calls, run_checks
from services.local.demo.counters import read_counters
from services.local.demo.fixtures import MOST_PEOPLE, Fixtures, build_fixtures
from services.local.demo.run import is_at_rest
from services.local.demo.staff import StaffActions
from services.local.simulator.script import Script
from tests.adapters.ledger_filler import fill_ledger
from tests.adapters.ledger_messages import make_history

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def made(requests: int = 400, seed: int = 7) -> Fixtures:
    return build_fixtures(requests, seed, "harbor", "demo", NOON)


def test_a_seed_makes_the_fixtures_repeatable():
    assert made() == made()
    assert made(seed=8) != made()


@pytest.mark.parametrize("requests", [30, 400, 4000])
def test_as_many_texts_are_requested_as_wanted(requests: int):
    fixtures = made(requests)
    assert len(fixtures.identities) == requests
    assert len(fixtures.first) + len(fixtures.second) == requests + 1
    assert fixtures.second[-1] == fixtures.first[0]


def test_people_are_fictional_with_valid_numbers():
    people = made(20_000).people
    assert len({person.number for person in people}) == len(people) == MOST_PEOPLE
    people += (*made().clients, *made().cast)
    assert len({person.number for person in people}) == len(people) == MOST_PEOPLE + 8
    assert {person.number[5:10] for person in people} == {"55501"}
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(person.number)) for person in people)


def test_every_role_has_its_share_of_the_people():
    fixtures = made()._replace(cast=())
    assert Counter(person.role for person in fixtures.people) == {
        "agreed": 140,
        "says START": 14,
        "never answers": 16,
        "said no": 10,
        "says STOP": 10,
        "cannot be reached": 10,
    }
    assert fixtures.numbers("says STOP") <= {request.to for request in fixtures.second}
    assert not fixtures.numbers("says START", "never answers") & {
        claim.number for claim in fixtures.claims
    }


def test_the_simulator_accepts_the_script():
    script = Script.model_validate(made().script())
    assert Counter(person.fates[0].error for person in script.numbers.values()) == {
        None: 27,
        30003: 3,
        30005: 5,
        30006: 3,
    }


def counting(state: str, messages: int) -> UsageRow:
    return UsageRow(
        tenant="acme",
        branch="",
        sender="72975",
        period=NOON.date(),
        kind="reminder",
        state=state,
        messages=messages,
        segments=messages,
        final=False,
    )


@pytest.mark.parametrize(
    ("counted", "rests"),
    [
        ({"sending": 1}, False),
        ({"delivered": 1}, True),
        ({"sending": 0, "delivered": 1}, True),
        ({}, False),
    ],
)
def test_all_is_at_rest_when_the_usage_report_agrees(
    counted: dict[str, int], rests: bool, tmp_path: Path
):
    fill_ledger(
        tmp_path,
        *make_history("m1"),
        *((USAGE_REPORT, counting(state, n)) for state, n in counted.items()),
    )
    ledger = Ledger.open(tmp_path / FILE, existing=True)
    try:
        assert is_at_rest(read_counters(ledger, "acme"), ledger, "acme", expected=1) is rests
    finally:
        ledger.close()


def test_a_provider_that_disagrees_is_found_out(tmp_path: Path):
    """Texts that went out twice, to strangers, after a STOP, and that the ledger does not have."""
    fixtures = made()
    stopped, stranger = min(fixtures.numbers("says STOP")), min(fixtures.numbers("never answers"))
    posts = [
        ("demo-00001", stopped),
        ("demo-00001", stopped),
        ("demo-00002", stranger),
        ("ask-1", stranger),
    ]
    journal = tmp_path / "journal.jsonl"
    journal.write_text(
        "".join(
            json.dumps(
                {
                    "event": "create",
                    "outcome": "taken",
                    "number": number,
                    "callback": {"tenant": "harbor", "message_id": name},
                }
            )
            + "\n"
            for name, number in posts
        )
    )
    ledger = Ledger.open(tmp_path / "ledger.sqlite")
    actions = StaffActions("demo-appeal-1", "demo-00001", "demo-client", "demo-again")
    found = [
        check.says
        for check in run_checks(ledger, read_calls(journal, "harbor"), fixtures, "harbor", actions)
        if not check.holds
    ]
    ledger.close()
    assert [says.split(":")[0] for says in found] == [
        "Asked for 403 texts, and Sayso started 0 itself; the ledger has 0.",
        "1 opt-in requests went to 1 people, of 32 who had never been asked.",
        "Texts that the provider took",
        "1 texts went out twice",
        "1 people were texted without their yes",
        "1 people were texted after their STOP",
        "What was approved (demo-appeal-1) never went.",
        "What was rejected (demo-00001) went out all the same.",
        "What had failed (demo-client) was not resent to the corrected number.",
    ]
