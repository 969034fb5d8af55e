"""Apache Kafka's official image under testcontainers, on a loopback port that is chosen
beforehand.

testcontainers' own Kafka expects another firm's image; and a port that the daemon chose would
change over a restart, while the broker has told its clients the old one."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from typing import Final

import docker
import docker.constants
import docker.errors
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from services.ports import LOOPBACK, choose_port

IMAGE: Final = "apache/kafka:4.1.1"
_INSIDE: Final = 9092

_SETTINGS: Final = {
    "KAFKA_NODE_ID": "1",
    "KAFKA_PROCESS_ROLES": "broker,controller",
    "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
    "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
    "KAFKA_LISTENERS": f"INTERNAL://:19092,CONTROLLER://:9093,HOST://:{_INSIDE}",
    "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT,HOST:PLAINTEXT",
    "KAFKA_INTER_BROKER_LISTENER_NAME": "INTERNAL",
    "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
    "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR": "1",
    "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR": "1",
    "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "4",
    "KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS": "8",
    "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
    "KAFKA_TRANSACTION_ABORT_TIMED_OUT_TRANSACTION_CLEANUP_INTERVAL_MS": "1000",
    "KAFKA_BROKER_SESSION_TIMEOUT_MS": "3000",
    "KAFKA_JVM_PERFORMANCE_OPTS": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
    "KAFKA_HEAP_OPTS": "-Xmx512m",
    "KAFKA_BROKER_HEARTBEAT_INTERVAL_MS": "500",
}


def obtainable() -> bool:
    """Whether a daemon answers that has or can fetch what we need (the reaper is testcontainers'
    own)."""
    if not _daemon_listens():
        return False
    needed = (
        [IMAGE]
        if testcontainers_config.ryuk_disabled
        else [IMAGE, testcontainers_config.ryuk_image]
    )
    try:
        with closing(docker.from_env(timeout=120)) as client:
            for image in needed:
                client.images.list(image) or client.images.pull(image)
    except (docker.errors.DockerException, OSError):
        return False
    return True


def _daemon_listens() -> bool:
    """The SDK leaves its socket open where nobody answers, so knock first."""
    where = os.environ.get("DOCKER_HOST") or docker.constants.DEFAULT_UNIX_SOCKET.replace(
        "http+", ""
    )
    if not where.startswith("unix://"):
        return True
    with socket.socket(socket.AF_UNIX) as knock:
        return knock.connect_ex(where.removeprefix("unix://")) == 0


class ApacheKafkaContainer(DockerContainer):
    def __init__(self) -> None:
        super().__init__(IMAGE)
        port = choose_port()
        self.bootstrap = f"{LOOPBACK}:{port}"
        self.with_kwargs(
            user="root"
        )  # with read-only configuration files in the image nobody else could set it up
        self.ports[f"{_INSIDE}/tcp"] = (
            LOOPBACK,
            port,
        )  # with_bind_ports would publish it on every address
        advertised = f"INTERNAL://localhost:19092,HOST://{self.bootstrap}"
        self.with_envs(**_SETTINGS, KAFKA_ADVERTISED_LISTENERS=advertised)
        self.waiting_for(LogMessageWaitStrategy("Kafka Server started").with_startup_timeout(120))
