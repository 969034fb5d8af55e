"""Fixtures that every test may ask for, and which tests may run beside which."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import settings

from tests.broker_fixtures import (
    bootstrap,
    cleared,
    empty_broker,
    fresh_cluster,
    hurtable_broker,
    make_topic,
    pytest_report_header,
)

__all__ = [
    "bootstrap",
    "cleared",
    "empty_broker",
    "fresh_cluster",
    "hurtable_broker",
    "make_topic",
    "pytest_report_header",
]

settings.register_profile("sayso", deadline=None)
settings.load_profile("sayso")
"""An example may take as long as it takes: how long that is says how busy the machine is."""

PURE: Final = ("core", "properties", "contracts", "simulation", "console", "client")
"""Folders whose tests start no house and measure no time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With two processes (`make test`) one of them has all that starts brokers and workers, one
    test after another, and the other the pure ones: a house is not hurt by another one beside
    it."""
    for item in items:
        if item.path.relative_to(item.config.rootpath).parts[1] not in PURE:
            item.add_marker(pytest.mark.xdist_group("house"))
