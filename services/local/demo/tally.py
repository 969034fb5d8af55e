"""What the demo shows while it runs: counts from the ledger."""

from __future__ import annotations

from typing import NamedTuple

from rich.table import Table

from services.ledger import Ledger
from services.ledger.usage import count_by_state, count_by_verdict, count_requested
from services.terminal import table
from streams.lifecycle import STATE_INFO, Group, State

_GONE = [state for state, meaning in STATE_INFO.items() if meaning.group is Group.OUT]
_ARRIVED = (State.DELIVERED, State.READ)
_FAILED = (State.FAILED, State.UNDELIVERED, State.REFUSED)


class Tally(NamedTuple):
    requested: int
    verdicts: dict[str, int]
    states: dict[str, int]

    @property
    def lag(self) -> int:
        """Asked for and not yet judged."""
        return self.requested - sum(self.verdicts.values())

    @property
    def sent(self) -> int:
        return self._in(*_GONE)

    @property
    def moving(self) -> int:
        """Not at rest: more is expected soon.  Held messages wait for somebody, and stay."""
        known = [
            state for state, meaning in STATE_INFO.items() if meaning.final or state is State.HELD
        ]
        return self.requested - self._in(*known)

    def _in(self, *states: State) -> int:
        return sum(self.states.get(state, 0) for state in states)

    def line(self) -> str:
        verdicts = (
            ", ".join(f"{count} {verdict}" for verdict, count in self.verdicts.items()) or "none"
        )
        return (
            f"{self.requested} requests; decisions: {verdicts}; {self.sent} sent, {self._in(*_ARRIVED)} delivered, "
            f"{self._in(*_FAILED)} failed; lag {self.lag}"
        )

    def table(self) -> Table:
        names = (
            "requests#",
            "send#",
            "hold#",
            "reject#",
            "expire#",
            "sent#",
            "delivered#",
            "failed#",
            "lag#",
        )
        counts = [self.verdicts.get(verdict, 0) for verdict in ("send", "hold", "reject", "expire")]
        row = (
            self.requested,
            *counts,
            self.sent,
            self._in(*_ARRIVED),
            self._in(*_FAILED),
            self.lag,
        )
        return table(None, names, [row])


def tally(ledger: Ledger, tenant: str) -> Tally:
    return Tally(
        count_requested(ledger, tenant),
        count_by_verdict(ledger, tenant),
        count_by_state(ledger, tenant),
    )
