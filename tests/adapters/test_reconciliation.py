"""Reconciliation, hour by hour."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas.reports import BalanceRow
from schemas.topics import BALANCE
from services.cli.app import run
from services.ledger.ledger import FILE, Ledger
from services.ledger.reconciliation import (
    Hour,
    Reconciler,
    build_row,
    find_changes,
    find_unaccounted,
    list_hours,
    reconcile,
)
from streams.lifecycle import Group, State
from tests.adapters.ledger_filler import NOON, fill_ledger
from tests.adapters.ledger_messages import make_decision, make_history, make_outcome, make_request

HOUR = timedelta(hours=1)
AT_NOON = Hour("acme", int(NOON.timestamp()) // 3600)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger.open(tmp_path / FILE)
    yield opened
    opened.close()


def test_every_state_is_somewhere_in_the_equation(ledger: Ledger, tmp_path: Path) -> None:
    fill_ledger(tmp_path, *(fact for state in State for fact in make_history(state, state)))
    found = reconcile(ledger, AT_NOON)
    assert (found.requested, found.unaccounted) == (len(State), 0)
    assert sum(found.groups.values()) == len(State)
    assert all(found.groups[group] for group in Group)


def test_a_text_of_our_own_opens_with_its_decision(ledger: Ledger, tmp_path: Path) -> None:
    fill_ledger(
        tmp_path, make_decision("ask", kind="consent_ask"), make_outcome("ask", kind="consent_ask")
    )
    assert reconcile(ledger, AT_NOON).unaccounted == 0


LOST = [
    pytest.param([make_request("m1")], 1, "requested", id="a request that nobody judged"),
    pytest.param(
        [make_request("m1"), make_decision("m1")],
        1,
        "requested",
        id="one that was judged and is nowhere",
    ),
    pytest.param([make_decision("m1")], 1, "requested", id="one of ours that is nowhere"),
    pytest.param(
        [make_request("m1"), make_request("m1"), make_request("m1")],
        1,
        "requested",
        id="asked three times, lost once",
    ),
    pytest.param([make_outcome("m1")], -1, "nobody asked", id="an outcome out of nowhere"),
    pytest.param(
        [make_request("m1"), make_outcome("m1", "vanished")],
        1,
        "vanished",
        id="a state that has no place",
    ),
]


@pytest.mark.parametrize(("facts", "residue", "why"), LOST)
def test_what_is_missed_is_residue_and_has_a_name(
    ledger: Ledger, tmp_path: Path, facts: list, residue: int, why: str
) -> None:
    fill_ledger(tmp_path, *make_history("fine"), *facts)
    assert reconcile(ledger, AT_NOON).unaccounted == residue
    [one] = find_unaccounted(ledger, AT_NOON)
    assert (one.tenant, one.message_id) == ("acme", "m1")
    assert why in one.why
    assert build_row(ledger, AT_NOON, NOON).astray == ("m1",)


def test_a_loss_and_a_surplus_of_one_hour_do_not_hide_each_other(
    ledger: Ledger, tmp_path: Path
) -> None:
    fill_ledger(tmp_path, make_request("lost"), make_outcome("surplus"))
    row = build_row(ledger, AT_NOON, NOON)
    assert (row.residue, set(row.astray)) == (0, {"lost", "surplus"})


def test_each_tenant_and_hour_is_reconciled_alone(ledger: Ledger, tmp_path: Path) -> None:
    fill_ledger(
        tmp_path,
        *make_history("m1"),
        *make_history("m2", at=NOON + HOUR),
        make_request("m3", tenant="other"),
        *make_history("m4", at=datetime(1969, 12, 31, 23, 30, tzinfo=UTC)),
    )
    found = list_hours(ledger, datetime(1900, 1, 1, tzinfo=UTC), NOON + 2 * HOUR)
    assert [(one.tenant, one.begins) for one in found] == [
        ("acme", datetime(1969, 12, 31, 23, tzinfo=UTC)),
        ("acme", NOON),
        ("acme", NOON + HOUR),
        ("other", NOON),
    ]
    assert [reconcile(ledger, one).unaccounted for one in found] == [0, 0, 0, 1]
    assert list_hours(ledger, NOON, NOON + HOUR, "acme") == [AT_NOON]


def test_a_message_with_an_outcome_of_another_hour_counts_once(
    ledger: Ledger, tmp_path: Path
) -> None:
    fill_ledger(
        tmp_path,
        make_request("m1"),
        make_decision("m1", NOON + HOUR),
        make_outcome("m1", at=NOON + HOUR),
    )
    found = list_hours(ledger, NOON, NOON + 2 * HOUR)
    assert [
        (reconcile(ledger, one).requested, reconcile(ledger, one).unaccounted) for one in found
    ] == [
        (0, 0),
        (1, 0),
    ]


def test_only_changed_rows_are_published(ledger: Ledger, tmp_path: Path) -> None:
    fill_ledger(tmp_path, *make_history("m1"))
    [row] = find_changes(ledger, [AT_NOON], NOON)
    fill_ledger(tmp_path, (BALANCE, row))
    assert find_changes(ledger, [AT_NOON], NOON + HOUR) == []


def said(reconciler: Reconciler) -> list[tuple[int, int]]:
    return [(row.requested, row.residue) for row in reconciler.find_changes()]


def test_changed_and_unbalanced_hours_are_reconciled_again(ledger: Ledger, tmp_path: Path) -> None:
    """The outcome is in another hour than the request: the request's hour is looked at again all
    the same."""
    reconciler = Reconciler(tmp_path / FILE)
    assert said(reconciler) == []
    fill_ledger(tmp_path, make_request("m1"))
    rows = reconciler.find_changes()
    assert [(row.requested, row.residue) for row in rows] == [(1, 1)]
    fill_ledger(tmp_path, *[(BALANCE, row) for row in rows])
    fill_ledger(
        tmp_path,
        make_request("m0"),
        make_decision("m1", NOON + HOUR),
        make_outcome("m1", at=NOON + HOUR),
    )
    assert sorted(said(reconciler)) == [(0, 0), (1, 0)]
    assert isinstance(rows[0], BalanceRow)


def test_a_loss_and_a_surplus_in_one_hour_are_checked_again(ledger: Ledger, tmp_path: Path) -> None:
    reconciler = Reconciler(tmp_path / FILE)
    fill_ledger(tmp_path, make_request("lost"), make_outcome("surplus"))
    rows = reconciler.find_changes()
    assert [(row.residue, len(row.astray)) for row in rows] == [(0, 2)]
    fill_ledger(tmp_path, *[(BALANCE, row) for row in rows])
    fill_ledger(
        tmp_path,
        make_decision("lost", NOON + HOUR),
        make_decision("surplus", NOON + HOUR),
        make_outcome("lost", at=NOON + HOUR),
    )
    assert (NOON, ()) in [(row.hour, row.astray) for row in reconciler.find_changes()]


def balance(folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    code = run(["balance", "--state", str(folder), *options])
    return code, capsys.readouterr().out


def test_the_command_says_that_all_is_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill_ledger(tmp_path, *make_history("m1", at=datetime.now(UTC)))
    code, out = balance(tmp_path, capsys)
    assert (code, out) == (0, "Everything is accounted for: 1 message in 1 hour.\n")


def test_the_command_names_what_is_astray(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    now = datetime.now(UTC)
    fill_ledger(tmp_path, *make_history("m1", at=now), make_request("lost", now))
    code, out = balance(tmp_path, capsys)
    assert code == 1
    assert "acme/lost requested, and nothing is known of it since" in out
    found = json.loads(balance(tmp_path, capsys, "--json")[1])
    assert (found["residue"], [one["message_id"] for one in found["astray"]]) == (1, ["lost"])


def test_a_loss_and_a_surplus_are_errors_in_json_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    now = datetime.now(UTC)
    fill_ledger(tmp_path, make_request("lost", now), make_outcome("surplus", at=now))
    code, out = balance(tmp_path, capsys, "--json")
    found = json.loads(out)
    assert (code, len(found["hours"]), len(found["astray"])) == (1, 1, 2)
