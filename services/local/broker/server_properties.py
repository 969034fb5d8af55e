"""The broker's `server.properties`: small, quick to start, on loopback only.

Paths are relative, because the broker runs in its own folder. So a comma or a space in the name of
the state folder does no harm.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

from services.local.broker.cluster_node import Node
from services.ports import LOOPBACK

SINGLE: Final = 1
"""The id of a broker that is the only one."""
_ONE_NODE: Final = {
    "process.roles": "broker,controller",
    "node.id": str(SINGLE),
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
    # the default takes 128 MiB of a 512 MiB heap at once
    "log.cleaner.dedupe.buffer.size": str(8 << 20),
    # enough for a segment of 1 GiB
    "log.index.size.max.bytes": str(2 << 20),
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
"""So that nobody waits long for a dead worker, for its open transaction, or for a killed broker.

After a kill of the broker, its next start is refused as a duplicate until the old session is over.
"""
_QUIET: Final = {
    # by default an idle controller writes an empty record twice a second
    "metadata.max.idle.interval.ms": "5000",
}
_SAYSO: Final = {
    "auto.create.topics.enable": "false",
    "offsets.retention.minutes": str(int(timedelta(days=14) / timedelta(minutes=1))),
    # above the largest record that one of our topics allows (4 MiB)
    "replica.fetch.max.bytes": str(8 << 20),
}

_LISTS: Final = {"listeners", "advertised.listeners", "listener.security.protocol.map"}
"""Properties of which the caller's value is appended to ours instead of replacing it."""


def write_config(
    home: Path, *, port: int, controller_port: int, more: Mapping[str, str], node: Node | None
) -> None:
    """Write what the broker reads at its start. `more`: Kafka properties beside ours. `node`: which
    one of a cluster it is."""
    shutil.copyfile(Path(__file__).with_name("log4j2.properties"), home / "log4j2.properties")
    for file, data in (("server.properties", "data"), ("format.properties", "data.new")):
        properties = _server_properties(port, controller_port, data, more, node)
        lines = "".join(f"{name}={value}\n" for name, value in properties.items())
        (home / file).write_text(lines)


def _server_properties(
    port: int, controller_port: int, data: str, more: Mapping[str, str], node: Node | None
) -> Mapping[str, str]:
    """`data`: the log folder, relative to where the broker runs."""
    addresses = {
        "listeners": f"CLIENTS://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"CLIENTS://{LOOPBACK}:{port}",
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        "log.dirs": data,
    }
    ours = _ONE_NODE | _SMALL | _PROMPT | _QUIET | _SAYSO | addresses
    if node:
        ours = ours | dict(node.properties(port, controller_port))
        if not node.is_broker:  # it would have to listen where it says that brokers do
            del ours["advertised.listeners"], ours["inter.broker.listener.name"]
    appended = {name: f"{ours[name]},{more[name]}" for name in _LISTS & more.keys()}
    return {**ours, **more, **appended}
