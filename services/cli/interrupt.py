"""Ctrl-C and SIGTERM, once: what was begun is ended in order."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Coroutine
from typing import Any

from services.cli.refused import Refused

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def until_interrupted(work: Coroutine[Any, Any, Any]) -> bool:
    """Run it; the first signal cancels it and lets it clean up, further ones are ignored.  Returns whether it was
    interrupted.  What it raises otherwise is raised; wrong settings as Refused."""
    from services.settings import SettingsError

    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        return asyncio.run(_guarded(work))
    except SettingsError as error:
        raise Refused(str(error)) from None


async def _guarded(work: Coroutine[Any, Any, Any]) -> bool:
    told = False
    task = asyncio.ensure_future(work)

    def interrupt() -> None:
        nonlocal told
        if not told:
            told = True
            task.cancel()

    for name in _SIGNALS:
        asyncio.get_running_loop().add_signal_handler(name, interrupt)
    try:
        await task
    except asyncio.CancelledError:
        if not told:
            raise
    return told
