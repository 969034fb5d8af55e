"""The broker's `server.properties`: small, quick to start, on loopback only.

Paths are relative, as the broker runs in its own folder: a comma or a space in the state folder's name harms nobody."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from services.local.broker.ports import LOOPBACK

_ONE_NODE: Final = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "CLIENTS",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
}
_SMALL: Final = {
    "num.partitions": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "8",
    "share.coordinator.state.topic.num.partitions": "1",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
    "num.recovery.threads.per.data.dir": "2",
    "group.coordinator.threads": "1",
    "log.cleaner.dedupe.buffer.size": str(
        8 << 20
    ),  # the default takes 128 MiB of a 512 MiB heap at once
    "log.index.size.max.bytes": str(2 << 20),  # enough for a segment of 1 GiB
    "offsets.topic.segment.bytes": str(16 << 20),
    "transaction.state.log.segment.bytes": str(16 << 20),
}
_PROMPT: Final = {
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "1000",
}
"""Nobody need wait long for a dead worker, for its open transaction, nor (session) after a kill of the broker itself:
its next start is refused as a duplicate of the dead one until that one's session is over."""
_QUIET: Final = {
    "metadata.max.idle.interval.ms": "5000",  # by default an idle controller writes an empty record twice a second
}
_HOUSE: Final = {
    "auto.create.topics.enable": "false",
    "offsets.retention.minutes": str(int(timedelta(days=14) / timedelta(minutes=1))),
    "replica.fetch.max.bytes": str(
        8 << 20
    ),  # above the largest record a topic of ours allows (4 MiB)
}

_LISTS: Final = {"listeners", "advertised.listeners", "listener.security.protocol.map"}


def server_properties(
    *, port: int, controller_port: int, data: str, more: Mapping[str, str] = MappingProxyType({})
) -> Mapping[str, str]:
    """`data`: the log folder, relative to where the broker runs.  `more`: others beside ours; listeners are added."""
    places = {
        "listeners": f"CLIENTS://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"CLIENTS://{LOOPBACK}:{port}",
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        "log.dirs": data,
    }
    ours = _ONE_NODE | _SMALL | _PROMPT | _QUIET | _HOUSE | places
    added = {name: f"{ours[name]},{more[name]}" for name in _LISTS & more.keys()}
    return {**ours, **more, **added}


def written(properties: Mapping[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in properties.items())
