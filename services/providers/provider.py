"""What dispatch needs of whoever carries our texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from streams.dispatch.calls import Answer, Post


class Provider(Protocol):
    async def send(self, post: Post, held: Callable[[], bool] = ...) -> Answer:
        """Try once, and say what is known of it.  Never raises for what the provider or the network does.

        `held` is asked right before the first byte of the request is written, however long the way there was: where it
        says no, nothing is written, and the answer is `UNSENT` with code `lease_over`."""
        ...

    async def close(self) -> None: ...
