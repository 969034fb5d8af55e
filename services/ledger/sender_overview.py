"""Every sender: settings, queue as dispatch published it last, and whether replies to it arrive."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from schemas.controls import Pause, Resume
from schemas.sender import Sender, SenderStatus
from schemas.topics import SENDERS
from services.ledger.ledger import Ledger
from streams.lifecycle import Group, states_of


class SenderOverview(NamedTuple):
    sender: str
    settings: Sender | None
    """None: dispatch knows the sender, but it has no settings."""
    status: SenderStatus | None
    """None: the sender has sent nothing yet."""

    def serves(self, tenant: str) -> bool:
        """By its settings."""
        return self.settings is not None and tenant in self.settings.tenants

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
        """Messages in the queue, without those that wait for a time of their own."""
        return sum(depth.messages for depth in self.status.queued) if self.status else 0

    @property
    def segments(self) -> int:
        return sum(depth.segments for depth in self.status.queued) if self.status else 0


def list_senders(ledger: Ledger) -> list[SenderOverview]:
    """The senders of the settings and those that dispatch knows, by name."""
    settings = {
        row["identity"]: SENDERS.decode(row["json"].encode())
        for row in ledger.rows("SELECT identity, json FROM senders")
    }
    statuses = {
        row["identity"]: SenderStatus.model_validate_json(row["json"])
        for row in ledger.rows("SELECT identity, json FROM sender_status")
    }
    return [
        SenderOverview(name, settings.get(name), statuses.get(name))
        for name in sorted({*settings, *statuses})
    ]


class LastControl(NamedTuple):
    """The last Pause or Resume of a sender, whether dispatch has applied it or not."""

    paused: bool
    by: str
    at: datetime


def find_last_control(ledger: Ledger, sender: str) -> LastControl | None:
    sql = """SELECT type, json FROM controls WHERE sender = ? AND type IN ('pause', 'resume')
        ORDER BY part, off DESC LIMIT 1"""
    found = ledger.rows(sql, sender)
    if not found:
        return None
    kind = Pause if found[0]["type"] == "pause" else Resume
    control = kind.model_validate_json(found[0]["json"])
    return LastControl(isinstance(control, Pause), control.by, control.at)


# Inbound health: whether replies to a sender arrive.

SILENT_AFTER: Final = 50
"""Texts. Of so many recipients, somebody replies STOP, START or thanks (a rule of thumb)."""


class InboundHealth(NamedTuple):
    sender: str
    texted: int
    heard: int
    """Inbound texts."""
    last: str | None
    """When the last one arrived, RFC 3339."""
    sound: bool
    """False: somebody has to look into it."""
    says: str
    """What is known, and what to do."""


def check_inbound(ledger: Ledger) -> list[InboundHealth]:
    """Every sender of the settings, by the texts that went out and came in."""
    out = ", ".join(f"'{state}'" for state in states_of(Group.OUT))
    outbound_sql = (
        f"SELECT sender, sum(count) AS n FROM facets WHERE state IN ({out}) GROUP BY sender"
    )
    inbound_sql = """SELECT sender, count(*) AS n, max(json_extract(json, '$.received_at')) AS last
        FROM inbound GROUP BY sender"""
    outbound = {row["sender"]: row["n"] for row in ledger.rows(outbound_sql)}
    inbound = {row["sender"]: (row["n"], row["last"]) for row in ledger.rows(inbound_sql)}
    found = []
    for row in ledger.rows("SELECT json FROM senders ORDER BY identity"):
        sender = SENDERS.decode(row["json"].encode())
        texted = outbound.get(sender.sender, 0)
        count, last = inbound.get(sender.sender, (0, None))
        found.append(
            InboundHealth(sender.sender, texted, count, last, *_assess(sender, texted, count))
        )
    return found


def _assess(sender: Sender, texted: int, inbound: int) -> tuple[bool, str]:
    if inbound:
        return True, "answers arrive"
    if not sender.hears:
        return (
            False,
            (
                "set up as deaf: nothing is sent from it; point its inbound webhook at Sayso, "
                "then hears: true"
            ),
        )
    if texted >= SILENT_AFTER:
        return (
            False,
            f"{texted} texts and not one answer: text it yourself, and look at its inbound webhook",
        )
    return True, "not heard yet: text it yourself once"
