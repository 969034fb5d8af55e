"""A real Apache Kafka broker (KRaft, one node) that starts and ends with a Sayso process."""

from services.kafka import BrokerError
from services.local.broker.embedded import EmbeddedBroker
from services.local.broker.state_folder import find_running

__all__ = ["BrokerError", "EmbeddedBroker", "find_running"]
