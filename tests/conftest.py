"""Fixtures that every test may ask for, and in which order and beside what tests run."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

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

LONGEST_FIRST: Final = (
    "e2e",
    "faults",
    "cluster",
    "browser",
    "adapters",
    "simulation",
    "properties",
)
"""Folders in the order of their cost. Those before `simulation` start brokers and workers."""
COMPUTES: Final = 1
"""Which of the processes begins with what only computes."""
TOGETHER: Final = ("tests/browser/",)
"""Folders whose files share what is dear to start: one process has them all."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    folder = item.path.relative_to(item.config.rootpath).parts[1]
    return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FileScheduling | None:
    return FileScheduling(config, log) if config.getoption("dist") == "loadfile" else None


class FileScheduling(LoadFileScheduling):
    """`make test` runs three processes. A file is one process's own, so that what its tests share
    is started once. Two begin with what waits for brokers and workers, the other one at the end,
    with what only computes; so neither two cores nor the waiting tests wait for each other, and all
    end together."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return next((folder for folder in TOGETHER if file.startswith(folder)), file)

    def _assign_work_unit(self, node: WorkerController) -> None:
        if self.nodes.index(node) == COMPUTES:
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)
