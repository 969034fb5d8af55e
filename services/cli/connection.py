"""Connect a command to Kafka and the ledger, and run its asynchronous work until Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from aiokafka.errors import KafkaError

from services.cli.progress_bar import progress_bar, show_waiting
from services.kafka import BrokerError
from services.ledger import Ledger, LedgerError
from services.ledger.location import FILE, locate_in
from services.ledger.topic_reader import TopicReaderError
from services.local.broker import find_running
from services.operations.errors import InvalidRequest, OperationFailed
from services.operations.session import Session
from services.operations.tenant_check import require_tenant_on_record
from services.settings import SettingsError
from services.terminal import note

T = TypeVar("T")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def find_bootstrap(given: str | None, state: Path) -> str:
    """The Kafka that was named, else the one that runs in this state folder.

    Raises InvalidRequest."""
    found = given or find_running(state)
    if not found:
        raise _no_broker(state)
    return found


def _no_broker(state: Path) -> InvalidRequest:
    demo = state / "demo"
    left = f"; what `sayso demo` left is in --state {demo}" if (demo / FILE).exists() else ""
    return InvalidRequest("No broker", f"run `sayso up` first, or give --bootstrap{left}")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Like asyncio.run, but what Kafka refuses is one sentence, and its client logs nothing on the
    screen.

    Raises OperationError."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        return asyncio.run(work)
    except (TopicReaderError, BrokerError) as error:
        raise OperationFailed(str(error)) from None
    except SettingsError as error:
        raise InvalidRequest(str(error)) from None
    except KafkaError as error:
        raise OperationFailed(f"Kafka did not do it: {error}") from None


def operate(
    bootstrap: str,
    operation: Callable[[Session], Coroutine[Any, Any, T]],
    waiting: str = "waiting for Kafka",
) -> T:
    """Run an operation on that Kafka, with a sign of life.  Raises OperationError."""

    async def work() -> T:
        async with Session(bootstrap, source="cli") as kafka:
            return await operation(kafka)

    with show_waiting(waiting):
        return run(work())


def run_until_interrupted(work: Coroutine[Any, Any, Any]) -> bool:
    """The first signal cancels the work and lets it clean up; further ones are ignored.

    Returns whether it was interrupted.  Raises whatever the work raises; InvalidRequest for
    wrong settings."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        return asyncio.run(_guard(work))
    except SettingsError as error:
        raise InvalidRequest(str(error)) from None


async def _guard(work: Coroutine[Any, Any, Any]) -> bool:
    is_interrupted = False
    task = asyncio.ensure_future(work)

    def interrupt() -> None:
        nonlocal is_interrupted
        if not is_interrupted:
            is_interrupted = True
            task.cancel()

    for name in _SIGNALS:
        asyncio.get_running_loop().add_signal_handler(name, interrupt)
    try:
        await task
    except asyncio.CancelledError:
        if not is_interrupted:
            raise
    return is_interrupted


@contextmanager
def read_ledger(given: str | None, state: Path, tenant: str | None = None) -> Iterator[Ledger]:
    """Open the ledger and bring it up to the topics; without a broker, say as of when it is.

    Raises OperationError, also for a tenant that there is not."""
    bootstrap = given or find_running(state)
    try:
        location = locate_in(state)
    except SettingsError as error:
        raise InvalidRequest(str(error)) from None
    try:
        ledger = Ledger.open(location, existing=bootstrap is None)
    except LedgerError as error:
        is_nothing = bootstrap is None and not location.exists()
        raise (_no_broker(state) if is_nothing else InvalidRequest(str(error))) from None
    try:
        if bootstrap is None:
            last = _format_last_record(ledger)
            note(f"No broker is running: this is the ledger as of its last record, {last}.")
        else:
            _catch_up(ledger, bootstrap)
        require_tenant_on_record(ledger, tenant)
        yield ledger
    except LedgerError as error:
        raise OperationFailed(str(error)) from None
    finally:
        ledger.close()


def _catch_up(ledger: Ledger, bootstrap: str) -> None:
    with progress_bar("reading the topics") as on_progress:
        done = run(ledger.catch_up(bootstrap, on_progress))
    if done.rebuilt:
        note(f"The ledger was rebuilt: {done.rebuilt}.")


def _format_last_record(ledger: Ledger) -> str:
    tables = ("requests", "decisions", "outcomes", "consent_log")
    union = " UNION ALL ".join(f"SELECT max(at_ms) AS at FROM {table}" for table in tables)
    newest = ledger.rows(f"SELECT max(at) AS at FROM ({union}) x")[0]["at"]
    if not newest:
        return "none yet"
    return f"{datetime.fromtimestamp(newest / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
