"""When a delivery that failed is tried again, and when an endpoint is taken for dead.  Pure.

Theory of operation

The pauses of a delivery are counted by its failures and by nothing else.  So a pause of the
endpoint, or a night in which our process was down, takes nothing away from the three days."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

FIRST_PAUSE: Final = 5
"""Seconds after the first failure."""
GROWTH: Final = 3
LONGEST_PAUSE: Final = 27_000
"""Seconds: seven and a half hours."""
RETRIES: Final = 17
"""With the first attempt, a delivery is tried 18 times."""
JITTER: Final = 0.2
"""The share by which a pause may be shorter or longer, so that many deliveries that failed in one
moment do not come back in one moment."""

PAUSES: Final[tuple[int, ...]] = tuple(
    min(FIRST_PAUSE * GROWTH**n, LONGEST_PAUSE) for n in range(RETRIES)
)
"""Seconds before each retry, without jitter: three days in all."""

DEAD_AFTER: Final = timedelta(hours=24)
"""An endpoint is paused when nothing has succeeded for so long."""
DEAD_FAILURES: Final = 5
"""And at least so many attempts have failed: one attempt before and one after a day in which our
own process was down would prove nothing."""


def choose_pause(failures: int, chance: float, asked: int = 0) -> float | None:
    """Seconds until the next attempt, or None when there is none.

    `failures`: attempts that have failed.  `chance`: between 0 and 1.  `asked`: seconds that the
    endpoint asks us to wait (`Retry-After`); more than the longest pause is not granted."""
    if failures > RETRIES:
        return None
    usual = PAUSES[failures - 1] * (1 - JITTER + 2 * JITTER * chance)
    return max(usual, min(asked, LONGEST_PAUSE))


def is_dead(failures: int, failing_for: timedelta) -> bool:
    """`failures` in a row, the first of them so long ago."""
    return failures >= DEAD_FAILURES and failing_for >= DEAD_AFTER


def render_docs() -> str:
    """For the docs, in Markdown."""
    lines = ["| attempt | after | since the first |", "|--:|---|---|"]
    since = 0
    for n, pause in enumerate((0, *PAUSES), 1):
        since += pause
        lines.append(f"| {n} | {_format(pause)} | {_format(since)} |")
    return "\n".join(lines) + "\n"


def _format(seconds: int) -> str:
    if seconds < 60:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
