"""What support needs to know of one message, gathered in one place."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from services.cli.codes import explained as code_page
from services.cli.explained import headline, steps
from services.cli.masking import mask_numbers, mask_texts
from services.ledger.explain import Event, Explained
from streams.error_codes import meaning

FORMAT = 1
"""Of the JSON; raised when a reader must be changed."""


def hidden(found: Explained, *, numbers: bool, texts: bool) -> Explained:
    """As it may leave the house: `numbers` and `texts` say which are shown in full."""

    def cleaned(value: Any) -> Any:
        value = value if texts else mask_texts(value)
        return value if numbers else mask_numbers(value)

    def told(events: tuple[Event, ...]) -> tuple[Event, ...]:
        return tuple(event._replace(data=cleaned(event.data)) for event in events)

    return found._replace(
        events=told(found.events), consent=told(found.consent), outcome=cleaned(found.outcome)
    )


def as_data(found: Explained, now: datetime) -> dict[str, Any]:
    """`found` has been hidden as far as it should be."""
    return {
        "format": FORMAT,
        "made_at": now.isoformat(timespec="seconds"),
        "tenant": found.tenant,
        "message_id": found.message_id,
        "now": found.outcome,
        "codes": [meaning(code).as_data() for code in codes(found)],
        "findings": [*_findings(found)],
        "attempts": [event.data | {"place": place(event)} for event in _of(found, "attempt")],
        "receipts": [event.data | {"place": place(event)} for event in _of(found, "receipt")],
        "timeline": [
            {"at": event.at, "what": event.what, "place": place(event), "data": event.data}
            for event in found.events
        ],
        "consent": [
            {"at": event.at, "place": place(event), "data": event.data} for event in found.consent
        ],
    }


def as_text(found: Explained) -> str:
    """For a person: what became of it, step by step, and what its codes mean."""
    lines = [headline(found, unmask=True).plain, ""]
    lines += [
        f"{at}  {what.plain}: {words.plain}" for _, at, what, words in steps(found, unmask=True)
    ]
    for code in codes(found):
        lines += ["", "-" * 72, str(code_page(meaning(code)))]
    return "\n".join(lines) + "\n"


def codes(found: Explained) -> list[str]:
    """That of the outcome first, then the others in the order in which they came."""
    said = [
        found.outcome or {},
        *(event.data for event in (*_of(found, "attempt"), *_of(found, "receipt"))),
    ]
    named = [data.get("error_code") or data.get("code") for data in said]
    return [*dict.fromkeys(str(code) for code in named if code)]


def place(event: Event) -> str:
    return f"{event.topic}@{event.partition}:{event.offset}"


def _of(found: Explained, what: str) -> Iterator[Event]:
    return (event for event in found.events if event.what == what)


def _findings(found: Explained) -> Iterator[dict[str, Any]]:
    for event in _of(found, "decision"):
        about = {"seq": event.data.get("seq"), "decided": event.data.get("verdict"), "at": event.at}
        for finding in event.data.get("findings", ()):
            yield finding | about | {"place": place(event)}
