"""Named steps at which a test may kill a worker.

`SAYSO_CRASH_AT=NAME[:NTH][@TOPIC]` ends the process with SIGKILL when it reaches that step for the
NTH time (by default the first). With a topic, only batches that publish to it count: so a worker
dies between a reminder that is due and its request. Several wishes are separated by commas. The
variable is read once, at the first step of a process. Without it each step costs one call of a
function that does nothing.
"""

from __future__ import annotations

import functools
import os
import re
import signal
from collections.abc import Collection
from typing import Final, NamedTuple, Protocol

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


_WISH: Final = re.compile(r"([a-z-]+)(?::([0-9]+))?(?:@([a-z.-]+))?")


class Failpoint(Protocol):
    def __call__(self, point: str, topics: Collection[str] = (), /) -> None:
        """`topics`: what the batch at hand publishes to."""


class _Wish(NamedTuple):
    point: str
    nth: int
    topic: str | None


def _ignore(point: str, topics: Collection[str] = (), /) -> None:
    pass


def parse_failpoint(wishes: str | None) -> Failpoint:
    """What to call at each step. Raises ValueError for a step that does not exist."""
    if not wishes:
        return _ignore
    left = {wish: wish.nth for wish in map(_parse, wishes.split(","))}

    def count_down(point: str, topics: Collection[str] = (), /) -> None:
        for wish, count in left.items():
            if wish.point == point and (wish.topic is None or wish.topic in topics):
                left[wish] = count - 1
                if count == 1:
                    os.kill(os.getpid(), signal.SIGKILL)

    return count_down


def _parse(wish: str) -> _Wish:
    found = _WISH.fullmatch(wish)
    if found is None or found[1] not in POINTS:
        raise ValueError(f"{CRASH_AT} is NAME[:NTH][@TOPIC] with one of {', '.join(POINTS)}")
    return _Wish(found[1], max(1, int(found[2] or 1)), found[3])


def hit(point: str, topics: Collection[str] = (), /) -> None:
    """This process is at a step. Raises ValueError for a wish that names no step."""
    _read_wishes()(point, topics)


@functools.cache
def _read_wishes() -> Failpoint:
    return parse_failpoint(os.environ.get(CRASH_AT))
