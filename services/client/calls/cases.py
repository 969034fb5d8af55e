"""Calls for cases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypedDict

from services.client.models.base import Input
from services.client.models.cases import (
    Case,
    CasePage,
    Changed,
    EventInput,
    OpenCase,
    PartyInput,
    TaskInput,
)
from services.client.operation import Operation, change, part, read

Parts = Literal["parties", "tasks", "events"]


class CaseFilter(TypedDict, total=False):
    """What is not given matches all, but `closed`: the server leaves closed cases out."""

    closed: bool
    branch: Sequence[str]
    case_type: Sequence[str]
    search: str
    """Part of an id, a title, a reference or of a party's name."""
    person_id: str
    """A party."""
    limit: int
    """Items of a page."""


def get(case_id: str) -> Operation[Case]:
    return read(_path(case_id), Case)


def list_all(given: CaseFilter) -> Operation[CasePage]:
    return read("/v1/cases", CasePage, given)


def open_case(case: OpenCase, key: str | None) -> Operation[Changed]:
    return change("POST", "/v1/cases", Changed, case, key)


def say(
    case_id: str, what: Literal["launch", "close", "reopen"], key: str | None
) -> Operation[Changed]:
    return change("POST", f"{_path(case_id)}/{what}", Changed, None, key)


def put_part(
    case_id: str,
    parts: Parts,
    part_id: str,
    given: PartyInput | TaskInput | EventInput,
    key: str | None,
) -> Operation[Changed]:
    return _change_part("PUT", case_id, parts, part_id, given, key)


def remove_part(case_id: str, parts: Parts, part_id: str, key: str | None) -> Operation[Changed]:
    return _change_part("DELETE", case_id, parts, part_id, None, key)


def _change_part(
    method: str, case_id: str, parts: Parts, part_id: str, given: Input | None, key: str | None
) -> Operation[Changed]:
    return change(method, f"{_path(case_id)}/{parts}/{part(part_id)}", Changed, given, key)


def _path(case_id: str) -> str:
    return f"/v1/cases/{part(case_id)}"
