"""How topics are made where nobody said: small on the embedded broker, safe elsewhere, and as those that are there."""

from __future__ import annotations

import os
from collections import Counter
from typing import NamedTuple

from schemas.topics import EVERY_TOPIC
from services.kafka.admin import admin_client
from services.kafka.topics import describe

SAFE = 3
"""Replicas that a cluster gives a topic, if it has as many brokers."""


class Layout(NamedTuple):
    partitions: int
    replication: int


EMBEDDED = Layout(1, 1)
"""One worker per processor runs there, and each partition costs it transactions and fetches of its own."""


async def choose_layout(bootstrap: str, *, embedded: bool, partitions: int | None = None) -> Layout:
    """`partitions`, or SAYSO_PARTITIONS and SAYSO_REPLICATION, where they are given.  Raises BrokerError."""
    layout = EMBEDDED if embedded else Layout(12, min(SAFE, await _brokers(bootstrap)))
    count = (
        partitions or _told("SAYSO_PARTITIONS") or await _existing(bootstrap) or layout.partitions
    )
    return Layout(count, _told("SAYSO_REPLICATION") or layout.replication)


async def _existing(bootstrap: str) -> int:
    """How many partitions most of our topics have, 0 where there are none.  A topic that a new version adds needs as
    many as the others: a processor's topics are partitioned alike."""
    several = [topic for topic in EVERY_TOPIC if not topic.single]
    counts = Counter(topic.partitions for topic in await describe(bootstrap, several))
    return counts.most_common(1)[0][0] if counts else 0


async def _brokers(bootstrap: str) -> int:
    async with admin_client(bootstrap) as client:
        return len((await client.describe_cluster())["brokers"])


def _told(name: str) -> int:
    told = os.environ.get(name, "")
    return int(told) if told.isdecimal() else 0
