"""Processors as pure functions, and the runtime that runs them on Kafka."""
