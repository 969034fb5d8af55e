"""What dispatch needs of a provider, and the words for a call that the network failed.

A second provider is one file with a class of this shape, a line in `services.providers.PROVIDERS`,
and its platform in `tests/contracts/platforms.py`. The test suite beside it checks what each method
owes in every case.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from services.http_client import (
    ConnectionClosed,
    HttpError,
    IncompleteResponse,
    MalformedResponse,
    ResponseTooLarge,
)
from streams.dispatch.provider_calls import Lookup, LookupResult, SendCall, SendResult


class Provider(Protocol):
    """No method retries. None raises for what the provider or the network does: the result says
    what is known. Only cancellation and bugs are raised. No number and no text is logged or comes
    back in a `detail`."""

    async def send(self, call: SendCall, has_lease: Callable[[], bool] = ...) -> SendResult:
        """Try once.

        `UNSENT` only if no byte of the request can have left. `LIMITED` only if the text was not
        taken and the same call may be made again. `IN_DOUBT` whenever the text may have been taken.

        `has_lease` is called right before the first byte of the request is written, however long
        connecting took. If it returns False, nothing is written, and the result is `UNSENT` with
        code `lease_over`.
        """
        ...

    async def look_up(self, lookup: Lookup) -> LookupResult:
        """Everything that the provider has for this number and was made in the window, whatever its
        sender.

        A text that is missing in the list counts as never taken and is sent again. So the list is
        complete, or there is none (`entries` is None).
        """
        ...

    async def close(self) -> None:
        """Close the connections. The next call opens new ones."""
        ...


_DESCRIPTIONS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (TimeoutError, "no answer in time"),
    (IncompleteResponse, "the answer was cut short"),
    (MalformedResponse, "the answer could not be read"),
    (ResponseTooLarge, "the answer is too long"),
    (ConnectionClosed, "the connection was closed before an answer"),
    (ConnectionResetError, "the connection was reset before an answer"),
    (HttpError, "the connection failed before an answer"),
    (OSError, "the connection failed before an answer"),
)
NETWORK_ERRORS: Final = tuple(kind for kind, _ in _DESCRIPTIONS)
"""What a call over HTTP raises when the network or the other side fails it."""


def describe_network_error(error: BaseException) -> str:
    return next(words for kind, words in _DESCRIPTIONS if isinstance(error, kind))
