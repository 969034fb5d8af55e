"""What the demo says in the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from schemas.numbers import mask_text
from services.ledger.usage import UsageReport
from services.local.demo.checks import Check
from services.local.demo.fates import Fate
from services.local.demo.run import Ran
from services.operations.usage_report import SUMS, as_data, sum_rows
from services.terminal import color_word, table


class Report(NamedTuple):
    """All that was found out in the end."""

    ran: Ran
    used: UsageReport
    fates: list[Fate]
    mended: list[RenderableType]
    checks: list[Check]

    @property
    def ok(self) -> bool:
        return self.ran.settled and all(check.holds for check in self.checks)


def show(screen: Console, told: Report, state: Path) -> None:
    ran, used, found, mended, checked = told
    screen.print()
    columns = ("sender", "day", "kind", "state", "code")
    screen.print(table("Usage", (*columns, *SUMS), sum_rows(used, columns)))
    screen.print()
    _fates(screen, found)
    screen.print("\nStaff at work", style="bold")
    for line in mended:
        screen.print(line)
    screen.print()
    for check in checked:
        screen.print(
            Text.assemble(("✓ ", "green") if check.holds else ("✗ ", "bold red"), check.says)
        )
    if not ran.settled:
        screen.print(
            Text.assemble(
                ("✗ ", "bold red"), f"Not everything came to rest in time: {ran.tally.line()}."
            )
        )
    messages = ran.requests + ran.started - len(ran.staff.identities)
    beside = " before staff went to work" if ran.staff.identities else ""
    screen.print(
        f"{messages:,} messages in {ran.seconds:.1f} s, {messages / ran.seconds:,.0f} a second{beside}."
    )
    screen.print("\nLook further:", style="bold")
    for command in _commands(found, state):
        screen.print(f"  sayso {command} --state {state}", style="cyan")


def data(told: Report) -> dict[str, Any]:
    ran, used, found, _, checked = told
    return {
        "ok": told.ok,
        "requests": ran.requests,
        "started": ran.started,
        "seconds": round(ran.seconds, 2),
        "verdicts": ran.tally.verdicts,
        "states": ran.tally.states,
        "staff": ran.staff._asdict(),
        "usage": as_data(used)["rows"],
        "fates": [fate._asdict() for fate in found],
        "checks": [check._asdict() for check in checked],
    }


def _fates(screen: Console, found: list[Fate]) -> None:
    screen.print("One message of each fate", style="bold")
    for fate in found:
        others = f", and {fate.messages - 1:,} more like it" if fate.messages > 1 else ""
        code = "" if fate.code == fate.state else fate.code
        screen.print(
            Text.assemble(
                color_word(fate.state),
                f" {code}: " if code else ": ",
                (fate.message_id, "bold"),
                others,
            )
        )
        for words in (fate.why, f"Next: {fate.next_step}" if fate.next_step else ""):
            if words:
                screen.print(Padding(mask_text(words), (0, 0, 0, 4), expand=False))


def _commands(found: list[Fate], state: Path) -> list[str]:
    chosen = {fate.state: fate.message_id for fate in found}
    shown = [chosen[state] for state in ("undelivered", "rejected", "delivered") if state in chosen]
    lists = ("box outbox --attention", "usage --state-is undelivered", "senders list")
    return [*(f"explain {message_id}" for message_id in shown[:2]), *lists]
