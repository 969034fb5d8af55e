"""Pause or resume a sender, and wait until dispatch reports it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from schemas.controls import Pause, Resume
from schemas.topics import DISPATCH_CONTROLS
from services.ledger import Ledger
from services.ledger.sender_overview import SenderOverview, find_last_control, list_senders
from services.operations.errors import InvalidRequest, OperationFailed
from services.operations.session import Session


class SenderChange(NamedTuple):
    """`changed` is False if the sender was paused, or running, already: nothing was published."""

    sender: SenderOverview
    changed: bool


async def set_paused(
    kafka: Session, ledger: Ledger, sender: str, paused: bool, by: str, now: datetime
) -> SenderChange:
    """Raises OperationError for an unknown sender, or if dispatch does not report it in time."""
    before = _find_sender(ledger, sender)
    last = find_last_control(ledger, sender)
    if _is_paused(before) is paused and (last is None or last.paused is paused):
        return SenderChange(before, changed=False)
    control = Pause if paused else Resume
    await kafka.publish(DISPATCH_CONTROLS, [control(sender=sender, by=by, at=now)])

    def find_change() -> SenderOverview | None:
        line = _find_sender(ledger, sender)
        return line if _is_paused(line) is paused else None

    after = await kafka.wait_for(ledger, find_change)
    if after is None:
        raise OperationFailed(
            "Asked for it, but dispatch has not said"
            f" that {sender} did {'pause' if paused else 'resume'}",
            "is its worker running? (sayso lag)",
        )
    return SenderChange(after, changed=True)


def describe_state(line: SenderOverview) -> str:
    """As in `paused by ann` or `running`."""
    by = line.status.paused_by if line.status else None
    return f"paused by {by}" if line.state == "paused" and by else line.state


def _find_sender(ledger: Ledger, sender: str) -> SenderOverview:
    """Raises InvalidRequest: a control for an unknown sender would wait for ever."""
    lines = {line.sender: line for line in list_senders(ledger)}
    if sender not in lines:
        known = (
            f"it is one of {', '.join(lines)}"
            if lines
            else "there are none yet: sayso senders apply FILE"
        )
        raise InvalidRequest(f"There is no sender {sender!r}", known)
    return lines[sender]


def _is_paused(line: SenderOverview) -> bool | None:
    """None while dispatch has not reported on this sender."""
    return None if line.status is None else line.state == "paused"
