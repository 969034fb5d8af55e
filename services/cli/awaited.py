"""Wait until the ledger shows what came of something that was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from services.cli.refused import Refused

if TYPE_CHECKING:
    from services.ledger import Ledger

T = TypeVar("T")

PATIENCE = 15.0
"""Seconds.  A room answers within one; a worker that is just starting takes ten."""


def awaited(
    ledger: Ledger, bootstrap: str, look: Callable[[Ledger], T | None], patience: float = PATIENCE
) -> T | None:
    """What `look` finds as soon as it finds something; None if that takes too long.  Raises Refused."""
    from services.cli.bar import waiting_for
    from services.cli.kafka import run
    from services.ledger import LedgerError

    try:
        with waiting_for("waiting for an answer"):
            return run(_awaited(ledger, bootstrap, look, patience))
    except LedgerError as error:
        raise Refused(str(error), 1) from None


async def _awaited(
    ledger: Ledger, bootstrap: str, look: Callable[[Ledger], T | None], patience: float
) -> T | None:
    stop = asyncio.Event()
    following = asyncio.create_task(ledger.follow(bootstrap, stop, gather=0.1))
    try:
        async with asyncio.timeout(patience):
            while (found := look(ledger)) is None and not following.done():  # noqa: ASYNC110  # rows have no event
                await asyncio.sleep(0.1)
    except TimeoutError:
        found = look(ledger)
    finally:
        stop.set()
        await following
    return found
