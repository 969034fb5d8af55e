"""What dispatch needs of whoever carries our texts.

A second provider is one file with a class of this shape, a line in `services.providers.PROVIDERS`, and its platform
in `tests/contracts/platforms.py`: the suite beside it says what each method owes in every case.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from streams.dispatch.provider_calls import Lookup, LookupResult, SendCall, SendResult


class Provider(Protocol):
    """No method retries, and none raises for what the provider or the network does: it says what is known.  Only
    cancellation and bugs come out of them.  Neither number nor text is logged or comes back in a `detail`."""

    async def send(self, post: SendCall, held: Callable[[], bool] = ...) -> SendResult:
        """Try once.  `UNSENT` only if not a byte of the call can have left, `LIMITED` only if it was not taken and may
        come again as it is, `IN_DOUBT` whenever it may have been taken.

        `held` is asked right before the first byte of the request is written, however long the way there was: where it
        says no, nothing is written, and the answer is `UNSENT` with code `lease_over`."""
        ...

    async def look(self, look: Lookup) -> LookupResult:
        """All that the provider has for this number and was made in the window, whatever its sender: an entry that is
        missing here is taken for a text that was never taken, and is sent again.  So the list comes whole or not at
        all (`entries` None)."""
        ...

    async def close(self) -> None:
        """End the connections.  The next call opens them again."""
        ...
