"""How long each page of the console takes in a large ledger, drawn and all: for somebody who may
see everything, and for a member of staff of one branch.

`python -m tests.bench.console_pages FOLDER` prints all of them, and the CPU's time beside the
clock's: the first says how it would be with nothing else on the machine."""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from starlette.testclient import TestClient

from services.console.viewer import Role
from services.ledger.ledger import FILE
from tests.bench.big_ledger import BUSY, NOW, TENANTS, number_of
from tests.console.harness import Harness, console_on

CALLS: Final = 20
"""Of each page, after one that warms it up."""
TENANT: Final = TENANTS[0]
PAGES: Final = {
    "messages": ("messages", "messages?box=outbox", "messages?box=sentbox", "messages?box=failed"),
    "search": ("messages?box=sentbox&q=hearing", "messages?box=sentbox&q=Ana+Rivera"),
    "inbox": ("inbox", "inbox?tab=mine", "inbox?tab=unassigned", "inbox?tab=maybe-stop"),
    "today": ("today",),
    "cases": ("cases", "cases?show=all", "cases?q=rivera", "cases?q=zzzz&show=all"),
    "case": ("cases/case-00001",),
    "people": ("people", "people?q=rivera", "people?q=555", "people?consent=pending"),
    "person": (f"people/p-{BUSY:06}",),
    "usage": ("usage",),
    "operations": ("operations",),
    "settings": ("settings",),
}
"""Below the tenant's address."""


class PageTiming(NamedTuple):
    page: str
    address: str
    viewer: str
    status: int
    p95_ms: float
    cpu_p95_ms: float


def measure_pages(file: Path, calls: int = CALLS) -> list[PageTiming]:
    """Over the ledger's file, which stays as it is."""
    with tempfile.TemporaryDirectory(prefix="sayso-pages-") as folder:
        (Path(folder) / FILE).symlink_to(file.resolve())
        with console_on(Path(folder), NOW) as house:
            return list(_measure_all(house, calls))


def _measure_all(house: Harness, calls: int) -> Iterator[PageTiming]:
    viewers = {
        "everything": house.signed_in(Role.ADMIN, name="ada"),
        "a branch": house.signed_in(Role.STAFF, tenant=TENANT, branch="court", name="dana"),
    }
    thread = f"threads/{house.app.state.tokens.write(TENANT, number_of(BUSY))}"
    for viewer, client in viewers.items():
        for page, addresses in (PAGES | {"thread": (thread,)}).items():
            for address in addresses:
                yield _measure(client, page, address, viewer, calls)


def _measure(client: TestClient, page: str, address: str, viewer: str, calls: int) -> PageTiming:
    path = f"/t/{TENANT}/{address}"
    status = client.get(path).status_code
    clock, cpu = [], []
    for _ in range(calls):
        began, spent = time.perf_counter(), time.process_time()
        client.get(path)
        cpu.append((time.process_time() - spent) * 1e3)
        clock.append((time.perf_counter() - began) * 1e3)
    shown = "thread" if page == "thread" else address
    return PageTiming(page, shown, viewer, status, _p95(clock), _p95(cpu))


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.console_pages", description=__doc__
    )
    parser.add_argument("folder", type=Path, help="of `python -m tests.bench.big_ledger`")
    parser.add_argument("--calls", type=int, default=CALLS)
    given = parser.parse_args()
    found = measure_pages(given.folder / FILE, given.calls)
    for one in sorted(found, key=lambda one: -one.cpu_p95_ms):
        words = f"{one.status}  {one.viewer}: {one.address}"
        print(f"{one.p95_ms:8.1f} {one.cpu_p95_ms:8.1f}  {words}")


if __name__ == "__main__":
    main()
