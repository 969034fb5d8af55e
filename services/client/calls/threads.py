"""Calls for conversations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from services.client.models.texts import Accepted
from services.client.models.threads import (
    EntryPage,
    Noted,
    NoteInput,
    ReplyInput,
    Thread,
    ThreadAction,
    ThreadPage,
)
from services.client.operation import Operation, change, part, read


class ThreadFilter(TypedDict, total=False):
    """What is not given matches all."""

    waiting: bool
    assigned_to: str
    case_id: str
    branch: Sequence[str]
    search: str
    """Part of a number or of a name."""
    limit: int
    """Items of a page."""


def list_all(given: ThreadFilter) -> Operation[ThreadPage]:
    return read("/v1/threads", ThreadPage, given)


def get(number: str) -> Operation[Thread]:
    return read(_path(number), Thread)


def entries(number: str, limit: int | None) -> Operation[EntryPage]:
    return read(f"{_path(number)}/entries", EntryPage, {"limit": limit})


def reply(number: str, given: ReplyInput, key: str | None) -> Operation[Accepted]:
    return change("POST", f"{_path(number)}/replies", Accepted, given, key)


def note(number: str, given: NoteInput, key: str | None) -> Operation[Noted]:
    return change("POST", f"{_path(number)}/notes", Noted, given, key)


def need_no_answer(number: str, written_by: str | None, key: str | None) -> Operation[Noted]:
    given = ThreadAction(written_by=written_by)
    return change("POST", f"{_path(number)}/no-answer-needed", Noted, given, key)


def _path(number: str) -> str:
    return f"/v1/threads/{part(number)}"
