"""Named steps at which a test may kill a worker.

`SAYSO_CRASH_AT=NAME[:NTH]` ends the process with SIGKILL when it reaches that step for the NTH time
(by default the first). The variable is read once, when the process starts. Without it each step
costs one call of a function that does nothing.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Final

CRASH_AT: Final = "SAYSO_CRASH_AT"

POINTS: Final[dict[str, str]] = {
    "after-fence": "earlier owners can write no more; no state is restored yet",
    "on-open": "state is restored; nothing has been evaluated",
    "before-batch": "records are in memory; none of them is processed",
    "after-fold": "the batch is processed in memory; nothing of it is on Kafka",
    "in-transaction": "all records of the batch are sent, and not committed",
    "after-commit": "`sending` is durable; no call has begun",
    "calls-begun": "the calls of a batch wait for their turn at the sender",
    "before-call": "the call's turn has come, the lease was checked; no byte has left",
    "request-written": "the request is on its way to the provider; no response yet",
    "answer-received": "the provider has responded; only this process knows",
    "before-result-commit": "the response is processed; nothing of that is on Kafka",
    "in-result-transaction": "the result's records are sent, and not committed",
    "after-result-commit": "the result is durable; nothing has acted on it yet",
    "before-look": "the provider's list is about to be fetched",
    "after-look": "the list is here; only this process knows",
    "on-revoke": "Kafka asks for partitions back; calls may be under way",
}
"""In the order of a text's life, with the steps of taking over a partition first."""


def _ignore(point: str) -> None:
    pass


def parse_failpoint(wish: str | None) -> Callable[[str], None]:
    """What to call at each step. Raises ValueError for a step that does not exist."""
    if not wish:
        return _ignore
    name, _, nth = wish.partition(":")
    if name not in POINTS or not (nth or "1").isdecimal():
        raise ValueError(f"{CRASH_AT} is NAME[:NTH] with one of {', '.join(POINTS)}")
    left = max(1, int(nth or 1))

    def count_down(point: str) -> None:
        nonlocal left
        if point == name:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return count_down


hit: Final = parse_failpoint(os.environ.get(CRASH_AT))
