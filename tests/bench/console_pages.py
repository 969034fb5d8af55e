"""How long each page of the console and each list of the API takes in a large ledger, drawn and
all: for somebody who may see everything, for a member of staff of one branch, for one of several
branches, and for a program.

`python -m tests.bench.console_pages FOLDER` prints all of them, and the CPU's time beside the
clock's: the first says how it would be with nothing else on the machine. A URL in place of the
folder names a ledger of `big_postgres`: there the CPU of the database's processes counts too, which
have to run on this machine."""

from __future__ import annotations

import argparse
import gc
import html
import re
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from starlette.testclient import TestClient

from services.console.accounts.users import Users
from services.console.api.keys import HIGHEST_RATE, ApiKeys
from services.console.api.scopes import Scope
from services.console.server import spare_collector
from services.console.viewer import Grant, Role
from services.ledger.ledger import FILE, Ledger
from services.operations.mailboxes import Tab
from tests.bench.big_ledger import BUSY, NOW, TENANTS, number_of
from tests.console.harness import Harness, console_on

CALLS: Final = 20
"""Of each page, after one that warms it up."""
TENANT: Final = TENANTS[0]
PAGES: Final = {
    "messages": (
        *(f"messages?box={box}" for box in Tab),
        "messages?box=outbox&state=held&kind=reminder",
        "messages?box=outbox&attention=1&branch=court",
        "messages?box=sentbox&code=30007",
        "messages?box=sentbox&since=2026-06-01&until=2026-06-07",
        "messages?box=sentbox&since=2026-06-01&kind=alert&state=undelivered",
        "messages?box=sentbox&person=p-000007",
        "messages?box=sentbox&case=case-00007",
        "messages?box=failed&branch=estate&until=2026-11-20",
    ),
    "search": (
        "messages?box=sentbox&search=hearing",
        "messages?box=sentbox&search=hearing+tuesday&kind=alert",
        "messages?box=sentbox&search=Ana+Rivera",
        "messages?box=sentbox&search=Marta",
        "messages?box=ready&search=ng",
        "messages?box=sentbox&search=5550042",
        "messages?box=sentbox&search=m-05",
    ),
    "inbox": ("inbox", "inbox?tab=mine", "inbox?tab=unassigned", "inbox?tab=maybe-stop"),
    "today": ("today", "today?day=2026-12-15", "today?part=sheet&ahead=1"),
    "cases": ("cases", "cases?show=all", "cases?q=rivera", "cases?q=zzzz&show=all"),
    "case": ("cases/case-00001",),
    "people": (
        "people",
        "people?q=rivera",
        "people?q=marta",
        "people?q=555",
        "people?q=ng",
        "people?q=zz",
        "people?q=m",
        "people?consent=pending",
        "people?consent=not-opted-in&q=son",
    ),
    "person": (f"people/p-{BUSY:06}",),
    "message": ("messages/m-0000200",),
    "usage": (
        "usage",
        "usage?by=day,branch,kind,state",
        "usage?from=2025-11-01&to=2026-11-29",
    ),
    "operations": ("operations",),
    "settings": ("settings",),
}
"""Below the tenant's address."""
API: Final = {
    "messages": (
        "messages",
        "messages?box=sentbox&needs_attention=true",
        "messages?error_code=30007",
        "messages?state=held&kind=reminder&branch=court",
        "messages?branch=court&branch=estate&since=2026-06-01&until=2026-06-07",
        f"messages?person_id=p-{BUSY:06}",
        f"messages?to=%2B{number_of(BUSY)[1:]}",
    ),
    "people": (
        "people",
        "people?search=rivera",
        "people?search=marta",
        "people?search=ng",
        "people?search=zz",
        "people?search=555",
        "people?reach=pending&branch=court&branch=estate",
    ),
    "cases": (
        "cases",
        "cases?search=rivera",
        "cases?search=zzzz&closed=true",
        "cases?case_type=appeal&branch=court",
        f"cases?person_id=p-{BUSY:06}",
    ),
    "threads": (
        "threads",
        "threads?waiting=true",
        "threads?search=rivera",
        "threads?search=5550042",
        "threads?branch=court&assigned_to=dana",
        f"threads/%2B{number_of(BUSY)[1:]}/entries",
    ),
}
"""Below the API's address."""


class Target(NamedTuple):
    ledger: Ledger
    page: str
    viewer: str
    client: TestClient
    path: str


class PageTiming(NamedTuple):
    page: str
    address: str
    viewer: str
    status: int
    p95_ms: float
    cpu_p95_ms: float


