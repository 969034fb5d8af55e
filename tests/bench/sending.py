"""Dispatch by itself: how fast it sends, how soon, whether it keeps its pace, and what it costs
to be sure."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import SecretStr

from schemas.send import Priority, Send
from schemas.topics import (
    CONSENT_EVENTS,
    CONSENT_STATUS,
    DISPATCH_ORDERS,
    SEND_REQUESTS,
    SENDERS,
    SETTINGS,
)
from services.local.stack import Stack, StackOptions, run_stack
from services.providers.twilio import Twilio
from streams.dispatch.provider_calls import SendCall
from tests.adapters.processes import CREDENTIALS, service
from tests.bench import people
from tests.bench.gate import empty_house, tear_down, tell
from tests.bench.process import cpu_seconds
from tests.bench.stack import SCRIPT, parts, seen_all
from tests.bench.watch import PATIENCE, Progress, Stuck, append_times, unseen
from tests.journal_report import Arrival, CreateCall, largest_window_ratio, read_calls

PACED: Final = people.SENDER.model_copy(update={"sender": "72977", "pace": 50.0})
WINDOW: Final = 1.0
"""Seconds: in much shorter windows the network's own shifts are what is measured."""
SINGLE: Final = 200
"""Requests one by one, for how soon."""
EVERY: Final = 0.05
CALM: Final = 1.0
"""Seconds after the flood of consents: while many facts come they share transactions, and single
ones with them."""
BARE: Final = 1000
"""Calls by the client alone."""
AT_ONCE: Final = 64
TEXT: Final = "Your papers are ready."


class Sent(NamedTuple):
    """`soon`: seconds from each request's record to its call.  `sure` and `bare`: CPU seconds a
    message, of dispatch and of the same client without it."""

    rate: float
    soon: list[float]
    window_ratio: float
    sure: float
    bare: float

    def percentile(self, share: float) -> float:
        ranked = sorted(self.soon)
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


