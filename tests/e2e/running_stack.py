"""The whole stack for a test: processes, people, requests."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.consent import ConsentEvent
from schemas.send_request import SendRequest
from schemas.topics import CONSENT_EVENTS, SEND_REQUESTS
from services.kafka.publisher import Publisher
from services.local.stack import Stack, StackOptions, run_stack

TENANT, SENDER = "harbor", "72976"
NUMBERS = [f"+1{area}55501{n:02}" for area in (212, 312, 415, 602) for n in range(25)]


@dataclass
class RunningStack:
    stack: Stack
    publisher: Publisher
    state: Path

    @property
    def bootstrap(self) -> str:
        return self.stack.bootstrap

    @property
    def journal(self) -> Path:
        return self.stack.addresses.journal

    def pid(self, processor: str) -> int | None:
        """Of its worker, while it is ready."""
        ready = self.state / "run" / f"{processor}.ready"
        return int(ready.read_text().split()[0]) if ready.exists() else None

    async def kill(self, processor: str, last: int | None = None) -> int:
        """Its worker, which may just be coming back from the kill before this one (`last`)."""
        while (pid := self.pid(processor)) is None or pid == last:  # noqa: ASYNC110 - another process changes it
            await asyncio.sleep(0.05)
        os.kill(pid, signal.SIGKILL)
        return pid

    async def opt_in(self, numbers: list[str]) -> None:
        now = datetime.now(UTC)
        await self.publisher.publish_all(
            CONSENT_EVENTS,
            [
                ConsentEvent(
                    event_id=f"form-{number[1:]}",
                    tenant=TENANT,
                    number=number,
                    action="opt_in",
                    source="form",
                    at=now,
                )
                for number in numbers
            ],
        )

    async def ask(self, ids: list[str], seed: int = 1, each: float = 0.0) -> set[str]:
        """A request for each id; with `each` seconds in between, so that faults meet work under
        way."""
        rng = random.Random(seed)
        for name in ids:
            request = SendRequest(
                message_id=name,
                tenant=TENANT,
                to=rng.choice(NUMBERS),
                body=f"Text {name}",
                kind="transactional",
                requested_at=datetime.now(UTC),
            )
            await self.publisher.publish(SEND_REQUESTS, request)
            await asyncio.sleep(each)
        return set(ids)


def write_script(state: Path, script: dict[str, Any]) -> Path:
    """What the simulator does to whom."""
    state.mkdir(parents=True, exist_ok=True)
    path = state / "script.json"
    path.write_text(json.dumps(script))
    return path


@asynccontextmanager
async def start_stack(
    state: Path, bootstrap: str, script: dict[str, Any] | None = None
) -> AsyncIterator[RunningStack]:
    """On any ports: the usual ones may be another stack's by the time they are bound."""
    wanted = StackOptions(state, bootstrap, script=write_script(state, script or {}), seed=3)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SAYSO_WEBHOOK_PORT", "0")
        environment.setenv("SAYSO_CONSOLE_PORT", "0")
        async with run_stack(wanted, lambda sentence: None) as running:
            publisher = Publisher(running.bootstrap, source="test", timeout=60)
            try:
                yield RunningStack(running, publisher, state)
            finally:
                await publisher.stop()
