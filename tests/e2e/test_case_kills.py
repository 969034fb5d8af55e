"""The workers of cases and threads are killed while reminders and mails come due, at any moment and
right before they are written: each goes once."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import TypeAdapter

from schemas.case_event import CaseEvent
from schemas.inbound import InboundMessage
from schemas.person import NumberChange, PersonAction, PersonEvent
from schemas.tenant_settings import TenantSettings
from schemas.topics import CASE_EVENTS, INBOUND, PERSON_EVENTS, SETTINGS
from services.failpoints import CRASH_AT
from tests.e2e import running_stack, witness
from tests.e2e.running_stack import NUMBERS, SENDER, TENANT, RunningStack

pytestmark = pytest.mark.broker

CASES, EVENTS = 20, 4
BEFORE = timedelta(minutes=30)
SOONEST, SPREAD = 8.0, 12.0
"""Seconds from the telling to the first reminder, and from that to the last."""

_read: TypeAdapter[Any] = TypeAdapter(CaseEvent)


def policy(**changes: Any) -> TenantSettings:
    said = {"tenant": TENANT, "name": "Harbor", "sender": SENDER, "when": {"quiet_hours": "none"}}
    return TenantSettings.model_validate(said | changes)


def told(start: datetime, soonest: float = SOONEST, spread: float = SPREAD) -> Iterator[Any]:
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
            due = start + timedelta(seconds=soonest + rng.uniform(0, spread))
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


@pytest.mark.long
@pytest.mark.timeout(180)
async def test_each_reminder_goes_once_though_cases_and_threads_are_killed(
    fresh_cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAYSO_SESSION_TIMEOUT", "3")
    async with running_stack.start_stack(tmp_path, fresh_cluster) as running:
        await running.publisher.publish(SETTINGS, policy())
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


# --- between what is due and what is written

DUE: Final = 14.0
"""Seconds from the telling until all reminders and mails are due."""
STEPS: Final = ("after-fold", "in-transaction")
"""Everything is decided, and nothing is on Kafka; all is sent, and not committed."""
WRITES: Final = {"cases": "sms.person-requests", "threads": "sms.mail-requests"}


def texts(due: datetime) -> Iterator[InboundMessage]:
    """Two from each client, a minute before their mail is due."""
    for n in range(CASES):
        for k in range(2):
            yield InboundMessage(
                provider_id=f"SM{n:02}{k:030}",
                sender=SENDER,
                to_address=SENDER,
                number=NUMBERS[n],
                body=f"Can my brother come with me, {k}?",
                received_at=due - timedelta(seconds=60 - k),
            )


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def crash_at_each_step(running: RunningStack) -> dict[str, set[int]]:
    """Both workers die at each step in turn; those that come then go on.  Gives all that died."""
    died: dict[str, set[int]] = {}
    with pytest.MonkeyPatch.context() as environment:
        for step in STEPS:  # whoever is started again reads the environment
            wishes = [f"{step}@{topic}" for topic in WRITES.values()]
            environment.setenv(CRASH_AT, ",".join(wishes))
            for processor in WRITES:
                if processor not in died:
                    died[processor] = {await running.kill(processor)}
            ended = await asyncio.gather(*(until_dead(running, one, died[one]) for one in WRITES))
            for processor, pid in zip(WRITES, ended, strict=True):
                died[processor].add(pid)
    return died


async def until_dead(running: RunningStack, processor: str, before: set[int]) -> int:
    """The worker that comes next: until it dies of what it was told to."""
    async with asyncio.timeout(60):
        while (pid := running.pid(processor)) is None or pid in before:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        while is_alive(pid):  # noqa: ASYNC110 - it ends by itself
            await asyncio.sleep(0.05)
    return pid


@pytest.mark.timeout(240)
async def test_what_is_due_goes_once_though_its_worker_dies_before_it_is_written(
    fresh_cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAYSO_SESSION_TIMEOUT", "3")
    mail = {"to": "desk@example.com", "bundle_minutes": 1}
    async with running_stack.start_stack(tmp_path, fresh_cluster) as running:
        await running.publisher.publish(SETTINGS, policy(mail=mail))
        await running.opt_in(NUMBERS[:CASES])
        now = datetime.now(UTC)
        due = now + timedelta(seconds=DUE)
        await running.publisher.publish_all(PERSON_EVENTS, people(now))
        await running.publisher.publish_all(CASE_EVENTS, list(told(now, DUE, 0)))
        await running.publisher.publish_all(INBOUND, list(texts(due)))
        await asyncio.sleep(4)
        died = await crash_at_each_step(running)
        await until_delivered(running, CASES * EVENTS)
        mails = await until_mailed(running)
        reminders = await read_reminders(running)
        written = await witness.read(running.bootstrap, "sms.person-requests", "sms.threads")
        taken, _ = witness.provider(running.journal)
    assert {processor: len(pids) for processor, pids in died.items()} == dict.fromkeys(
        WRITES, 1 + len(STEPS)
    )
    assert len(reminders) == CASES * EVENTS
    assert {len(names) for names in reminders.values()} == {1}
    assert {taken[name] for names in reminders.values() for name in names} == {1}
    requests = Counter(one["message_id"] for one in written["sms.person-requests"])
    assert requests == {name: 1 for names in reminders.values() for name in names}
    assert Counter(one["number"] for one in mails) == dict.fromkeys(NUMBERS[:CASES], 1)
    assert {one["texts"] for one in mails} == {2}
    versions: dict[str, list[int]] = {}
    for one in written["sms.threads"]:
        versions.setdefault(one["number"], []).append(one["version"])
    assert versions == {number: [*range(1, len(v) + 1)] for number, v in versions.items()}
    last = {one["number"]: one for one in written["sms.threads"]}
    assert last.keys() == set(NUMBERS[:CASES])
    assert {(one["waiting_texts"], *one["cases"]) for one in last.values()} == {
        (2, f"c{n}") for n in range(CASES)
    }


async def until_mailed(running: RunningStack) -> list[Any]:
    async with asyncio.timeout(60):
        while True:
            mails = (await witness.read(running.bootstrap, "sms.mail-requests"))[
                "sms.mail-requests"
            ]
            if len(mails) >= CASES:
                return mails
            await asyncio.sleep(0.5)
