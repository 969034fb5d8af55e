"""From a STOP's append to the last call that began for that number, while thousands of texts
wait to go out and the gate has a backlog."""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from schemas.consent import ConsentAction, ConsentEvent
from schemas.send_request import SendRequest
from schemas.topics import (
    CONSENT_EVENTS,
    CONSENT_STATUS,
    DISPATCH_ORDERS,
    SEND_REQUESTS,
    SENDERS,
    SETTINGS,
)
from services.local.stack import StackOptions, run_stack
from tests.bench import people
from tests.bench.gate import empty_house, tear_down, tell
from tests.bench.stack import SCRIPT, seen_all
from tests.bench.watch import append_times

NUMBERS: Final = 100
PACE: Final = 300.0
"""Segments per second: each number is called about three times a second, so that a late effect
shows."""
EACH: Final = 0.05
"""Seconds between two STOPs; every number says it."""
AFTER: Final = 5.0
"""Seconds after the last STOP in which a call would still be seen."""


class Stopped(NamedTuple):
    """`seconds`: for each number, from the STOP's append to its last call; 0 where none began
    after it."""

    seconds: list[float]
    called: int

    def percentile(self, share: float) -> float:
        ranked = sorted(self.seconds)
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


async def one_run(
    bootstrap: str, count: int, backlog: int, progress: Callable[[int], None] = int
) -> Stopped:
    """Raises InUse, Refused or Stuck."""
    await empty_house(bootstrap)
    try:
        with tempfile.TemporaryDirectory(
            prefix="sayso-bench-", ignore_cleanup_errors=True
        ) as folder:
            script = Path(folder) / "script.json"
            script.write_text(json.dumps(SCRIPT))
            await tell(bootstrap, SETTINGS, [people.TENANT])
            await tell(bootstrap, SENDERS, [people.SENDER.model_copy(update={"pace": PACE})])
            wanted = StackOptions(Path(folder), bootstrap, script=script, fresh=True)
            async with run_stack(wanted, lambda sentence: None) as running:
                return await _race(bootstrap, (count, backlog), running.addresses.journal, progress)
    finally:
        await tear_down(bootstrap)


async def _race(
    bootstrap: str, sizes: tuple[int, int], journal: Path, progress: Callable[[int], None]
) -> Stopped:
    count, backlog = sizes
    await tell(bootstrap, CONSENT_EVENTS, people.consents())
    await seen_all(
        bootstrap,
        CONSENT_STATUS.name,
        100 * len(people.AREAS),
        lambda status: status["number"],
        int,
    )
    await tell(bootstrap, SEND_REQUESTS, _requests(count))
    await seen_all(
        bootstrap, DISPATCH_ORDERS.name, count, lambda order: order["message_id"], progress
    )
    await tell(bootstrap, SEND_REQUESTS, _late(backlog))
    for event in _stops():
        await tell(bootstrap, CONSENT_EVENTS, [event])
        await asyncio.sleep(EACH)
    await asyncio.sleep(AFTER)
    began = await append_times(bootstrap, CONSENT_EVENTS.name, NUMBERS, _number_of_stop)
    calls = _calls(journal)
    late = [
        max([0.0, *(at - stop for at in calls.get(number, ()) if at > stop)])
        for number, stop in began.items()
    ]
    return Stopped(late, sum(map(len, calls.values())))


def _requests(count: int) -> Iterator[SendRequest]:
    for i, request in enumerate(people.requests(count, uuid.uuid4().hex[:8])):
        yield request.model_copy(update={"to": people.number(i % NUMBERS)})


def _late(count: int) -> Iterator[SendRequest]:
    """What the gate has not judged yet when the STOPs come; past its time, so that it adds
    nothing to the queue."""
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    for request in people.requests(count, uuid.uuid4().hex[:8]):
        yield request.model_copy(update={"valid_until": hour_ago})


def _stops() -> Iterator[ConsentEvent]:
    for number in random.Random(7).sample([people.number(i) for i in range(NUMBERS)], NUMBERS):
        yield ConsentEvent(
            event_id=f"stop-{number[1:]}",
            tenant=people.TENANT.tenant,
            number=number,
            action=ConsentAction.OPT_OUT,
            source="form",
            at=datetime.now(UTC),
        )


def _number_of_stop(value: dict[str, str]) -> str | None:
    return value["number"] if value["action"] == ConsentAction.OPT_OUT else None


def _calls(journal: Path) -> dict[str, list[float]]:
    """When each number's calls reached the provider."""
    calls: dict[str, list[float]] = {}
    for line in journal.read_text().splitlines():
        entry = json.loads(line)
        if entry["event"] == "create":
            calls.setdefault(entry["number"], []).append(
                datetime.fromisoformat(entry["at"]).timestamp()
            )
    return calls
