"""Senders: publish them, say what is notable, pause or resume one and wait for dispatch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from schemas.controls import Pause, Resume
from schemas.sender import Sender
from schemas.topics import DISPATCH_CONTROLS, SENDERS
from services.ledger import Ledger
from services.ledger.sender_overview import SenderOverview, find_last_control, list_senders
from services.operations.errors import InvalidRequest, OperationFailed
from services.operations.session import Session
from streams.error_codes import lookup


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


SILENT: Final = timedelta(minutes=1)
"""A queue moves every second, and dispatch reports it: a worker that has not for so long does not
run."""


def list_remarks(line: SenderOverview, now: datetime) -> Iterator[str]:
    """What staff should know of a sender, a sentence each."""
    status = line.status
    if status is None:
        return
    if line.state == "paused":
        yield f"{line.sender} is {describe_state(line)}: sayso senders resume {line.sender}"
    error = status.last_error
    if line.state == "resting" and error:
        code = lookup(error.code)
        yield f"{line.sender} rests, for {error.code}: {code.title}. {code.next_step}"
    if status.later:
        yield f"{status.later:,} texts of {line.sender} wait for a time of their own."
    if line.state == "running" and line.segments and now - status.at > SILENT:
        yield (
            f"Dispatch has not reported on {line.sender} since {status.at:%H:%M:%S} UTC:"
            " is its worker running? (sayso lag)"
        )


def describe_sender(line: SenderOverview) -> dict[str, Any]:
    """Its status as dispatch published it, with the meaning of its last error."""
    status = line.status.model_dump(mode="json") if line.status else {}
    if error := status.get("last_error"):
        status["last_error"] = error | {"title": lookup(error["code"]).title}
    return status | {
        "sender": line.sender,
        "state": line.state,
        "pace": line.pace,
        "queued_messages": line.messages,
        "queued_segments": line.segments,
    }


async def publish_senders(kafka: Session, senders: Sequence[Sender]) -> None:
    """Workers follow at once.  Raises OperationFailed."""
    await kafka.publish(SENDERS, senders)
