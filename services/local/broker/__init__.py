"""A real Apache Kafka broker, or several (KRaft), that starts and ends with a Sayso process."""

from services.kafka import BrokerError
from services.local.broker.cluster import EmbeddedCluster
from services.local.broker.embedded import EmbeddedBroker
from services.local.broker.state_folder import count_kept_brokers, find_running

__all__ = ["BrokerError", "EmbeddedBroker", "EmbeddedCluster", "count_kept_brokers", "find_running"]
