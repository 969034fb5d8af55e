"""A real Apache Kafka broker (KRaft, one node) that starts and ends with a Sayso process, and the topics on it."""

from services.broker.embedded import EmbeddedBroker
from services.broker.error import BrokerError
from services.broker.record import running

__all__ = ["BrokerError", "EmbeddedBroker", "running"]
