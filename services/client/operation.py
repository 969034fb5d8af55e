"""One call as data: what to send, and what its answer is read as."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote, urlencode

from services.client.errors import UnknownAnswer
from services.client.models.base import ID, Input, Output, Page

T = TypeVar("T", bound=Output)
P = TypeVar("P", bound=Page)
PREFIX: Final = "/v1/"
_IDENTITY: Final = re.compile(ID)


@dataclass(frozen=True, slots=True, repr=False)
class Operation(Generic[T]):
    method: str
    path: str
    """With its query, quoted."""
    answer: type[T]
    body: bytes | None = None
    identity: str | None = None
    """The Idempotency-Key: every try of the call has the same one."""

    def __repr__(self) -> str:
        """Without path and body, which may hold numbers."""
        return f"<{self.method} that answers {self.answer.__name__}>"

    def headers(self) -> dict[str, str]:
        found = {"Accept": "application/json"}
        if self.body is not None:
            found["Content-Type"] = "application/json"
        if self.identity is not None:
            found["Idempotency-Key"] = self.identity
        return found


def read(path: str, answer: type[T], query: Mapping[str, Any] | None = None) -> Operation[T]:
    """What is None in the query is left out."""
    given = {name: _write(value) for name, value in (query or {}).items() if value is not None}
    return Operation("GET", f"{path}?{urlencode(given, doseq=True)}" if given else path, answer)


def change(
    method: str,
    path: str,
    answer: type[T],
    given: Input | None,
    idempotency_key: str | None,
) -> Operation[T]:
    """Raises ValueError for an identity that no header can hold."""
    identity = idempotency_key or new_identity()
    if not _IDENTITY.fullmatch(identity):
        raise ValueError("use letters, digits and . _ : @ - in an identity, 128 at most")
    return Operation(method, path, answer, None if given is None else given.encode(), identity)


def following(operation: Operation[P], page: P) -> Operation[P] | None:
    """The next part of a list. Raises UnknownAnswer: the key must go to no other server."""
    path = page.next
    if path is None:
        return None
    if not path.startswith(PREFIX) or not path.isascii() or not path.isprintable():
        raise UnknownAnswer(200)
    return replace(operation, path=path)


def new_identity() -> str:
    return str(uuid.uuid4())


def part(written: str) -> str:
    """One part of a path, such as an id or a number. Raises ValueError for one that is none."""
    if written in ("", ".", ".."):
        raise ValueError("an id or a number is missing")
    return quote(written, safe="")


def _write(value: Any) -> Any:
    match value:
        case bool():
            return "true" if value else "false"
        case Enum():
            return str(value.value)
        case date():
            return value.isoformat()
        case str() | int():
            return str(value)
    return [_write(one) for one in value]
