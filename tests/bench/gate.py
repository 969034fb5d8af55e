"""The gate room for real: its worker process, real texts, numbers that have opted in; decisions
a second."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from schemas.base import Message
from schemas.topics import (
    CONSENT_EVENTS,
    DECISIONS,
    EVERY_TOPIC,
    SEND_REQUESTS,
    SENDERS,
    SETTINGS,
    Topic,
)
from services.kafka.topics import apply
from tests.bench import people
from tests.bench.feed import drop_topics, placed, publish, topics_like
from tests.bench.job import PARTITIONS
from tests.bench.process import PYTHON, cpu_meter, running
from tests.bench.watch import Progress, Seen, unseen, watch


class InUse(Exception):
    """The broker holds Sayso's topics already: made-up requests must not mix with anybody's."""


async def empty_house(bootstrap: str, partitions: int = PARTITIONS) -> None:
    """Sayso's topics, fresh.  Raises InUse unless there are none."""
    names = {topic.name for topic in EVERY_TOPIC}
    if names & set(await topics_like(bootstrap, "")):
        raise InUse(
            "this broker holds Sayso's topics already, which are not to be mixed with made-up requests"
        )
    await apply(bootstrap, partitions=partitions, replication=1)


async def tear_down(bootstrap: str) -> None:
    await drop_topics(bootstrap, [topic.name for topic in EVERY_TOPIC])


async def tell(
    bootstrap: str, topic: Topic[Any], messages: Iterable[Message], partitions: int = PARTITIONS
) -> None:
    records = ((topic.key(message).encode(), topic.encode(message)) for message in messages)
    await publish(bootstrap, topic.name, placed(records, topic.partitions(partitions)))


async def one_run(bootstrap: str, count: int, progress: Progress = unseen) -> Seen:
    """Raises InUse, Ended or Stuck."""
    await empty_house(bootstrap)
    try:
        await tell(bootstrap, SETTINGS, [people.TENANT])
        await tell(bootstrap, SENDERS, [people.SENDER])
        await tell(bootstrap, CONSENT_EVENTS, people.consents())
        await tell(bootstrap, SEND_REQUESTS, people.requests(count, uuid.uuid4().hex[:8]))
        with tempfile.TemporaryDirectory(
            prefix="sayso-bench-", ignore_cleanup_errors=True
        ) as folder:
            command = [PYTHON, "-m", "services.workers", "gate"]
            async with running(
                command, Path(folder), {"SAYSO_BOOTSTRAP": bootstrap, "SAYSO_STATE": folder}
            ) as worker:
                meter = cpu_meter({"process": worker.pid})
                return await watch(bootstrap, DECISIONS.name, PARTITIONS, count, meter, progress)
    finally:
        await tear_down(bootstrap)
