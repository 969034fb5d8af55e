"""The whole story of one message, on one screen."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.attempt import Attempt, AttemptState, DeliveryReceipt
from schemas.consent import ConsentChange
from schemas.decision import Finding, Verdict
from schemas.outcome import Was
from schemas.reports import OtherCost, UsageRow
from schemas.send import Send
from schemas.tenant_settings import TenantSettings
from schemas.topics import (
    ATTEMPTS,
    CONSENT_LOG,
    DELIVERY_RECEIPTS,
    DISPATCH_ORDERS,
    SETTINGS,
    USAGE_REPORT,
)
from services.cli.app import run
from services.ledger.explain import _STAGES, RETENTION, retention_table
from streams.usage.state import MAX_NAME
from tests.adapters.ledger_filler import NOON, fill_ledger
from tests.adapters.ledger_messages import (
    ANA,
    TopicMessage,
    make_decision,
    make_history,
    make_outcome,
    make_request,
)

ROOT = Path(__file__).parents[2]
QUIET = Finding(
    rule="quiet_hours", verdict=Verdict.HOLD, reason="it is night where they are", next_step="wait"
)
WARNS = Finding(
    rule="doubtful_number",
    verdict=Verdict.SEND,
    reason="not reached on 3 days",
    next_step="confirm it",
)


def attempt(state: str, **changed: Any) -> TopicMessage:
    known = {
        "message_id": "m1",
        "tenant": "acme",
        "attempt": 1,
        "sender": "72975",
        "to": ANA,
        "state": AttemptState(state),
        "at": NOON + timedelta(seconds=4),
    }
    return ATTEMPTS, Attempt(**(known | changed))


def story() -> tuple[TopicMessage, ...]:
    acme = TenantSettings(tenant="acme", name="Acme", sender="72975", time_zone="America/Chicago")
    receipt = DeliveryReceipt(
        message_id="m1",
        tenant="acme",
        attempt=1,
        provider_id="SM1",
        status="undelivered",
        error_code="30005",
        received_at=NOON + timedelta(seconds=6),
    )
    order = Send(
        tenant="acme",
        message_id="m1",
        to=ANA,
        body="hello",
        sender="72975",
        kind="reminder",
        segments=1,
        lane="reminder",
        consent_epoch=1,
        issued_at=NOON + timedelta(seconds=3),
        send_before=NOON + timedelta(hours=1),
    )
    line = UsageRow(
        tenant="acme",
        branch="",
        sender="72975",
        period=NOON.date(),
        kind="reminder",
        state="undelivered",
        error_code="30005",
        messages=7,
        segments=8,
        currency="USD",
        cost_billed=66_400,
        other_costs=(OtherCost(currency="ZAR", cost_estimated=1, cost_billed=500_000),),
        final=False,
    )
    return (
        (SETTINGS, acme),
        make_request("m1"),
        make_decision("m1", verdict=Verdict.HOLD, findings=(QUIET,)),
        make_decision("m1", seq=2, decided_at=NOON + timedelta(seconds=2), findings=(WARNS,)),
        (DISPATCH_ORDERS, order),
        attempt("sending"),
        attempt("accepted", provider_id="SM1", segments=2),
        make_outcome("m1", "accepted", final=False),
        (DELIVERY_RECEIPTS, receipt),
        make_outcome(
            "m1",
            "undelivered",
            version=2,
            error_code="30005",
            error_title="No such number",
            segments=2,
            segments_billed=2,
            next_step="Ask for another number",
            was=Was(state="accepted", segments=1),
        ),
        (USAGE_REPORT, line),
    )


def explain(folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert run(["explain", "m1", "--state", str(folder), *options]) == 0
    return capsys.readouterr().out


def test_the_next_step_comes_first_and_everything_follows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill_ledger(tmp_path, *story())
    said = explain(tmp_path, capsys)
    assert said.startswith(
        "Next: Ask for another number\nacme/m1 is undelivered with code 30005: No such number\n"
    )
    for words in (
        "quiet_hours: it is night where they are → wait",
        "doubtful_number: not reached on 3 days → confirm it",
        "by sms.consent-events@0:7",
        "sms.send-requests@0:1",
        "sms.decisions@0:3",
        "sms.dispatch-orders@0:4",
        "sms.attempts@0:6",
        "sms.delivery-receipts@0:8",
        "sms.outcomes@0:9",
        "sms.usage-report@0:10",
        "1 segments predicted, 2 billed",
        "one of 7 messages, 8 segments",
        "0.0664 USD + 0.5000 ZAR",
    ):
        assert words in said, words
    assert ANA not in said


def test_times_are_theirs_and_utc(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill_ledger(tmp_path, *story())
    said = explain(tmp_path, capsys)
    assert "at (America/Chicago)" in said
    assert re.search(r"2026-11-21 06:00:00 +2026-11-21 12:00:00\S* +request", said)


def test_the_recipients_zone_goes_before_the_tenants(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, _, *rest = story()
    fill_ledger(tmp_path, settings, make_request("m1", time_zone="Pacific/Honolulu"), *rest)
    assert "2026-11-21 02:00:00" in explain(tmp_path, capsys)


def test_consent_appears_in_order_of_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Asked for and held, then they agree, then it goes: told in that order."""

    def said(now: str, epoch: int, seconds: float) -> TopicMessage:
        at = NOON + timedelta(seconds=seconds)
        return CONSENT_LOG, ConsentChange(
            tenant="acme",
            number=ANA,
            event_id=now,
            action="opt_in",
            source="reply",
            was="none",
            now=now,
            applied=True,
            reason=f"now {now}",
            consent_epoch=epoch,
            claimed_at=at,
            at=at,
        )

    fill_ledger(
        tmp_path,
        said("pending", 1, -60),
        said("opted_in", 2, 30),
        said("opted_out", 3, 900),
        make_request("m1"),
        make_decision("m1", verdict=Verdict.HOLD, consent_epoch=1),
        make_decision("m1", NOON + timedelta(seconds=30), seq=2, consent_epoch=2),
    )
    what = re.findall(r"\d  +(consent \w+|request|decision \w+) ", explain(tmp_path, capsys))
    assert what == [
        "consent pending",
        "request",
        "decision hold",
        "consent opted_in",
        "decision send",
    ]


