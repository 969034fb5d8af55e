"""How each sender is doing, as dispatch last told."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from schemas.controls import Pause, Resume
from schemas.sender import Sender, SenderStatus
from services.ledger.ledger import Ledger


class SenderLine(NamedTuple):
    """`status` None: dispatch has not told of it yet, for it has sent nothing.  `settings` None: it has none."""

    sender: str
    settings: Sender | None
    status: SenderStatus | None

    @property
    def state(self) -> str:
        return self.status.state.value if self.status else "not used yet"

    @property
    def pace(self) -> float | None:
        """Segments per second."""
        if self.status is not None:
            return self.status.pace
        return self.settings.segments_per_second if self.settings else None

    @property
    def messages(self) -> int:
        """Queued, those that wait for a time of their own left out."""
        return sum(lane.messages for lane in self.status.queued) if self.status else 0

    @property
    def segments(self) -> int:
        return sum(lane.segments for lane in self.status.queued) if self.status else 0


def sender_lines(ledger: Ledger) -> list[SenderLine]:
    """Those of the settings and those that dispatch knows, by name."""
    settings = {
        row["identity"]: Sender.model_validate_json(row["json"])
        for row in ledger.rows("SELECT identity, json FROM senders")
    }
    told = {
        row["identity"]: SenderStatus.model_validate_json(row["json"])
        for row in ledger.rows("SELECT identity, json FROM sender_status")
    }
    return [
        SenderLine(name, settings.get(name), told.get(name)) for name in sorted({*settings, *told})
    ]


class Told(NamedTuple):
    """The last word that was given a sender."""

    paused: bool
    by: str
    at: datetime


def last_word(ledger: Ledger, sender: str) -> Told | None:
    """Whether it was told to pause or to go on, whatever dispatch has made of it yet."""
    found = ledger.rows(
        """SELECT type, json FROM controls WHERE sender = ? AND type IN ('pause', 'resume')
           ORDER BY part, off DESC LIMIT 1""",
        sender,
    )
    if not found:
        return None
    shape = Pause if found[0]["type"] == "pause" else Resume
    control = shape.model_validate_json(found[0]["json"])
    return Told(isinstance(control, Pause), control.by, control.at)
