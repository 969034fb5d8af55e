"""The workers of cases and threads are killed again and again while reminders come due: each
reminder goes once."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from schemas.case_event import CaseEvent
from schemas.person import NumberChange, PersonAction, PersonEvent
from schemas.tenant_settings import TenantSettings
from schemas.topics import CASE_EVENTS, PERSON_EVENTS, SETTINGS
from tests.e2e import running_stack, witness
from tests.e2e.running_stack import NUMBERS, SENDER, TENANT, RunningStack

pytestmark = pytest.mark.broker

CASES, EVENTS = 20, 4
BEFORE = timedelta(minutes=30)
SOONEST, SPREAD = 8.0, 12.0
"""Seconds from the telling to the first reminder, and from that to the last."""

_read: TypeAdapter[Any] = TypeAdapter(CaseEvent)


def told(start: datetime) -> Iterator[Any]:
    """Each case has a client, and events whose reminders come due one after another."""
    rng = random.Random(7)
    for n in range(CASES):
        said = {"tenant": TENANT, "case_id": f"c{n}", "at": start}

        def change(kind: str, said: dict[str, Any] = said, **fields: Any) -> Any:
            name = f"{kind}-{fields.get('event_id', '')}"
            return _read.validate_python({**said, "type": kind, "change_id": name, **fields})

        yield change("case_opened", title=f"Case {n}")
        yield change("party_added", person_id=f"p{n}", role="client")
        for k in range(EVENTS):
            due = start + timedelta(seconds=SOONEST + rng.uniform(0, SPREAD))
            yield change(
                "event_saved",
                event_id=f"e{k}",
                title=f"Hearing {k}",
                starts_at=f"{due + BEFORE:%Y-%m-%dT%H:%M:%S}Z",
                reminders=["30 minutes before"],
            )


def people(at: datetime) -> list[PersonEvent]:
    return [
        PersonEvent(
            event_id=f"v{n}",
            tenant=TENANT,
            person_id=f"p{n}",
            action=PersonAction.UPSERT,
            name=f"Person {n}",
            numbers=(NumberChange(number=NUMBERS[n]),),
            at=at,
        )
        for n in range(CASES)
    ]


async def kill(running: RunningStack, until: datetime) -> Counter[str]:
    """Both, about two seconds apart, as long as reminders come due."""
    rng, last, killed = random.Random(3), dict[str, int](), Counter[str]()
    while datetime.now(UTC) < until:
        for processor in ("cases", "threads"):
            last[processor] = await running.kill(processor, last.get(processor))
            killed[processor] += 1
            await asyncio.sleep(rng.uniform(0.2, 1.0))
    return killed


async def read_reminders(running: RunningStack) -> dict[tuple[str, str], set[str]]:
    """The message ids that each case's events have had."""
    found: dict[tuple[str, str], set[str]] = {}
    for one in (await witness.read(running.bootstrap, "sms.case-texts"))["sms.case-texts"]:
        if one.get("message_id"):
            found.setdefault((one["case_id"], one["event_id"]), set()).add(one["message_id"])
    return found


async def until_delivered(running: RunningStack, count: int) -> None:
    async with asyncio.timeout(60):
        while True:
            outcomes = (await witness.read(running.bootstrap, "sms.outcomes"))["sms.outcomes"]
            done = {one["message_id"] for one in outcomes if one["state"] == "delivered"}
            if len(done) >= count:
                return
            await asyncio.sleep(0.5)


@pytest.mark.timeout(180)
async def test_each_reminder_goes_once_though_cases_and_threads_are_killed(
    fresh_cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAYSO_SESSION_TIMEOUT", "3")
    policy = TenantSettings.model_validate(
        {"tenant": TENANT, "name": "Harbor", "sender": SENDER, "when": {"quiet_hours": "none"}}
    )
    async with running_stack.start_stack(tmp_path, fresh_cluster) as running:
        await running.publisher.publish(SETTINGS, policy)
        await running.opt_in(NUMBERS[:CASES])
        now = datetime.now(UTC)
        await running.publisher.publish_all(PERSON_EVENTS, people(now))
        await running.publisher.publish_all(CASE_EVENTS, list(told(now)))
        await asyncio.sleep(SOONEST - 4)
        killed = await kill(running, now + timedelta(seconds=SOONEST + SPREAD))
        await until_delivered(running, CASES * EVENTS)
        reminders = await read_reminders(running)
        taken, _ = witness.provider(running.journal)
    assert min(killed["cases"], killed["threads"]) >= 2
    assert len(reminders) == CASES * EVENTS
    assert {sum(taken[name] for name in names) for names in reminders.values()} == {1}
