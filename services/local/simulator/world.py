"""What all parts of one simulator share."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from services.local.simulator.callbacks import Callbacks
from services.local.simulator.chance import Chance
from services.local.simulator.clock import Clock
from services.local.simulator.faults import Faults
from services.local.simulator.journal import Journal
from services.local.simulator.script import Script
from services.local.simulator.senders import Senders
from services.local.simulator.store import Store


@dataclass(frozen=True)
class World:
    """`seen`: how often each number was texted and texted us, a former run's journal included.  `inbound_url`: where
    texts from people go; None: nowhere."""

    account: str
    script: Script
    chance: Chance
    clock: Clock
    senders: Senders
    store: Store
    callbacks: Callbacks
    journal: Journal
    faults: Faults
    seen: Counter[str]
    inbound_url: str | None = None

    def ordinal(self, event: str, number: str) -> int:
        """The how-manieth create for, or inbound from, this number this is."""
        self.seen[f"{event} {number}"] += 1
        return self.seen[f"{event} {number}"]
