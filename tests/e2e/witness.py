"""An independent reader: topics and the provider's journal, as any outsider would read them.

It imports nothing of the product, so that a mistake there cannot hide itself here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.local.simulator.journal import read_entries
from tests.read_committed import records

OWN = {
    "consent_ask",
    "stop_confirmation",
    "start_confirmation",
    "help_answer",
    "opt_in_hint",
}
"""Kinds of texts that nobody asks for: the product starts them."""
REPORT = "sms.usage-report"
MOVING = {"queued", "sending", "deferred", "accepted", "sent"}
RESTS_AFTER = 20
"""Seconds without a change after which a deferred text is not waited for: a rate limit ends in
fewer."""


async def read(bootstrap: str, *topics: str) -> dict[str, list[Any]]:
    """Every committed record of these topics, as JSON, partition by partition."""
    found: dict[str, list[Any]] = {topic: [] for topic in topics}
    for record in await records(bootstrap, *topics):
        with contextlib.suppress(ValueError, TypeError):  # a test may put poison there
            value = json.loads(record.value)
            if isinstance(value, dict):
                found[record.topic].append(value)
    return found


async def read_bytes(bootstrap: str, topic: str) -> list[bytes]:
    return [record.value for record in await records(bootstrap, topic)]


@dataclass
class Account:
    """What the outside can say of a run.  `requested`, `outcomes` and `taken` are of the texts
    that producers asked for; `own` are the outcomes of those that nobody did, and `own_taken`
    how often the provider took each."""

    requested: set[str]
    outcomes: dict[str, dict[str, Any]]
    usage: dict[str, int]
    taken: Counter[str]
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    own: dict[str, dict[str, Any]] = field(default_factory=dict)
    own_taken: Counter[str] = field(default_factory=Counter)

    @property
    def states(self) -> Counter[str]:
        return Counter(one["state"] for one in (*self.outcomes.values(), *self.own.values()))

    @property
    def complete(self) -> bool:
        """Each text is known, and the usage report counts each in the state that it is in."""
        return set(self.outcomes) == self.requested and self.usage == self.states

    @property
    def settled(self) -> bool:
        return self.complete and not MOVING & self.states.keys()

    @property
    def rests(self) -> bool:
        """What an earlier owner of a sender called without effect goes again in 15 minutes."""
        return self.complete and MOVING & self.states.keys() == {"deferred"}

    def in_state(self, *states: str) -> set[str]:
        return {name for name, one in self.outcomes.items() if one["state"] in states}


async def account(bootstrap: str, requested: set[str], journal: Path) -> Account:
    found = await read(bootstrap, "sms.outcomes", "sms.usage-report")
    outcomes: dict[str, dict[str, Any]] = {}
    for one in (one for one in found["sms.outcomes"] if "message_id" in one):
        before = outcomes.get(one["message_id"])
        if before is None or one["version"] > before["version"]:
            outcomes[one["message_id"]] = one
    cells: dict[tuple[Any, ...], tuple[str, int]] = {}
    for row in (row for row in found["sms.usage-report"] if "messages" in row):
        cell = tuple(
            row.get(name)
            for name in ("tenant", "branch", "sender", "period", "kind", "state", "error_code")
        )
        cells[cell] = row["state"], row["messages"]
    usage: Counter[str] = Counter()
    for state, messages in cells.values():
        usage[state] += messages
    taken, calls = provider(journal)
    own = {name: outcomes.pop(name) for name, one in [*outcomes.items()] if one["kind"] in OWN}
    own_taken = Counter({name: taken.pop(name) for name in own if name in taken})
    return Account(requested, outcomes, dict(+usage), taken, calls, own, own_taken)


Cell = tuple[str, str, str, str, str]
"""Tenant, sender, kind, state, code."""


def recount_usage(outcomes: Iterable[dict[str, Any]]) -> Counter[tuple[Cell, str]]:
    """Messages and segments by cell, from what became of each message."""
    found: Counter[tuple[Cell, str]] = Counter()
    for one in outcomes:
        cell = _cell(one)
        found[cell, "messages"] += 1
        found[cell, "segments"] += one.get("segments", 0)
    return +found


async def read_usage_report(bootstrap: str) -> Counter[tuple[Cell, str]]:
    """The same from the last value of each of the report's keys."""
    lines: dict[bytes, dict[str, Any]] = {
        r.key: json.loads(r.value) for r in await records(bootstrap, REPORT)
    }
    found: Counter[tuple[Cell, str]] = Counter()
    for line in lines.values():
        cell = _cell(line)
        found[cell, "messages"] += line["messages"]
        found[cell, "segments"] += line["segments"]
    return +found


def _cell(said: dict[str, Any]) -> Cell:
    tenant, sender, kind, state, code = (
        str(said.get(n) or "") for n in ("tenant", "sender", "kind", "state", "error_code")
    )
    return tenant, sender, kind, state, code


async def read_reconciliation(
    bootstrap: str, requested: int, patience: float = 60
) -> tuple[int, int]:
    """What the hours' books say was requested, and the sum of what they miss, regardless of its
    sign; once the first is as it should be and the second is nothing, else whatever it is after
    `patience` seconds."""
    loop = asyncio.get_running_loop()
    end = loop.time() + patience
    while True:
        rows = {
            record.key: json.loads(record.value)
            for record in await records(bootstrap, "sms.balance")
        }
        found = (
            sum(row["requested"] for row in rows.values()),
            sum(abs(row["residue"]) for row in rows.values()),
        )
        if found == (requested, 0) or loop.time() > end:
            return found
        await asyncio.sleep(1)


def provider(journal: Path) -> tuple[Counter[str], Counter[tuple[str, str]]]:
    """Texts it took by message id, and calls by (message id, attempt)."""
    taken: Counter[str] = Counter()
    calls: Counter[tuple[str, str]] = Counter()
    for entry in read_entries(journal):
        if entry["event"] == "create":
            asked = entry["callback"]
            calls[asked["message_id"], asked["attempt"]] += 1
            taken[asked["message_id"]] += entry["outcome"] == "taken"
    return taken, calls


async def wait_for_account(
    bootstrap: str, requested: set[str], journal: Path, patience: float = 120
) -> Account:
    """The account once nothing moves any more; after `patience` seconds, whatever it is then."""
    loop = asyncio.get_running_loop()
    end = loop.time() + patience
    before, changed_at = Counter[str](), loop.time()
    while True:
        now = await account(bootstrap, requested, journal)
        if now.states != before:
            before, changed_at = now.states, loop.time()
        rested = now.rests and loop.time() - changed_at > RESTS_AFTER
        if now.settled or rested or loop.time() > end:
            return now
        await asyncio.sleep(1)
