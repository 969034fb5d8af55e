"""What the demo shows while it runs: counts from the ledger."""

from __future__ import annotations

from typing import Final, NamedTuple

from rich.table import Table

from services.ledger import Ledger
from services.ledger.usage import count_by_state, count_by_verdict, count_requested
from services.terminal import table
from streams.lifecycle import STATE_INFO, Group, State

_OUT: Final = [state for state, meaning in STATE_INFO.items() if meaning.group is Group.OUT]
_ARRIVED: Final = (State.DELIVERED, State.READ)
_FAILED: Final = (State.FAILED, State.UNDELIVERED, State.REFUSED)
AT_REST: Final = [
    state for state, meaning in STATE_INFO.items() if meaning.final or state is State.HELD
]
"""Held messages wait for somebody, and stay."""


class Counters(NamedTuple):
    requested: int
    verdicts: dict[str, int]
    states: dict[str, int]

    @property
    def lag(self) -> int:
        """Requested and not yet decided."""
        return self.requested - sum(self.verdicts.values())

    @property
    def sent(self) -> int:
        return self._count(*_OUT)

    @property
    def moving(self) -> int:
        """Not at rest: more is expected soon."""
        return self.requested - self._count(*AT_REST)

    def _count(self, *states: State) -> int:
        return sum(self.states.get(state, 0) for state in states)

    def line(self) -> str:
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in self.verdicts.items())
        return (
            f"{self.requested} requests; decisions: {verdicts or 'none'}; {self.sent} sent,"
            f" {self._count(*_ARRIVED)} delivered, {self._count(*_FAILED)} failed; lag {self.lag}"
        )

    def table(self) -> Table:
        verdicts = ("send", "hold", "reject", "expire")
        counts = {
            "requests": self.requested,
            **{verdict: self.verdicts.get(verdict, 0) for verdict in verdicts},
            "sent": self.sent,
            "delivered": self._count(*_ARRIVED),
            "failed": self._count(*_FAILED),
            "lag": self.lag,
        }
        return table(None, tuple(f"{name}#" for name in counts), [tuple(counts.values())])


def read_counters(ledger: Ledger, tenant: str) -> Counters:
    return Counters(
        count_requested(ledger, tenant),
        count_by_verdict(ledger, tenant),
        count_by_state(ledger, tenant),
    )
