"""Tables of cases and conversations."""

from __future__ import annotations

from typing import Any, Final

from schemas import topics
from services.ledger.table import BY_MESSAGE, BY_NUMBER, OF_MESSAGE, OF_NUMBER, Table, plain

_CASE = plain("tenant", "case_id")
_BY_CASE = ("case_id", "tenant")


def _waiting_ms(thread: Any) -> int | None:
    """Since when somebody waits for an answer."""
    since = thread.waiting_since
    return None if since is None else round(since.timestamp() * 1000)


CASE_TABLES: Final = (
    Table("case_events", topics.CASE_EVENTS, _CASE | plain("type", "change_id"), lookup=_BY_CASE),
    Table(
        "cases",
        topics.CASES,
        _CASE | plain("closed"),
        latest=lambda m: m.case_key,
        rank=lambda m: m.version,
        lookup=_BY_CASE,
    ),
    Table(
        "case_texts",
        topics.CASE_TEXTS,
        _CASE
        | plain("text_id", "version", "state")
        | {"message_id": lambda m: m.message_id or m.text_id},
        lookup=_BY_CASE,
        sparse=("message_id", "tenant"),
    ),
    Table(
        "case_people",
        topics.CASE_PEOPLE,
        _CASE | plain("person_id"),
        latest=lambda m: f"{m.case_key}/{m.person_id}",
        rank=lambda m: m.version,
    ),
    Table(
        "case_answers",
        topics.CASE_ANSWERS,
        OF_MESSAGE | plain("state"),
        latest=lambda m: f"{m.tenant}/{m.message_id}",
        rank=lambda m: m.version,
    ),
    Table("case_replies", topics.CASE_REPLIES, _CASE | plain("person_id", "event_id")),
    Table(
        "case_links",
        topics.CASE_LINKS,
        _CASE | plain("person_id", "wanted"),
        latest=lambda m: f"{m.person_key}/{m.case_id}",
    ),
    Table(
        "case_numbers",
        topics.CASE_NUMBERS,
        _CASE | plain("person_id"),
        latest=lambda m: f"{m.number_key}/{m.case_id}/{m.person_id}",
    ),
    Table(
        "thread_messages",
        topics.THREAD_MESSAGES,
        OF_MESSAGE | plain("state"),
        latest=lambda m: f"{m.tenant}/{m.message_id}",
        rank=lambda m: m.version,
    ),
    Table(
        "person_cancels",
        topics.PERSON_CANCELS,
        plain("tenant") | {"message_id": lambda m: m.request_id} | plain("by"),
        lookup=BY_MESSAGE,
    ),
    Table(
        "threads",
        topics.THREADS,
        OF_NUMBER | {"waiting_ms": _waiting_ms},
        latest=lambda m: m.number_key,
        rank=lambda m: m.version,
        lookup=BY_NUMBER,
        sparse=("waiting_ms", "tenant"),
    ),
    Table("thread_events", topics.THREAD_EVENTS, OF_NUMBER | plain("type"), lookup=BY_NUMBER),
    Table("mail_requests", topics.MAIL_REQUESTS, OF_NUMBER | plain("mail_id"), lookup=BY_NUMBER),
)