async def one_run(bootstrap: str, count: int, progress: Progress = unseen) -> Sent:
    """Raises InUse, Refused or Stuck."""
    bare = await _bare()
    await empty_house(bootstrap)
    try:
        with tempfile.TemporaryDirectory(
            prefix="sayso-bench-", ignore_cleanup_errors=True
        ) as folder:
            script = Path(folder) / "script.json"
            script.write_text(json.dumps(SCRIPT))
            await tell(bootstrap, SETTINGS, [people.TENANT])
            await tell(bootstrap, SENDERS, [people.SENDER, PACED])
            wanted = StackOptions(Path(folder), bootstrap, script=script, fresh=True)
            async with run_stack(wanted, lambda sentence: None) as running:
                rate, sure = await _rate(running, count, progress)
                ratio = await _paced(running, count // 4)
                return Sent(rate, await _soon(running), ratio, sure, bare)
    finally:
        await tear_down(bootstrap)


async def _bare() -> float:
    """The same client, the same provider in a process of its own, and nothing that is written
    down."""
    with tempfile.TemporaryDirectory(prefix="sayso-bench-") as folder:
        async with service("services.local.simulator", Path(folder), **CREDENTIALS) as simulator:
            return await _calls(simulator.url)


async def _calls(url: str) -> float:
    sid, token = CREDENTIALS["TWILIO_ACCOUNT_SID"], SecretStr(CREDENTIALS["TWILIO_AUTH_TOKEN"])
    client = Twilio(
        account_sid=sid, auth_token=token, public_url="http://127.0.0.1:9", base_url=url
    )
    free = asyncio.Semaphore(AT_ONCE)

    async def call(i: int) -> None:
        async with free:
            post = SendCall("harbor", f"bare-{i}", 1, people.SENDER.sender, people.number(i), TEXT)
            await client.send(post, lambda: True)

    try:
        await asyncio.gather(*(call(i) for i in range(50)))  # connections, imports
        began = time.process_time()
        await asyncio.gather(*(call(i) for i in range(50, 50 + BARE)))
        return (time.process_time() - began) / BARE
    finally:
        await client.close()


async def _rate(running: Stack, count: int, progress: Progress) -> tuple[float, float]:
    pid = parts()["dispatch"]
    before = cpu_seconds(pid) or 0.0
    await tell(running.bootstrap, DISPATCH_ORDERS, _orders(count, people.SENDER.sender))
    calls = await _called(running.addresses.journal, people.SENDER.sender, count, progress)
    spent = (cpu_seconds(pid) or 0.0) - before
    return (count - 1) / (calls[-1].at - calls[0].at).total_seconds(), spent / count


async def _paced(running: Stack, count: int) -> float:
    await tell(running.bootstrap, DISPATCH_ORDERS, _orders(count, PACED.sender))
    calls = await _called(running.addresses.journal, PACED.sender, count, unseen)
    arrivals = [Arrival(call.t, call.segments) for call in calls]
    return largest_window_ratio(arrivals, PACED.segments_per_second, WINDOW)


async def _soon(running: Stack) -> list[float]:
    """One by one, of people who said yes, at a sender that is never full."""
    await tell(running.bootstrap, CONSENT_EVENTS, people.consents())
    await seen_all(
        running.bootstrap,
        CONSENT_STATUS.name,
        100 * len(people.AREAS),
        lambda one: one["number"],
        unseen,
    )
    await asyncio.sleep(CALM)
    prefix = uuid.uuid4().hex[:8]
    for request in people.requests(SINGLE, prefix):
        await tell(
            running.bootstrap,
            SEND_REQUESTS,
            [request.model_copy(update={"requested_at": datetime.now(UTC)})],
        )
        await asyncio.sleep(EVERY)
    written = await _written(running.bootstrap, prefix)
    await _called(running.addresses.journal, people.SENDER.sender, SINGLE, unseen, prefix)
    calls = {
        call.identity[1]: call.at for call in read_calls(running.addresses.journal) if call.identity
    }
    return [(calls[name] - at).total_seconds() for name, at in written.items()]


def _orders(count: int, sender: str) -> Iterator[Send]:
    now, prefix = datetime.now(UTC), uuid.uuid4().hex[:8]
    for i in range(count):
        yield Send(
            message_id=f"{prefix}-{i}",
            tenant="harbor",
            to=people.number(i),
            sender=sender,
            lane=Priority.TRANSACTIONAL,
            body=TEXT,
            kind="transactional",
            consent_epoch=0,
            issued_at=now,
            send_before=now + timedelta(hours=1),
        )


async def _called(
    journal: Path, sender: str, count: int, progress: Progress, prefix: str = ""
) -> list[CreateCall]:
    """Until so many calls of a sender are in the provider's own account; in the order of
    arrival."""
    moved, seen = time.perf_counter(), -1
    while True:
        calls = await asyncio.to_thread(_of, journal, sender, prefix)
        progress(min(len(calls), count))
        if len(calls) >= count:
            return calls
        if len(calls) != seen:
            moved, seen = time.perf_counter(), len(calls)
        elif time.perf_counter() - moved > PATIENCE:
            raise Stuck(
                f"{len(calls)} of {count} calls from {sender}, and no more for {PATIENCE:.0f} s"
            )
        await asyncio.sleep(0.5)


def _of(journal: Path, sender: str, prefix: str) -> list[CreateCall]:
    calls = read_calls(journal) if journal.exists() else []
    return [
        call
        for call in calls
        if call.sender == sender and call.identity and call.identity[1].startswith(prefix)
    ]


async def _written(bootstrap: str, prefix: str) -> dict[str, datetime]:
    """When each request was put on its topic."""

    def take(value: dict[str, str]) -> str | None:
        name = value["message_id"]
        return name if name.startswith(prefix) else None

    found = await append_times(bootstrap, SEND_REQUESTS.name, SINGLE, take)
    return {name: datetime.fromtimestamp(at, UTC) for name, at in found.items()}
