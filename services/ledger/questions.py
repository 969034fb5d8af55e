"""What staff have to read: replies that may be opt-outs, and that nobody has answered yet."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, NamedTuple

from schemas.consent import ConsentAction
from services.ledger.ledger import Ledger


class OpenQuestion(NamedTuple):
    tenant: str
    number: str
    since: datetime
    opt_out_at: datetime
    """Unanswered, it is an opt-out from then on."""
    texts: tuple[str, ...]
    """What they wrote since, the first text first.  Of what was written to another tenant, only
    the words that were found."""
    read_by: str
    """What found it: the word, the pattern's id, or the model's version."""
    held: int
    """How many texts wait for the number."""


def list_questions(ledger: Ledger, tenant: str | None = None) -> tuple[OpenQuestion, ...]:
    """The oldest first."""
    sql = """SELECT tenant, number, question_ms, json FROM consent_status
        WHERE question_ms IS NOT NULL AND (?1 IS NULL OR tenant = ?1)
        ORDER BY question_ms, tenant, number"""
    return tuple(_build(ledger, row) for row in ledger.rows(sql, tenant))


def _build(ledger: Ledger, row: Any) -> OpenQuestion:
    status = json.loads(row["json"])
    question = status["in_question"]
    return OpenQuestion(
        row["tenant"],
        row["number"],
        datetime.fromisoformat(question["since"]),
        datetime.fromisoformat(question["opt_out_at"]),
        _read_texts(ledger, row["tenant"], row["number"], question["event_id"]),
        question.get("read_by") or "",
        status.get("held") or 0,
    )


def _read_texts(ledger: Ledger, tenant: str, number: str, event_id: str) -> tuple[str, ...]:
    sql = """SELECT json FROM consent_log
        WHERE number = ? AND tenant = ? AND action = ? ORDER BY part, off"""
    rows = ledger.rows(sql, number, tenant, ConsentAction.MAYBE_REVOKED.value)
    entries = [json.loads(row["json"]) for row in rows]
    ids = [entry["event_id"] for entry in entries]
    first = len(ids) - 1 - ids[::-1].index(event_id) if event_id in ids else len(ids)
    texts = ((entry.get("evidence") or {}).get("text") for entry in entries[first:])
    return tuple(text for text in texts if text)


class QuestionAge(NamedTuple):
    numbers: int
    oldest: datetime | None


def measure_questions(ledger: Ledger) -> QuestionAge:
    sql = """SELECT count(*) AS numbers, min(question_ms) AS oldest FROM consent_status
        WHERE question_ms IS NOT NULL"""
    (row,) = ledger.rows(sql)
    oldest = row["oldest"]
    return QuestionAge(
        row["numbers"], None if oldest is None else datetime.fromtimestamp(oldest / 1000, UTC)
    )
