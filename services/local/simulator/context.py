"""What all parts of one simulator share, with what Twilio keeps for each sender."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final

from services.local.simulator.callbacks import Callbacks
from services.local.simulator.determinism import Clock, SeededRandom
from services.local.simulator.faults import Faults
from services.local.simulator.journal import Journal
from services.local.simulator.messages import MessageStore
from services.local.simulator.script import Script, SenderConfig

_SHORT_CODE: Final = re.compile(r"[0-9]{3,8}")
_TOLL_FREE: Final = re.compile(r"\+1(800|833|844|855|866|877|888)[0-9]{7}")

STOP_WORDS: Final = frozenset(
    {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
)
START_WORDS: Final = frozenset({"START", "YES", "UNSTOP"})
"""Twilio's default words: the whole text, in any case."""


class SenderState:
    """A queue that drains at the sender's pace, and the recipients who said STOP to it."""

    def __init__(self, address: str, config: SenderConfig) -> None:
        self.pool = config.pool
        self.pace = config.pace or default_pace(address)
        self.longest = config.queue
        self.drained_at = 0.0
        """When the last text in the queue will have left."""
        self.stopped: set[str] = set()
        is_short_code = bool(_SHORT_CODE.fullmatch(address))
        self.keeps_stops = config.stop_list if config.stop_list is not None else not is_short_code
        """A standalone short code has no automatic opt-out: its owner handles STOP."""
        is_toll_free = bool(_TOLL_FREE.fullmatch(address))
        self._start_words = START_WORDS - {"YES"} if is_toll_free else START_WORDS

    def receive(self, number: str, body: str) -> None:
        """Apply a keyword to the stop list."""
        word = body.strip().upper()
        if self.keeps_stops and word in STOP_WORDS:
            self.stopped.add(number)
        elif word in self._start_words:
            self.stopped.discard(number)

    def is_full(self, now: float) -> bool:
        return self.drained_at - now > self.longest

    def queue(self, now: float, segments: int) -> float:
        """Queue a text; returns when it will have left."""
        self.drained_at = max(now, self.drained_at) + segments / self.pace
        return self.drained_at


def default_pace(address: str) -> float:
    """Segments per second: short code 100, toll-free 3, else 1."""
    if _SHORT_CODE.fullmatch(address):
        return 100.0
    return 3.0 if _TOLL_FREE.fullmatch(address) else 1.0


class Senders:
    def __init__(self, script: Script) -> None:
        self._script = script
        self._states: dict[str, SenderState] = {}

    def get(self, address: str) -> SenderState | None:
        """None: not a sender of our account."""
        if address not in self._states:
            config = self._script.sender(address)
            if config is None:
                return None
            self._states[address] = SenderState(address, config)
        return self._states[address]


@dataclass(frozen=True)
class Context:
    account: str
    script: Script
    random: SeededRandom
    clock: Clock
    senders: Senders
    messages: MessageStore
    callbacks: Callbacks
    journal: Journal
    faults: Faults
    counts: Counter[str]
    """How often each number was texted and texted us, with the runs of a continued journal."""
    inbound_url: str | None = None
    """Where texts from recipients are posted. None: nowhere."""

    def next_ordinal(self, event: str, number: str) -> int:
        """Counts the create calls for this number, or the inbound texts from it, from 1."""
        key = f"{event} {number}"
        self.counts[key] += 1
        return self.counts[key]
