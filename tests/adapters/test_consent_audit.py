"""The audit of consent, on records folded into a ledger: what is named, and what only looks like
it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.attempt import Attempt
from schemas.consent import ConsentChange, ConsentEvent, ConsentStatus
from schemas.decision import Decision
from schemas.outcome import Outcome
from schemas.send import Send
from schemas.send_request import SystemKind
from schemas.topics import (
    ATTEMPTS,
    CONSENT_EVENTS,
    CONSENT_LOG,
    CONSENT_STATUS,
    DECISIONS,
    DISPATCH_ORDERS,
    OUTCOMES,
)
from services.cli.app import run
from services.ledger import Ledger
from services.ledger.consent_audit import CHECKS, AuditParams, run_audit
from services.ledger.ledger import FILE
from tests.adapters.ledger_filler import LedgerFiller

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ASK = SystemKind.CONSENT_ASK
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
PHONE = "+14155550100"
PROOF = {
    "topic": "sms.consent-events",
    "partition": 0,
    "offset": 1,
    "wording": "Yes",
    "url": "https://acme.example",
}
WHOSE = {"tenant": "acme", "number": PHONE}


class ConsentFiller(LedgerFiller):
    def __init__(self, state: Path) -> None:
        super().__init__(state / FILE)
        self.state = state

    def said(self, action: str, at: datetime, **more: Any) -> None:
        """An entry of the log that counted."""
        now = {"opt_in": "opted_in", "opt_out": "opted_out", "ask": "none"}[action]
        was = {"opt_in": "opted_out", "opt_out": "opted_in", "ask": "none"}[action]
        told = {
            "event_id": f"e{at.timestamp()}",
            "action": action,
            "source": "form",
            "was": was,
            "now": now,
            "applied": True,
            "reason": "",
            "consent_epoch": 1,
            "claimed_at": at,
            "at": at,
            "evidence": PROOF,
            **WHOSE,
        }
        self.add(CONSENT_LOG, ConsentChange.model_validate(told | more))

    def stands(self, state: str, **more: Any) -> None:
        told = {"state": state, "consent_epoch": 1, "since": NOON, "source": "form", **WHOSE}
        status = ConsentStatus.model_validate(told | more)
        self.add(CONSENT_STATUS, status)

    def order(self, message_id: str, at: datetime, kind: str = "direct", **more: Any) -> None:
        told = {
            "message_id": message_id,
            "tenant": "acme",
            "to": PHONE,
            "sender": "1",
            "body": "x",
            "kind": kind,
            "lane": "transactional",
            "consent_epoch": 1,
            "send_before": at + DAY,
            "issued_at": at,
        }
        self.add(DISPATCH_ORDERS, Send.model_validate(told | more))

    def attempt(self, message_id: str, at: datetime, state: str = "sending") -> None:
        told = {
            "message_id": message_id,
            "tenant": "acme",
            "attempt": 1,
            "sender": "1",
            "state": state,
            "at": at,
        }
        self.add(ATTEMPTS, Attempt.model_validate(told))

    def decision(
        self,
        message_id: str,
        seq: int,
        verdict: str,
        rule: str | None = None,
        kind: str = ASK,
        tenant: str = "acme",
    ) -> None:
        found = [{"rule": rule, "verdict": "hold", "reason": ""}] if rule else []
        told = {
            "message_id": message_id,
            "tenant": tenant,
            "to": PHONE,
            "kind": kind,
            "requested_at": NOON,
            "verdict": verdict,
            "findings": found,
            "decided_at": NOON + seq * HOUR,
            "policy_version": "1",
            "consent_epoch": 0,
            "evidence": {},
            "seq": seq,
        }
        self.add(DECISIONS, Decision.model_validate(told))

    def outcome(self, message_id: str, state: str) -> None:
        told = {
            "message_id": message_id,
            "tenant": "acme",
            "kind": ASK,
            "requested_at": NOON,
            "state": state,
            "final": True,
            "version": 1,
            "at": NOON,
        }
        self.add(OUTCOMES, Outcome.model_validate(told))

    def found(self, check: str, tenant: str | None = None) -> list[str]:
        since = AuditParams(NOON + 30 * DAY, 7 * DAY)
        return [one.words for one in run_audit(Ledger(self.store), tenant, since)[check]]


@pytest.fixture
def books(tmp_path: Path) -> Iterator[ConsentFiller]:
    opened = ConsentFiller(tmp_path)
    yield opened
    opened.store.close()


def test_an_empty_ledger_has_no_findings(books: ConsentFiller) -> None:
    assert [books.found(check) for check in CHECKS] == [[]] * len(CHECKS)


@pytest.mark.parametrize(
    ("source", "evidence", "found"),
    [
        pytest.param("form", PROOF, [], id="a form"),
        pytest.param(
            "form",
            {"topic": "t"},
            ["form: without wording or document or url"],
            id="a form without wording",
        ),
        pytest.param("inbound", {"topic": "t", "text": "START"}, [], id="a text"),
        pytest.param(
            "inbound", {"topic": "t"}, ["inbound: without text"], id="a text without words"
        ),
        pytest.param("manual", {"document": "box 7", "actor": "dana"}, [], id="by staff"),
        pytest.param("manual", {"document": "box 7"}, ["manual: without actor"], id="by nobody"),
        pytest.param(
            "manual", {}, ["manual: without document and actor"], id="by staff, without anything"
        ),
        pytest.param("import", {"document": "box 7", "topic": "t"}, [], id="an import"),
        pytest.param(
            "hearsay", {"topic": "t"}, ["hearsay: without document and actor"], id="something else"
        ),
    ],
)
def test_opted_in_without_evidence(
    books: ConsentFiller, source: str, evidence: dict[str, Any], found: list[str]
) -> None:
    books.said("opt_in", NOON, source=source, evidence=evidence)
    books.stands("opted_in")
    assert books.found("unproven") == found


def test_an_opt_in_that_no_entry_explains_is_unproven(books: ConsentFiller) -> None:
    books.stands("opted_in")
    assert books.found("unproven") == ["no entry says how"]


def test_the_entry_that_counts_is_the_one_that_brought_it(books: ConsentFiller) -> None:
    books.said("opt_in", NOON, source="manual", evidence={})
    books.said("opt_out", NOON + HOUR)
    books.said("opt_in", NOON + 2 * HOUR)
    books.said("opt_in", NOON + 3 * HOUR, source="manual", evidence={}, applied=False)
    books.said("opt_in", NOON + 4 * HOUR, source="manual", evidence={}, was="opted_in")
    books.stands("opted_in")
    assert books.found("unproven") == []


def test_an_opted_out_number_needs_no_proof(books: ConsentFiller) -> None:
    books.said("opt_out", NOON, evidence={})
    books.stands("opted_out")
    assert books.found("unproven") == []


AFTER: list[Any] = [
    pytest.param(lambda b: b.order("m", NOON - SECOND), 0, id="ordered before"),
    pytest.param(lambda b: b.order("m", NOON + SECOND), 1, id="ordered after"),
    pytest.param(lambda b: b.order("m", NOON + SECOND, tenant="bolt"), 0, id="by another tenant"),
    pytest.param(
        lambda b: b.order("m", NOON + SECOND, to="+14155550101"), 0, id="to another number"
    ),
    pytest.param(
        lambda b: b.order("m", NOON + SECOND, kind="stop_confirmation"), 0, id="the confirmation"
    ),
    pytest.param(lambda b: b.order("m", NOON + SECOND, kind="help_answer"), 0, id="help"),
    pytest.param(lambda b: b.order("m", NOON + SECOND, kind=ASK), 1, id="an ask"),
    pytest.param(
        lambda b: (b.order("m", NOON - HOUR), b.attempt("m", NOON - SECOND)), 0, id="begun before"
    ),
    pytest.param(
        lambda b: (b.order("m", NOON - HOUR), b.attempt("m", NOON + SECOND)),
        0,
        id="begun within a second",
    ),
    pytest.param(
        lambda b: (b.order("m", NOON - HOUR), b.attempt("m", NOON + 2 * SECOND)),
        1,
        id="begun after",
    ),
    pytest.param(
        lambda b: (b.order("m", NOON - HOUR), b.attempt("m", NOON + 2 * SECOND, "canceled")),
        0,
        id="canceled after",
    ),
    pytest.param(
        lambda b: (
            b.said("opt_in", NOON + HOUR),
            b.order("m", NOON + 2 * HOUR),
            b.attempt("m", NOON + 2 * HOUR),
        ),
        0,
        id="after they came back",
    ),
    pytest.param(
        lambda b: (b.said("opt_in", NOON + HOUR, applied=False), b.order("m", NOON + 2 * HOUR)),
        1,
        id="after they only seemed to come back",
    ),
    pytest.param(
        lambda b: (b.said("opt_in", NOON), b.order("m", NOON + HOUR)),
        0,
        id="back in the same millisecond",
    ),
]


@pytest.mark.parametrize(("then", "count"), AFTER)
def test_opted_out_but_texted(
    books: ConsentFiller, then: Callable[[ConsentFiller], object], count: int
) -> None:
    books.said("opt_out", NOON)
    then(books)
    assert len(books.found("texted")) == count
    assert len(books.found("texted", "acme")) == count
    assert books.found("texted", "bolt") == []


@pytest.mark.parametrize(
    ("then", "count"),
    [
        pytest.param(lambda b: b.order("m", NOON + SECOND), 1, id="from that sender"),
        pytest.param(lambda b: b.order("m", NOON + SECOND, sender="2"), 0, id="from another"),
        pytest.param(
            lambda b: (b.said("opt_in", NOON + HOUR, sender="1"), b.order("m", NOON + DAY)),
            0,
            id="they came back",
        ),
        pytest.param(
            lambda b: (b.said("opt_in", NOON + HOUR, sender="2"), b.order("m", NOON + DAY)),
            1,
            id="or to another",
        ),
    ],
)
def test_opted_out_of_one_sender_but_texted_from_it(
    books: ConsentFiller, then: Callable[[ConsentFiller], object], count: int
) -> None:
    books.said("opt_out", NOON, now="opted_in", sender="1")
    then(books)
    assert len(books.found("texted")) == count


def test_a_stop_that_changed_nothing_ends_no_time(books: ConsentFiller) -> None:
    """It does not begin a second time either: one text is named once."""
    books.said("opt_out", NOON)
    books.said("opt_out", NOON + HOUR, was="opted_out", applied=False)
    books.order("m", NOON + 2 * HOUR)
    assert len(books.found("texted")) == 1


@pytest.mark.parametrize(
    ("second", "count"),
    [
        pytest.param({"after": DAY - SECOND}, 1, id="within a day"),
        pytest.param({"after": DAY}, 0, id="a day later, to the second"),
        pytest.param({"after": HOUR, "kind": "direct"}, 0, id="another kind"),
        pytest.param({"after": HOUR, "tenant": "bolt"}, 0, id="another tenant"),
        pytest.param({"after": HOUR, "to": "+14155550101"}, 0, id="another number"),
        pytest.param({"after": HOUR, "message_id": "ask-1"}, 0, id="the same, ordered again"),
    ],
)
def test_asked_too_often(books: ConsentFiller, second: dict[str, Any], count: int) -> None:
    books.order("ask-1", NOON, ASK)
    more = {"message_id": "ask-2", "kind": ASK} | {
        key: value for key, value in second.items() if key != "after"
    }
    books.order(**more, at=NOON + second["after"])
    assert len(books.found("asked")) == count


@pytest.mark.parametrize(
    ("state", "count"), [("delivered", 1), ("sent", 1), ("failed", 0), ("undelivered", 0)]
)
def test_an_ask_that_came_to_nothing_does_not_count(
    books: ConsentFiller, state: str, count: int
) -> None:
    books.order("ask-1", NOON, ASK)
    books.outcome("ask-1", state)
    books.order("ask-2", NOON + HOUR, ASK)
    assert len(books.found("asked")) == count


def test_pending_for_long(books: ConsentFiller) -> None:
    books.stands("pending", asked_at=NOON)
    assert books.found("pending") == ["asked 30 days ago, no answer"]
    early = AuditParams(NOON + 7 * DAY, 7 * DAY)
    assert run_audit(Ledger(books.store), None, early)["pending"] == []
    assert books.found("pending", "bolt") == []


def test_a_pending_number_without_a_time_is_a_finding(books: ConsentFiller) -> None:
    books.stands("pending")
    assert books.found("pending") == ["nobody knows when they were asked"]


def test_the_command_says_it_as_tables_and_as_csv(
    books: ConsentFiller, capsys: pytest.CaptureFixture[str]
) -> None:
    books.stands("opted_in")
    there = ["consent", "audit", "--state", str(books.state)]
    assert run(there) == 0, "what is only to be looked after"
    said = capsys.readouterr().out
    assert "Opted in without evidence: 1" in said
    assert "Opted out but texted (must be none): 0" in said
    books.said("opt_out", NOON)
    books.order("m1", NOON + HOUR)
    assert run([*there, "--json"]) == 1
    told = capsys.readouterr().out
    assert {name for name, rows in json.loads(told).items() if rows} == {"unproven", "texted"}
    assert PHONE not in told
    assert run([*there, "--csv"]) == 1
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["check"], row["tenant"], row["at"][:19]) for row in rows] == [
        ("unproven", "acme", "2023-11-14T22:13:20"),
        ("texted", "acme", "2026-11-21T13:00:00"),
    ]
    assert rows[1]["place"] == f"{DISPATCH_ORDERS.name}/0@1"
    assert PHONE not in str(rows)
    assert run([*there, "--csv", "--unmask"]) == 1
    assert PHONE in capsys.readouterr().out


def test_a_failed_opt_in_request_allows_the_next_one(
    books: ConsentFiller,
) -> None:
    """By the event that the gate was told by."""
    books.order("ask-1", NOON, ASK)
    failed = {
        "event_id": "f",
        "action": "ask_failed",
        "source": "carrier",
        "at": NOON,
        "message_id": "ask-1",
        **WHOSE,
    }
    books.add(CONSENT_EVENTS, ConsentEvent.model_validate(failed))
    books.order("ask-2", NOON + HOUR, ASK)
    assert books.found("asked") == []


def test_opt_in_requests_over_budget_are_counted_by_tenant(
    books: ConsentFiller, capsys: pytest.CaptureFixture[str]
) -> None:
    there = ["consent", "audit", "--state", str(books.state)]
    assert run(there) == 0
    assert "budget" not in capsys.readouterr().out, "nothing is said of what there is none of"
    for name in ("ask-1", "ask-2", "ask-3", "ask-4"):
        books.decision(name, 1, "send")
        for seq in (2, 2, 3):
            books.decision(name, seq, "hold", "ask_budget")
    books.decision("ask-3", 4, "send", "ready")
    books.decision("ask-4", 4, "hold", "quiet_hours")
    books.decision("m1", 1, "hold", "ask_budget", kind="reminder")
    books.decision("ask-9", 1, "hold", "ask_budget", tenant="bolt")
    waits = "wait: raise asks_per_hour, or look at where the numbers come from"
    assert books.found("budget") == [f"2 {waits}", f"1 {waits}"]
    assert books.found("budget", "bolt") == [f"1 {waits}"]
    assert run(there) == 0, "what is only to be looked after"
    assert "Opt-in requests held by the tenant's budget: 2" in capsys.readouterr().out
