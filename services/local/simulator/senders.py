"""What Twilio keeps for each sender: a queue that drains at its pace, and the people who said STOP to it."""

from __future__ import annotations

import re

from services.local.simulator.script import Line, Script
from services.local.simulator.text import START, STOP, keyword

_SHORT_CODE = re.compile(r"[0-9]{3,8}")
_TOLL_FREE = re.compile(r"\+1(800|833|844|855|866|877|888)[0-9]{7}")


def default_pace(sender: str) -> float:
    """Segments per second: short code 100, toll-free 3, else 1."""
    if _SHORT_CODE.fullmatch(sender):
        return 100.0
    return 3.0 if _TOLL_FREE.fullmatch(sender) else 1.0


class SenderState:
    """The queue is a moment: when the last text in it will have left."""

    def __init__(self, sender: str, line: Line) -> None:
        self.pool = line.pool
        self.pace = line.pace or default_pace(sender)
        self.longest = line.queue
        self.drained_at = 0.0
        self.stopped: set[str] = set()
        short = bool(_SHORT_CODE.fullmatch(sender))
        self.keeps_stops = line.stop_list if line.stop_list is not None else not short
        """Standalone short codes have no automatic opt-out: theirs is the texting firm's own business."""
        self._starts = START - {"YES"} if _TOLL_FREE.fullmatch(sender) else START

    def hears(self, number: str, body: str) -> None:
        word = keyword(body)
        if self.keeps_stops and word in STOP:
            self.stopped.add(number)
        elif word in self._starts:
            self.stopped.discard(number)

    def is_full(self, now: float) -> bool:
        return self.drained_at - now > self.longest

    def queue(self, now: float, segments: int) -> float:
        """When a text of so many segments has left."""
        self.drained_at = max(now, self.drained_at) + segments / self.pace
        return self.drained_at


class Senders:
    def __init__(self, script: Script) -> None:
        self._script = script
        self._known: dict[str, SenderState] = {}

    def get(self, sender: str) -> SenderState | None:
        """None: not ours."""
        if sender not in self._known:
            line = self._script.line(sender)
            if line is None:
                return None
            self._known[sender] = SenderState(sender, line)
        return self._known[sender]
