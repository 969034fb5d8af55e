"""Fixtures that every test may ask for."""

from tests.broker_fixtures import bootstrap, fresh_cluster, hurtable_broker, make_topic, pytest_report_header

__all__ = ["bootstrap", "fresh_cluster", "hurtable_broker", "make_topic", "pytest_report_header"]
