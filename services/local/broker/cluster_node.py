"""What makes a broker one of several: who it is, where the others are, and how they replicate."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from services.ports import LOOPBACK

COPIES: Final = 3
IN_SYNC: Final = 2
"""Copies that hold a record before it is acknowledged: one broker of three may be away."""

_REPLICATED: Final = {
    "offsets.topic.replication.factor": str(COPIES),
    "transaction.state.log.replication.factor": str(COPIES),
    "transaction.state.log.min.isr": str(IN_SYNC),
    "share.coordinator.state.topic.replication.factor": str(COPIES),
    "share.coordinator.state.topic.min.isr": str(IN_SYNC),
    "default.replication.factor": str(COPIES),
    "min.insync.replicas": str(IN_SYNC),
    "unclean.leader.election.enable": "false",
    "controlled.shutdown.enable": "true",
    # How long a killed broker keeps its partitions. Kafka's default is 9 s; with less than 5 s
    # brokers that share two cores are taken for dead.
    "broker.session.timeout.ms": "5000",
    "broker.heartbeat.interval.ms": "1000",
}


class Node(NamedTuple):
    id: int
    is_broker: bool
    is_controller: bool
    cluster: str
    """The cluster's id, which its nodes share."""
    voters: str
    """All controllers, as `controller.quorum.voters` wants them."""
    replica_port: int
    """Where the other brokers fetch from it."""
    twin: Path
    """The log folder of another node: what is formatted there need not be formatted again."""
    advertised_port: int | None = None
    """The port that clients are told, if not the one that it listens on: a proxy's."""

    def properties(self, port: int, controller_port: int) -> Mapping[str, str]:
        """Its roles, listeners and replication. `port`: where clients find it."""
        clients, brokers, controllers = (
            f"{name}://{LOOPBACK}:{number}"
            for name, number in (
                ("CLIENTS", port),
                ("BROKERS", self.replica_port),
                ("CONTROLLER", controller_port),
            )
        )
        roles = {"broker": self.is_broker, "controller": self.is_controller}
        own = {
            "process.roles": ",".join(role for role, has in roles.items() if has),
            "node.id": str(self.id),
            "controller.quorum.voters": self.voters,
            "listener.security.protocol.map": (
                "CLIENTS:PLAINTEXT,BROKERS:PLAINTEXT,CONTROLLER:PLAINTEXT"
            ),
            **_REPLICATED,
        }
        if not self.is_broker:
            return own | {"listeners": controllers}
        advertised = f"CLIENTS://{LOOPBACK}:{self.advertised_port or port}"
        listening = (clients, brokers, controllers) if self.is_controller else (clients, brokers)
        return own | {
            "listeners": ",".join(listening),
            "advertised.listeners": f"{advertised},{brokers}",
            "inter.broker.listener.name": "BROKERS",
        }
