"""Lists of conversations: who waits first, the longest waiting before others; then the rest, the
last active first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from schemas.inbound import Reply
from schemas.thread import Thread
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
from services.ledger.people import find_names
from services.ledger.person_pages import find_by_words
from services.ledger.scope import EVERYTHING, Scope
from services.ledger.threads import find_last_replies
from services.ledger.times import ENDLESS

_KINDS: Final = (int, int, str)
"""Of a cursor: 0 for who waits, else 1; since when, or when last active; and the identity."""
_MOST_PEOPLE: Final = 500
"""Whose conversations a search for a name looks for."""
_DIGITS: Final = 3
"""Fewer are no search for a number."""


class ThreadFilter(NamedTuple):
    """What is not given matches all."""

    scope: Scope = EVERYTHING
    waiting: bool | None = None
    assigned_to: str | None = None
    unassigned: bool = False
    """Only what nobody has been assigned to."""
    without_case: bool = False
    """Only what belongs to no case."""
    case: str | None = None
    branches: frozenset[str] = frozenset()
    in_question: bool = False
    """Only where a text may be a STOP, and staff have not answered yet."""
    search: str = ""
    """Part of a number or of a person's name."""
    any_case: bool = False
    """Of whoever sees some branches: any case of the conversation counts, and where it has none
    they see it. Otherwise the case of the text to be answered counts alone."""


class ThreadRow(NamedTuple):
    thread: Thread
    reply: Reply | None
    """Their last text, as long as the topic kept it."""
    names: tuple[str, ...]
    """Of the people who have the number; an id where there is no name."""
    case_title: str
    branch: str | None
    in_question: bool


def read_threads(
    ledger: Ledger, wanted: ThreadFilter, *, cursor: str | None = None, limit: int = 50
) -> Page[ThreadRow]:
    """Raises InvalidCursor."""
    limit = limit_rows(limit)
    part, at, identity = read_cursor(cursor, _KINDS, wanted) if cursor else (0, -ENDLESS, "")
    with ledger.snapshot():
        conditions, values = _conditions(ledger, wanted)
        found = list[Any]()
        if part == 0 and wanted.waiting is not False:
            sql = f"""SELECT 0 AS part, waiting_ms AS at, identity FROM threads t
                INDEXED BY threads_waiting_ms
                WHERE waiting_ms >= ? AND (waiting_ms > ? OR identity > ?) AND {conditions}
                ORDER BY waiting_ms, identity LIMIT ?"""
            found += ledger.rows(sql, at, at, identity, *values, limit + 1)
        if len(found) <= limit and wanted.waiting is not True:
            at, identity = (at, identity) if part == 1 else (ENDLESS, "")
            sql = f"""SELECT 1 AS part, last_ms AS at, identity FROM threads t
                INDEXED BY threads_last_ms WHERE last_ms <= ?
                AND (last_ms < ? OR identity > ?) AND waiting_ms IS NULL AND {conditions}
                ORDER BY last_ms DESC, identity LIMIT ?"""
            found += ledger.rows(sql, at, at, identity, *values, limit + 1 - len(found))
        rows = _read_rows(ledger, [row["identity"] for row in found[:limit]])
    if len(found) <= limit:
        return Page(rows)
    last = found[limit - 1]
    return Page(rows, write_cursor((last["part"], last["at"], last["identity"]), wanted))


def count_threads(ledger: Ledger, wanted: ThreadFilter, most: int = COUNTED) -> Count:
    with ledger.snapshot():
        conditions, values = _conditions(ledger, wanted)
        column = "waiting_ms" if wanted.waiting else "last_ms"
        waits = " AND waiting_ms IS NULL" if wanted.waiting is False else ""
        sql = f"""SELECT 1 FROM threads t INDEXED BY threads_{column}
            WHERE {column} IS NOT NULL{waits} AND {conditions}"""
        return count_rows(ledger, sql, values, most)


