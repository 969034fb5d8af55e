"""What all parts of one simulator share."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from services.providers.simulator.callbacks import Callbacks
from services.providers.simulator.chance import Chance
from services.providers.simulator.clock import Clock
from services.providers.simulator.faults import Faults
from services.providers.simulator.journal import Journal
from services.providers.simulator.script import Script
from services.providers.simulator.senders import Senders
from services.providers.simulator.store import Store


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
