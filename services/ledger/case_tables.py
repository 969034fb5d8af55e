"""Tables of cases and conversations."""

from __future__ import annotations

from typing import Any, Final

from schemas import topics
from services.ledger.table import BY_MESSAGE, BY_NUMBER, OF_MESSAGE, OF_NUMBER, Table, fold, plain

_CASE = plain("tenant", "case_id")
_BY_CASE = ("case_id", "tenant")


def _waiting_ms(thread: Any) -> int | None:
    """Since when somebody waits for an answer."""
    since = thread.waiting_since
    return None if since is None else round(since.timestamp() * 1000)


def _case_to_answer(thread: Any) -> str | None:
    """The case that the text to be answered was filed with."""
    last = thread.to_answer
    return last.case_id if last else None


def _said_ms(message: Any) -> int:
    at_ms: int = round(message.at.timestamp() * 1000)
    return at_ms


def _case_words(case: Any) -> str:
    """What a search finds a case by."""
    words = (case.case_id, case.title, case.reference, *(one.name for one in case.parties[:200]))
    return fold("\n".join(filter(None, words)))


CASE_TABLES: Final = (
    Table("case_events", topics.CASE_EVENTS, _CASE | plain("type", "change_id"), lookup=_BY_CASE),
    Table(
        "cases",
        topics.CASES,
        _CASE
        | plain("closed", "branch", "case_type", "title", "reference")
        | {"parties": lambda m: len(m.parties), "said_ms": _said_ms, "words": _case_words},
        latest=lambda m: m.case_key,
        rank=lambda m: m.version,
        lookup=_BY_CASE,
        # With all that cases are filtered by: a case itself may be large.
        also=(
            ("said_ms", "identity", "tenant", "branch", "closed", "case_type", "case_id", "words"),
        ),
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
        OF_NUMBER
        | {"waiting_ms": _waiting_ms, "last_ms": _said_ms, "case_id": _case_to_answer}
        | plain("assigned_to"),
        latest=lambda m: m.number_key,
        rank=lambda m: m.version,
        lookup=BY_NUMBER,
        also=(
            ("waiting_ms", "identity", "tenant", "number", "case_id", "assigned_to"),
            ("last_ms", "identity", "tenant", "number", "case_id", "assigned_to", "waiting_ms"),
        ),
    ),
    Table("thread_events", topics.THREAD_EVENTS, OF_NUMBER | plain("type"), lookup=BY_NUMBER),
    Table("mail_requests", topics.MAIL_REQUESTS, OF_NUMBER | plain("mail_id"), lookup=BY_NUMBER),
)
