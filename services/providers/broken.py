"""What broke a call, in words for a person."""

from __future__ import annotations

from typing import Final

from services.http_client import (
    ConnectionClosed,
    HttpError,
    IncompleteResponse,
    MalformedResponse,
    ResponseTooLarge,
)

_WORDS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (TimeoutError, "no answer in time"),
    (IncompleteResponse, "the answer was cut short"),
    (MalformedResponse, "the answer could not be read"),
    (ResponseTooLarge, "the answer is too long"),
    (ConnectionClosed, "the connection was closed before an answer"),
    (ConnectionResetError, "the connection was reset before an answer"),
    (HttpError, "the connection failed before an answer"),
    (OSError, "the connection failed before an answer"),
)
BROKEN: Final = tuple(kind for kind, _ in _WORDS)
"""What a call over HTTP raises when the network or the other side fails it."""


def in_words(failure: BaseException) -> str:
    return next(words for kind, words in _WORDS if isinstance(failure, kind))