AS_OF = [
    pytest.param(
        2,
        "Next: wait: waits|Next: look again",
        "not judged yet",
        ["request", "decision"],
        id="held",
    ),
    pytest.param(
        7,
        "Next: wait: the provider has it",
        "is accepted",
        ["request", "decision", "decision", "order", "attempt", "attempt", "outcome"],
        id="accepted",
    ),
    pytest.param(
        9, "Next: Ask for another number", "is undelivered", None, id="failed, not counted yet"
    ),
]


@pytest.mark.parametrize(("offset", "next_step", "stands_as", "steps"), AS_OF)
def test_as_it_was_known_then(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    offset: int,
    next_step: str,
    stands_as: str,
    steps: list[str] | None,
) -> None:
    """Each record is a millisecond later than the one before."""
    fill_ledger(tmp_path, *story())
    then = ("--as-of", (NOON + timedelta(milliseconds=offset)).isoformat())
    said = explain(tmp_path, capsys, *then)
    assert re.match(next_step, said)
    assert stands_as in said
    found = json.loads(explain(tmp_path, capsys, "--json", *then))
    assert found["usage"] is None
    assert steps is None or [event["what"] for event in found["events"]] == steps


def test_as_data_every_step_has_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill_ledger(tmp_path, *story())
    found = json.loads(explain(tmp_path, capsys, "--json"))
    assert [event["place"] for event in found["events"]][:2] == [
        "sms.send-requests@0:1",
        "sms.decisions@0:2",
    ]
    assert found["usage"]["data"]["messages"] == 7
    assert found["outcome"]["version"] == 2


def test_as_of_before_the_request_nothing_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill_ledger(tmp_path, *story())
    assert run(["explain", "m1", "--state", str(tmp_path), "--as-of", "2026-11-21T11:00Z"]) == 2
    assert "is on record as of 2026-11-21 11:00:00 UTC" in capsys.readouterr().err


@pytest.mark.parametrize("time", ["yesterday", "2026-11-21T11:00"])
def test_a_time_needs_its_zone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], time: str
) -> None:
    assert run(["explain", "m1", "--state", str(tmp_path), "--as-of", time]) == 2
    assert "--as-of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        pytest.param(
            make_history("m1"), "Next: nothing, the carrier says that it arrived", id="arrived"
        ),
        pytest.param([make_request("m1")], "Next: look again in a moment", id="not judged"),
        pytest.param(
            make_history("m1", "vanished", final=False),
            "Next: wait: a state that this version does not know",
            id="a word of tomorrow",
        ),
    ],
)
def test_it_says_when_no_action_is_needed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], facts: Any, says: str
) -> None:
    fill_ledger(tmp_path, *facts)
    assert explain(tmp_path, capsys).startswith(says)


def test_a_contradiction_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill_ledger(tmp_path, *make_history("m1", contradictions=("failed 30008",)))
    assert "Reported beside it, which cannot be true too: failed 30008" in explain(tmp_path, capsys)


def test_the_docs_say_how_long_each_part_is_kept() -> None:
    assert set(_STAGES) < set(RETENTION)
    assert retention_table() in (ROOT / "docs/guides/reconciliation.md").read_text("utf-8")


def test_the_reason_is_the_last_decisions_despite_clock_skew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second was made by an owner whose clock was behind."""
    late = Finding(rule="opted_out", verdict=Verdict.REJECT, reason="they said STOP")
    fill_ledger(
        tmp_path,
        make_request("m1"),
        make_decision("m1", verdict=Verdict.HOLD, findings=(QUIET,)),
        make_decision("m1", verdict=Verdict.REJECT, seq=2, decided_at=NOON, findings=(late,)),
        make_outcome("m1", "rejected"),
    )
    assert "acme/m1 is rejected: they said STOP\n" in explain(tmp_path, capsys)


def test_what_a_terminal_would_obey_is_shown_instead(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m\r\n"
    odd = Finding(rule="odd", verdict=Verdict.HOLD, reason=evil)
    receipt = DeliveryReceipt(
        message_id="m1", tenant="acme", attempt=1, provider_id="SM1", status=evil, received_at=NOON
    )
    fill_ledger(
        tmp_path,
        make_request("m1", requested_by=evil),
        make_decision("m1", verdict=Verdict.HOLD, findings=(odd,)),
        (DELIVERY_RECEIPTS, receipt),
    )
    for options in ((), ("--unmask",)):
        said = explain(tmp_path, capsys, *options)
        assert not set(said) & set("\x1b\x07\x9b\r")
        assert "\u241b[2J" in said


def test_a_branch_with_a_very_long_name_has_its_line_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The report's names are cut."""
    line = UsageRow(
        tenant="acme",
        branch="b" * MAX_NAME,
        sender="72975",
        period=NOON.date(),
        kind="reminder",
        state="delivered",
        messages=7,
        segments=8,
        final=False,
    )
    fill_ledger(tmp_path, *make_history("m1", branch="b" * 2 * MAX_NAME), (USAGE_REPORT, line))
    assert "one of 7 messages" in explain(tmp_path, capsys)
