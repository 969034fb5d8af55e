"""What staff have to read: replies that may be opt-outs, and that nobody has answered yet."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from schemas.consent import ConsentAction
from schemas.numbers import e164
from services.ledger.ledger import Ledger
from services.ledger.paging import (
    COUNTED,
    Count,
    Page,
    count_rows,
    limit_rows,
    read_cursor,
    write_cursor,
)
from services.ledger.scope import Scope
from services.ledger.thread_pages import has_case_in
from services.ledger.times import ENDLESS

_KINDS: Final = (int, str)
"""Of a cursor: since when it is open, and whose it is."""


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


def find_question(ledger: Ledger, tenant: str, number: str) -> OpenQuestion | None:
    sql = """SELECT tenant, number, question_ms, json FROM consent_status
        WHERE identity = ? || '/' || ? AND question_ms IS NOT NULL"""
    for row in ledger.rows(sql, tenant, e164(number)):
        return _build(ledger, row)
    return None


def read_questions(
    ledger: Ledger, scope: Scope, *, cursor: str | None = None, limit: int = 50
) -> Page[OpenQuestion]:
    """The oldest first. Raises InvalidCursor."""
    limit = limit_rows(limit)
    after = read_cursor(cursor, _KINDS, scope) if cursor else (-ENDLESS, "")
    conditions, values = _conditions(scope)
    sql = f"""SELECT s.identity, s.tenant, s.number, s.question_ms, s.json
        FROM consent_status s LEFT JOIN threads t ON t.identity = s.identity
        WHERE s.question_ms IS NOT NULL AND (s.question_ms, s.identity) > (?, ?) AND {conditions}
        ORDER BY s.question_ms, s.identity LIMIT ?"""
    with ledger.snapshot():
        found = ledger.rows(sql, *after, *values, limit + 1)
        rows = tuple(_build(ledger, row) for row in found[:limit])
    last = found[limit - 1] if len(found) > limit else None
    key = (last["question_ms"], last["identity"]) if last else None
    return Page(rows, write_cursor(key, scope) if key else None)


def count_questions(ledger: Ledger, scope: Scope, most: int = COUNTED) -> Count:
    conditions, values = _conditions(scope)
    sql = f"""SELECT 1
        FROM consent_status s LEFT JOIN threads t ON t.identity = s.identity
        WHERE s.question_ms IS NOT NULL AND {conditions}"""
    return count_rows(ledger, sql, values, most)


def _conditions(scope: Scope) -> tuple[str, list[str]]:
    """Seen by whoever sees the conversation, and where there is none."""
    tenants, names = scope.condition("s.tenant", None)
    if not scope.limits_branches:
        return tenants, names
    seen, values = has_case_in(scope)
    return f"{tenants} AND (t.identity IS NULL OR {seen})", [*names, *values]


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
