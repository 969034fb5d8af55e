"""Which Kafka a command talks to, and the ledger brought up to it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from services.cli.refused import Refused

if TYPE_CHECKING:
    from schemas.base import Message
    from schemas.topics import Topic
    from services.ledger import Ledger

T = TypeVar("T")


def no_broker(state: Path) -> Refused:
    from services.ledger.ledger import FILE

    demo = state / "demo"
    left = f"; what `sayso demo` left is in --state {demo}" if (demo / FILE).exists() else ""
    return Refused(f"No broker: run `sayso up` first, or give --bootstrap{left}")


def bootstrap_of(given: str | None, state: Path) -> str:
    """The Kafka that was named, else the one that runs in this state folder.  Raises Refused."""
    found = given or _running(state)
    if not found:
        raise no_broker(state)
    return found


def run(work: Coroutine[Any, Any, T]) -> T:
    """asyncio.run, with the Kafka client's own log lines kept off the screen: we say it in one sentence."""
    from aiokafka.errors import KafkaError

    from services.ledger.source import SourceError
    from services.settings import SettingsError

    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        return asyncio.run(work)
    except SourceError as error:
        raise Refused(str(error), 1) from None
    except SettingsError as error:
        raise Refused(str(error)) from None
    except KafkaError as error:
        raise Refused(f"Kafka did not do it: {error}", 1) from None


def publish(bootstrap: str, topic: Topic[Any], messages: Sequence[Message]) -> None:
    """Returns when Kafka has them all.  Raises Refused."""
    from services.cli.bar import waiting_for

    must_hold(bootstrap, topic)
    with waiting_for("waiting for Kafka"):
        run(_publish(bootstrap, topic, messages))


def must_hold(bootstrap: str, topic: Topic[Any]) -> None:
    """A producer would wait for a topic that nobody has made until its time is over.  Raises Refused."""
    from services.local.broker import BrokerError

    try:
        names = run(_topics(bootstrap))
    except BrokerError as error:
        raise Refused(str(error), 1) from None
    if topic.name not in names:
        raise Refused(
            f"Kafka at {bootstrap} does not have {topic.name}: run `sayso topics apply` first", 1
        )


async def _topics(bootstrap: str) -> Collection[str]:
    """Of all there are: to ask for one by its name would make it, where Kafka may."""
    from services.kafka.admin import admin

    async with admin(bootstrap) as client:
        return list(await client.list_topics())


async def _publish(bootstrap: str, topic: Topic[Any], messages: Sequence[Message]) -> None:
    from services.kafka.publisher import NotPublished, Publisher

    publisher = Publisher(bootstrap, source="cli")
    try:
        await publisher.publish_all(topic, messages)
    except NotPublished as error:
        raise Refused(str(error), 1) from None
    finally:
        await publisher.stop()


@contextmanager
def ledger(given: str | None, state: Path, tenant: str | None = None) -> Iterator[Ledger]:
    """Opened and brought up to the topics; without a broker, as it was left, and that is said.  Raises Refused, also
    where it is asked about a tenant that there is not."""
    from services.cli.known import must_have
    from services.cli.screen import note
    from services.ledger import Ledger, LedgerError
    from services.ledger.ledger import FILE

    bootstrap = given or _running(state)
    try:
        opened = Ledger.open(state / FILE, existing=bootstrap is None)
    except LedgerError as error:
        nothing = bootstrap is None and not (state / FILE).exists()
        raise (no_broker(state) if nothing else Refused(str(error))) from None
    try:
        if bootstrap is None:
            note(
                f"No broker is running: this is the ledger as of its last record, {_last_record(opened)}."
            )
        else:
            _catch_up(opened, bootstrap)
        must_have(opened, tenant)
        yield opened
    except LedgerError as error:
        raise Refused(str(error), 1) from None
    finally:
        opened.close()


def _catch_up(opened: Ledger, bootstrap: str) -> None:
    from services.cli.bar import bar
    from services.cli.screen import note
    from services.ledger import LedgerError

    try:
        with bar("reading the topics") as moved:
            caught = run(opened.catch_up(bootstrap, moved))
    except LedgerError as error:
        raise Refused(str(error), 1) from None
    if caught.rebuilt:
        note(f"The ledger was rebuilt: {caught.rebuilt}.")


def _last_record(opened: Ledger) -> str:
    newest = opened.rows("""SELECT max(at) AS at FROM (SELECT max(at_ms) AS at FROM requests UNION ALL
        SELECT max(at_ms) FROM decisions UNION ALL SELECT max(at_ms) FROM outcomes UNION ALL
        SELECT max(at_ms) FROM consent_log)""")[0]["at"]
    return (
        f"{datetime.fromtimestamp(newest / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
        if newest
        else "none yet"
    )


def _running(state: Path) -> str | None:
    from services.local.broker import running

    return running(state)