def _conditions(ledger: Ledger, wanted: ThreadFilter) -> tuple[str, list[Any]]:
    tenants, names = wanted.scope.condition("t.tenant", None)
    parts, values = [tenants], list[Any](names)
    if wanted.branches or wanted.scope.limits_branches:
        by_any = wanted.any_case and not wanted.branches
        sql, found = has_case_in(wanted.scope) if by_any else _of_branches(wanted)
        parts.append(sql)
        values += found
    if wanted.assigned_to is not None:
        parts.append("t.assigned_to = ?")
        values.append(wanted.assigned_to)
    if wanted.unassigned:
        parts.append("t.assigned_to IS NULL")
    if wanted.without_case:
        parts.append("t.case_id IS NULL")
    if wanted.case is not None:
        parts.append("t.case_id = ?")
        values.append(wanted.case)
    if wanted.in_question:
        parts.append(
            "t.identity IN (SELECT identity FROM consent_status WHERE question_ms IS NOT NULL)"
        )
    if wanted.search.strip():
        sql, found = _searching(ledger, wanted)
        parts.append(sql)
        values += found
    return " AND ".join(parts), values


def has_case_in(scope: Scope) -> tuple[str, list[str]]:
    """SQL that holds for a conversation `t` with a case in the scope, or with none: somebody has
    to find out whose it is."""
    seen, values = scope.condition("c.tenant", "c.branch")
    sql = f"""(coalesce(json_array_length(t.json, '$.cases'), 0) = 0
        OR EXISTS (SELECT 1 FROM json_each(t.json, '$.cases') j CROSS JOIN cases c
            ON c.identity = t.tenant || '/' || j.value WHERE {seen}))"""
    return sql, values


def _of_branches(wanted: ThreadFilter) -> tuple[str, list[Any]]:
    """A conversation is of the branch of its case. One without a case is of no branch."""
    scope, found = wanted.scope.condition("c.tenant", "c.branch")
    values = list[Any](found)
    chosen = ""
    if wanted.branches:
        chosen = f" AND c.branch IN ({', '.join('?' * len(wanted.branches))})"
        values += sorted(wanted.branches)
    sql = f"""(t.tenant || '/' || t.case_id) IN (SELECT c.identity FROM cases c
        INDEXED BY cases_said_ms WHERE c.said_ms IS NOT NULL AND {scope}{chosen})"""
    if wanted.branches:
        return sql, values
    without, names = wanted.scope.condition("t.tenant", "NULL")
    return f"({sql} OR (t.case_id IS NULL AND {without}))", [*values, *names]


def _searching(ledger: Ledger, wanted: ThreadFilter) -> tuple[str, list[Any]]:
    words = wanted.search.strip()
    digits = "".join(one for one in words if one.isdecimal() and one.isascii())
    if len(digits) >= _DIGITS and not any(one.isalpha() for one in words):
        return "instr(t.number, ?) > 0", [digits]
    people = find_by_words(ledger, words, wanted.scope, _MOST_PEOPLE)[:_MOST_PEOPLE]
    sql = """SELECT n.tenant || '/' || n.number AS identity FROM json_each(?) j
        CROSS JOIN person_numbers n INDEXED BY person_numbers_person
            ON n.tenant = json_extract(j.value, '$[0]')
            AND n.person_id = json_extract(j.value, '$[1]')"""
    identities = [row["identity"] for row in ledger.rows(sql, json.dumps(people))]
    return "t.identity IN (SELECT value FROM json_each(?))", [json.dumps(identities)]


def _read_rows(ledger: Ledger, identities: Sequence[str]) -> tuple[ThreadRow, ...]:
    """All at once: a database answers one long question sooner than many short ones."""
    sql = """SELECT t.json, c.title, c.branch, EXISTS (SELECT 1 FROM consent_status s
            WHERE s.identity = t.identity AND s.question_ms IS NOT NULL) AS in_question
        FROM json_each(?) j CROSS JOIN threads t ON t.identity = j.value
        LEFT JOIN cases c ON c.identity = t.tenant || '/' || t.case_id
        ORDER BY j.key"""
    rows = ledger.rows(sql, json.dumps(identities)) if identities else []
    threads = [Thread.model_validate_json(row["json"]) for row in rows]
    replies = find_last_replies(ledger, threads)
    people = [(one.tenant, person_id) for one in threads for person_id in one.person_ids]
    names = find_names(ledger, people)
    return tuple(
        ThreadRow(
            thread,
            reply,
            tuple(names.get((thread.tenant, one), one) for one in thread.person_ids),
            row["title"] or "",
            row["branch"],
            bool(row["in_question"]),
        )
        for row, thread, reply in zip(rows, threads, replies, strict=True)
    )
