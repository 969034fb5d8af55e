"""All faults, by name."""

from __future__ import annotations

from typing import Final

from tests.faults.harness import of_brokers, of_clocks, of_providers, of_workers
from tests.faults.harness.fault import Fault

FAULTS: Final[dict[str, Fault]] = {
    fault.name: fault for fault in (*of_providers.FAULTS, *of_workers.FAULTS, *of_clocks.FAULTS, *of_brokers.FAULTS)
}
