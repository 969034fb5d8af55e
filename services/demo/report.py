"""What the demo says in the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from services.cli.masking import mask_text
from services.cli.screen import coloured, table
from services.cli.usage import as_data, as_table
from services.demo.checks import Check
from services.demo.fates import Fate
from services.demo.run import Ran
from services.ledger.usage import Usage


def show(screen: Console, ran: Ran, used: Usage, found: list[Fate], checked: list[Check], state: Path) -> None:
    screen.print()
    screen.print(as_table(used))
    screen.print()
    screen.print(_fates(found))
    screen.print()
    for check in checked:
        screen.print(Text.assemble(("✓ ", "green") if check.holds else ("✗ ", "bold red"), check.says))
    if not ran.settled:
        screen.print(Text.assemble(("✗ ", "bold red"), f"Not everything came to rest in time: {ran.tally.line()}."))
    screen.print(f"{ran.requests:,} messages in {ran.seconds:.1f} s, {ran.requests / ran.seconds:,.0f} a second.")
    screen.print("\nLook further:", style="bold")
    for command in _commands(found, state):
        screen.print(f"  sayso {command} --state {state}", style="cyan")


def data(ran: Ran, used: Usage, found: list[Fate], checked: list[Check]) -> dict[str, Any]:
    return {
        "ok": ran.settled and all(check.holds for check in checked),
        "requests": ran.requests,
        "seconds": round(ran.seconds, 2),
        "verdicts": ran.tally.verdicts,
        "states": ran.tally.states,
        "usage": as_data(used)["rows"],
        "fates": [fate._asdict() for fate in found],
        "checks": [check._asdict() for check in checked],
    }


def _fates(found: list[Fate]) -> Any:
    rows = [
        (coloured(fate.state), fate.code, fate.messages, fate.message_id, *map(mask_text, (fate.why, fate.next_step)))
        for fate in found
    ]
    names = ("fate", "because of", "like it#", "for example", "why", "next step")
    return table("One message of each fate", names, rows)


def _commands(found: list[Fate], state: Path) -> list[str]:
    chosen = {fate.state: fate.message_id for fate in found}
    shown = [chosen[state] for state in ("undelivered", "rejected", "delivered") if state in chosen]
    return [*(f"explain {message_id}" for message_id in shown[:2]), "usage --state-is undelivered", "senders list"]
