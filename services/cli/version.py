"""`sayso --version`: which Sayso, on which Python, with which Kafka in its broker."""

from __future__ import annotations

import platform
from importlib import metadata

from services.local.broker import jars


def describe_version() -> str:
    try:
        sayso = metadata.version("sayso")
    except metadata.PackageNotFoundError:  # run from a source tree that nothing was installed from
        sayso = "(not installed)"
    broker = ("org.apache.kafka", "kafka_2.13")
    kafka = next(jar.version for jar in jars.read_lock() if (jar.group, jar.artifact) == broker)
    return (
        f"sayso {sayso}, Python {platform.python_version()}, embedded broker Apache Kafka {kafka}"
    )
