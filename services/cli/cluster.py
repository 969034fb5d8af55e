"""How topics are made where nobody said: small on the embedded broker, safe elsewhere."""

from __future__ import annotations

import os
from typing import NamedTuple

from services.broker.admin import admin

SAFE = 3
"""Replicas that a cluster gives a topic, if it has as many brokers."""


class Layout(NamedTuple):
    partitions: int
    replication: int


EMBEDDED = Layout(4, 1)


async def usual(bootstrap: str, *, embedded: bool) -> Layout:
    """SAYSO_PARTITIONS and SAYSO_REPLICATION where they are set.  Raises BrokerError."""
    layout = EMBEDDED if embedded else Layout(12, min(SAFE, await _brokers(bootstrap)))
    return Layout(_told("SAYSO_PARTITIONS") or layout.partitions, _told("SAYSO_REPLICATION") or layout.replication)


async def _brokers(bootstrap: str) -> int:
    async with admin(bootstrap) as client:
        return len((await client.describe_cluster())["brokers"])


def _told(name: str) -> int:
    told = os.environ.get(name, "")
    return int(told) if told.isdecimal() else 0