def measure_pages(ledger: Path | str, calls: int = CALLS, only: str = "") -> list[PageTiming]:
    """Over the ledger's file or the one at a URL, which stays as it is. `only`: part of a page or
    an address."""
    with tempfile.TemporaryDirectory(prefix="sayso-pages-") as folder:
        url = ledger if isinstance(ledger, str) else ""
        if isinstance(ledger, Path):
            (Path(folder) / FILE).symlink_to(ledger.resolve())
        with console_on(Path(folder), NOW, ledger_url=url) as house:
            spare_collector()
            targets = [one for one in _list_targets(house) if only in f"{one.page} {one.path}"]
            try:
                return [timing for one in targets for timing in _measure(one, calls)]
            finally:
                gc.unfreeze()


def _list_targets(house: Harness) -> Iterator[Target]:
    ledger = house.console.ledger
    viewers = {
        "everything": house.signed_in(Role.ADMIN, name="ada"),
        "a branch": house.signed_in(Role.STAFF, tenant=TENANT, branch="court", name="dana"),
        "three branches": house.signed_in(Role.STAFF, tenant=TENANT, name="sam"),
    }
    several = [Grant(TENANT, branch, Role.STAFF) for branch in ("court", "estate", "appeals")]
    Users(house.console.store).set_grants("sam", several)
    thread = f"threads/{house.app.state.tokens.write(TENANT, number_of(BUSY))}"
    for viewer, client in viewers.items():
        for page, addresses in (PAGES | {"thread": (thread,)}).items():
            for address in addresses:
                yield Target(ledger, page, viewer, client, f"/t/{TENANT}/{address}")
    program = house.anonymous()
    made = ApiKeys(house.state).add(TENANT, "", NOW, scopes=tuple(Scope), rate=HIGHEST_RATE)
    program.headers["Authorization"] = f"Bearer {made.written}"
    for page, addresses in API.items():
        for address in addresses:
            yield Target(ledger, f"api {page}", "program", program, f"/v1/{address}")
            longest = f"/v1/{address}{'&' if '?' in address else '?'}limit=500"
            yield Target(ledger, f"api {page}", "program", program, longest)


def _measure(target: Target, calls: int) -> Iterator[PageTiming]:
    """And the page after it, where there is one."""
    text = target.client.get(target.path).text
    yield _time(target, calls)
    if after := _find_next(text):
        viewer = f"{target.viewer}, next page"
        yield _time(target._replace(path=after, viewer=viewer), calls)


def _find_next(page: str) -> str | None:
    found = re.search(r'(?:href="|"next": ?")([^"]*[?&;](?:after|cursor)=[^"]+)"', page)
    return html.unescape(found[1]) if found else None


def _time(target: Target, calls: int) -> PageTiming:
    ledger, page, viewer, client, path = target
    status = client.get(path).status_code
    servers = list_servers(ledger)
    clock, cpu = [], []
    for _ in range(calls):
        began, spent = time.perf_counter(), _cpu_seconds(servers)
        client.get(path)
        cpu.append((_cpu_seconds(servers) - spent) * 1e3)
        clock.append((time.perf_counter() - began) * 1e3)
    shown = re.sub(r"threads/[^?/]*", "threads", re.sub("(after|cursor)=[^&]*", r"\1", path))
    return PageTiming(page, shown, viewer, status, _p95(clock), _p95(cpu))


def list_servers(ledger: Ledger) -> list[int]:
    """The processes that PostgreSQL has for the connections of a ledger that is read; a file has
    none."""
    idle = getattr(ledger._store, "_idle", ())
    return [one.connection.info.backend_pid for one in idle]


def _cpu_seconds(servers: Sequence[int]) -> float:
    """Of this process and of those; a tick of the clock would be too long."""
    spent = (Path(f"/proc/{pid}/schedstat").read_text().split()[0] for pid in servers)
    return time.process_time() + sum(map(int, spent)) / 1e9


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.console_pages", description=__doc__
    )
    words = "a folder of `python -m tests.bench.big_ledger`, or a URL of `big_postgres`"
    parser.add_argument("ledger", help=words)
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--only", default="", help="part of what is measured")
    given = parser.parse_args()
    ledger = given.ledger if "://" in given.ledger else Path(given.ledger) / FILE
    found = measure_pages(ledger, given.calls, given.only)
    for one in sorted(found, key=lambda one: -one.cpu_p95_ms):
        shown = f"{one.status}  {one.viewer}: {one.address}"
        print(f"{one.p95_ms:8.1f} {one.cpu_p95_ms:8.1f}  {shown}")


if __name__ == "__main__":
    main()
