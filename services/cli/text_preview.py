"""What `sayso send --preview` prints: would this text go, when, in which form and at what price."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from schemas.decision import Verdict
from schemas.numbers import mask_number
from services.operations.submission import Known
from services.operations.text_preview import TextPreview
from services.terminal import console, markup, print_json
from streams.reasons import OTHERWISE, format_duration, format_time

_KNOWN = {
    Known.SAME: "It was requested before, word for word: nothing new would be sent.",
    Known.ANOTHER: "Its message id was used for another text: it would become a dead letter.",
}


def print_text_preview(
    found: TextPreview, zone: ZoneInfo, *, as_json: bool, unmask: bool = False
) -> None:
    if as_json:
        print_json(_as_data(found, unmask))
        return
    screen = console()
    for line in _describe(found, zone, unmask):
        screen.print(markup("{}", line))


def _describe(found: TextPreview, zone: ZoneInfo, unmask: bool) -> list[str]:
    to = found.to if unmask or found.to is None else mask_number(found.to)
    lines = [f"To {to or 'nobody yet'}: {_say_when(found, zone)}."]
    if found.known in _KNOWN:
        lines.append(_KNOWN[found.known])
    lines += [f"  {one.rule}: {one.reason} → {one.next_step}" for one in found.findings]
    if found.asks_for_opt_in:
        lines.append("They would be asked to opt in.")
    if found.queue_seconds:
        queue = format_duration(timedelta(seconds=found.queue_seconds))
        lines.append(f"Texts that go before it at the sender take {queue} now.")
    plural = "" if found.segments == 1 else "s"
    price = "no price" if found.micros is None else f"{found.micros / 1e6:,.4f} {found.currency}"
    lines.append(f"{found.segments} segment{plural}, {price}. Nothing was sent.")
    facts = "; ".join(f"{one.what.replace('_', ' ')}: {one.says}" for one in found.rests_on)
    return [*lines, f"This rests on {facts}."]


def _say_when(found: TextPreview, zone: ZoneInfo) -> str:
    if found.verdict is Verdict.SEND:
        return f"it would be sent now, from {found.sender}"
    if found.departs_at is not None:
        return f"it would wait until {format_time(found.departs_at, zone)}, from {found.sender}"
    return f"it would {OTHERWISE[found.verdict]}"


def _as_data(found: TextPreview, unmask: bool) -> dict[str, Any]:
    return {
        "verdict": found.verdict.value,
        "findings": [one.model_dump(mode="json", exclude_none=True) for one in found.findings],
        "known": found.known.name.lower(),
        "to": found.to if unmask or found.to is None else mask_number(found.to),
        "sender": found.sender,
        "segments": found.segments,
        "departs_at": found.departs_at.isoformat() if found.departs_at else None,
        "queue_seconds": found.queue_seconds,
        "asks_for_opt_in": found.asks_for_opt_in,
        "price_micros": found.micros,
        "currency": found.currency,
        "rests_on": [one._asdict() for one in found.rests_on],
    }
