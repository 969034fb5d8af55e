"""What dispatch needs of whoever carries our texts."""

from __future__ import annotations

from typing import Protocol

from streams.dispatch.calls import Answer, Post


class Provider(Protocol):
    async def send(self, post: Post) -> Answer:
        """Try once, and say what is known of it.  Never raises for what the provider or the network does."""
        ...

    async def close(self) -> None: ...
