"""Where a test may have a worker killed: `SAYSO_CRASH_AT=NAME[:NTH]` ends the process with SIGKILL at the NTH time (the
first, if nothing is said) that it comes to that step.

Read once, when the process starts; without it each step costs one call of a function that does nothing.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Final

CRASH_AT: Final = "SAYSO_CRASH_AT"

POINTS: Final[dict[str, str]] = {
    "after-fence": "earlier owners can write no more; no rows are back yet",
    "on-open": "rows are back; nothing has been judged",
    "before-batch": "facts are in memory; none of them is judged",
    "after-fold": "judged in memory; nothing of it is on Kafka",
    "in-transaction": "all records of the batch are sent, and not committed",
    "after-commit": "`sending` is durable; no call has begun",
    "calls-begun": "the calls of a batch wait for their turn at the sender",
    "before-call": "its turn has come, the lease was looked at; no byte has left",
    "request-written": "the provider's request is on its way; no answer yet",
    "answer-received": "the provider has answered; only this process knows",
    "before-result-commit": "the answer is judged; nothing of that is on Kafka",
    "in-result-transaction": "the result's records are sent, and not committed",
    "after-result-commit": "the result is durable; nothing was made of it yet",
    "before-look": "the provider's list is about to be asked for",
    "after-look": "the list is there; only this process knows",
    "on-revoke": "partitions are asked back; calls may be under way",
}
"""In the order of a text's life, an owner's first."""


def _passed(point: str) -> None:
    """Nobody wants to crash."""


def reached_by(wish: str | None) -> Callable[[str], None]:
    """Raises ValueError for a step that there is not."""
    if not wish:
        return _passed
    name, _, nth = wish.partition(":")
    if name not in POINTS or not (nth or "1").isdecimal():
        raise ValueError(f"{CRASH_AT} is NAME[:NTH] with one of {', '.join(POINTS)}")
    left = max(1, int(nth or 1))

    def count(point: str) -> None:
        nonlocal left
        if point == name:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return count


reached: Final = reached_by(os.environ.get(CRASH_AT))
