"""All faults, by name."""

from __future__ import annotations

from typing import Final

from tests.faults.harness import (
    of_brokers,
    of_clocks,
    of_clusters,
    of_crashes,
    of_providers,
    of_workers,
)
from tests.faults.harness.fault import Fault

FAMILIES: Final = (of_crashes, of_workers, of_providers, of_clocks, of_brokers, of_clusters)
FAULTS: Final[dict[str, Fault]] = {
    fault.name: fault for family in FAMILIES for fault in family.FAULTS
}
