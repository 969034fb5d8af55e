"""`sayso box to-read`: replies that may be opt-outs, and wait for somebody who reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from schemas.numbers import mask_number
from schemas.visible_text import ON_ONE_LINE
from services.cli.connection import read_ledger
from services.display_text import format_utc
from services.ledger.questions import OpenQuestion, list_questions
from services.masking import mask
from services.terminal import console, note, print_json, table
from streams.reasons import format_duration

COLUMNS: Final = (
    "age",
    "tenant",
    "number",
    "they wrote",
    "found by",
    "held",
    "opted out from (UTC)",
)
WORDS: Final = "To read: what they wrote may be an opt-out, and automatic texts wait"


def show(
    tenant: str | None,
    most: int,
    bootstrap: str | None,
    state: Path,
    as_json: bool,
    unmask: bool,
) -> None:
    """The oldest first.  Texts are shown: whoever answers must read them."""
    with read_ledger(bootstrap, state, tenant) as ledger:
        found = list_questions(ledger, tenant)
    now = datetime.now(UTC)
    if len(found) > most:
        note(f"There are {len(found):,}: these are the oldest {most:,}.")
    found = found[:most]
    if as_json:
        print_json([_as_data(one, now, unmask) for one in found])
        return
    console().print(f"{WORDS}.", style="bold")
    if not found:
        console().print("Nothing is in it.")
        return
    console().print(table(None, COLUMNS, [_cells(one, now, unmask) for one in found]))
    console().print("If they want no texts: sayso consent out. If they do: sayso consent go-on.")


def _as_data(one: OpenQuestion, now: datetime, unmask: bool) -> dict[str, Any]:
    plain = {"tenant": one.tenant, "number": one.number}
    shown: dict[str, Any] = plain if unmask else mask(plain)
    return shown | {
        "since": one.since.isoformat(),
        "age_seconds": round((now - one.since).total_seconds()),
        "opt_out_at": one.opt_out_at.isoformat(),
        "texts": list(one.texts),
        "read_by": one.read_by,
        "held": one.held,
    }


def _cells(one: OpenQuestion, now: datetime, unmask: bool) -> list[str]:
    return [
        format_duration(now - one.since),
        one.tenant,
        one.number if unmask else mask_number(one.number),
        " / ".join(one.texts).translate(ON_ONE_LINE) or "(words of a text to another tenant)",
        one.read_by,
        str(one.held),
        format_utc(one.opt_out_at.isoformat())[:16],
    ]
