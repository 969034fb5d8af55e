"""A real Apache Kafka broker (KRaft, one node) that starts and ends with a Sayso process, and the topics on it."""

from services.kafka.errors import BrokerError
from services.local.broker.embedded import EmbeddedBroker
from services.local.broker.record import running

__all__ = ["BrokerError", "EmbeddedBroker", "running"]
