"""Cases for real: their worker on a broker, as a firm's worst minutes are.

A launch asks for a text to each of many parties.  Reminders of many cases come due at one moment,
as those of nine o'clock do.  A new owner gets a million planned reminders back."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Group

from schemas import topics as t
from schemas.base import Message
from schemas.case import CasePerson
from streams.partition import changelog
from streams.partition.decoding import partition_of
from streams.partition.reevaluator import digest
from streams.topology import CASES as PROCESSOR
from tests.bench import cases, people
from tests.bench.feed import Placed, publish
from tests.bench.gate import InUse, empty_house, tear_down, tell
from tests.bench.job import PARTITIONS
from tests.bench.plan import Measured, Plan, Step
from tests.bench.process import PYTHON, running
from tests.bench.results import result
from tests.bench.screen import figures
from tests.bench.watch import PATIENCE, Progress, Stuck, everything, unseen, watch
from tests.soak.measures import size

AT_ONCE: Final = 10_000
"""Reminders that come due at one moment: one to each client of a case, about its only event."""
SOON: Final = timedelta(seconds=20)
"""From when the events are saved until their reminders are due."""
BEFORE: Final = timedelta(minutes=30)
EVERY: Final = 0.01


class Restored(NamedTuple):
    seconds: float
    """From the start of the process until it is ready."""
    changelog_bytes: int
    memory: int
    """Resident bytes of the process by then."""


@asynccontextmanager
async def _topics(bootstrap: str) -> AsyncIterator[None]:
    """With the tenant and its sender.  Raises InUse."""
    await empty_house(bootstrap)
    try:
        await tell(bootstrap, t.SETTINGS, [*cases.SETTINGS.tenants.values()])
        await tell(bootstrap, t.SENDERS, [people.SENDER])
        yield
    finally:
        await tear_down(bootstrap)


@asynccontextmanager
async def _worker(bootstrap: str) -> AsyncIterator[tuple[int, float]]:
    """Ready: its process, and the seconds that it took to get there."""
    with tempfile.TemporaryDirectory(prefix="sayso-bench-", ignore_cleanup_errors=True) as folder:
        ready = Path(folder) / "ready"
        command = [PYTHON, "-m", "services.workers", "cases", "--ready-file", str(ready)]
        environment = {"SAYSO_BOOTSTRAP": bootstrap, "SAYSO_STATE": folder}
        began = time.perf_counter()
        async with running(command, Path(folder), environment) as process:
            while not ready.exists():
                if process.returncode is not None or time.perf_counter() - began > PATIENCE:
                    raise Stuck("the worker of cases did not get ready")
                await asyncio.sleep(EVERY)
            yield process.pid, time.perf_counter() - began


async def _answer(bootstrap: str, known: list[CasePerson]) -> None:
    """As people does, once cases has asked for them all."""
    await watch(bootstrap, t.CASE_LINKS.name, PARTITIONS, len(known))
    await tell(bootstrap, t.CASE_PEOPLE, known)
    await watch(bootstrap, t.CASE_NUMBERS.name, PARTITIONS, len(known))


# --- a launch


async def launch(bootstrap: str, parties: int, progress: Progress = unseen) -> float:
    """Parties a second, from the launch until the last request is written; each is asked for
    opt-in too.  Raises InUse, Ended or Stuck."""
    now, numbers = datetime.now(UTC), range(parties)
    async with _topics(bootstrap):
        told = [*cases.launch_of("big", now), *cases.parties_of("big", numbers, now)]
        await tell(bootstrap, t.CASE_EVENTS, told)
        async with _worker(bootstrap):
            await _answer(bootstrap, [cases.record("big", n, now) for n in numbers])
            began = time.time()
            await tell(bootstrap, t.CASE_EVENTS, [cases.change("big", "launched", at=now)])
            await watch(bootstrap, t.PERSON_REQUESTS.name, PARTITIONS, parties, progress=progress)
            return await _rate(bootstrap, began, parties)


async def _rate(bootstrap: str, began: float, wanted: int) -> float:
    """Of requests, by the broker's records.  Raises Stuck if there are others or too many."""
    records = await everything(bootstrap, t.PERSON_REQUESTS.name, PARTITIONS)
    people_asked = {json.loads(one.value)["person_id"] for one in records}
    if len(people_asked) != wanted or len(records) != wanted:
        raise Stuck(f"{len(records)} requests for {len(people_asked)} people, not {wanted}")
    return wanted / (max(one.timestamp for one in records) / 1000 - began)


# --- reminders of one moment


async def remind(bootstrap: str, count: int, progress: Progress = unseen) -> float:
    """Reminders a second, from when they are due until the last request is written.  Raises
    InUse, Ended or Stuck."""
    now, each = datetime.now(UTC), cases.CLIENTS
    names = [f"case-{n:06}" for n in range(count // each)]
    async with _topics(bootstrap):
        await tell(bootstrap, t.CASE_EVENTS, _cases(names, now))
        async with _worker(bootstrap):
            await _answer(bootstrap, list(_people(names, now)))
            due = (datetime.now(UTC) + SOON).replace(microsecond=0)
            await tell(bootstrap, t.CASE_EVENTS, _hearings(names, due))
            await asyncio.sleep((due - datetime.now(UTC)).total_seconds())
            wanted = len(names) * each
            await watch(bootstrap, t.PERSON_REQUESTS.name, PARTITIONS, wanted, progress=progress)
            if (planned := await _planned(bootstrap, due)) < len(names):
                raise Stuck(f"only {planned} of {len(names)} events were planned in time")
            return await _rate(bootstrap, due.timestamp(), wanted)


def _cases(names: list[str], at: datetime) -> Iterator[Message]:
    for n, case_id in enumerate(names):
        yield cases.change(case_id, "case_opened", at=at, title=f"Case {n}")
        yield from cases.parties_of(case_id, _clients(n), at)


def _people(names: list[str], at: datetime) -> Iterator[CasePerson]:
    for n, case_id in enumerate(names):
        yield from (cases.record(case_id, k, at) for k in _clients(n))


def _clients(n: int) -> range:
    return range(n * cases.CLIENTS, (n + 1) * cases.CLIENTS)


def _hearings(names: list[str], due: datetime) -> Iterator[Message]:
    """Without a type, so that no recipe of the tenant is about them."""
    for case_id in names:
        yield cases.change(
            case_id,
            "event_saved",
            at=due - SOON,
            event_id="hearing",
            title="Hearing",
            starts_at=f"{due + BEFORE:%Y-%m-%dT%H:%M:%SZ}",
            reminders=["30 minutes before"],
        )


async def _planned(bootstrap: str, due: datetime) -> int:
    """Cases that were published with their event before it was due."""
    records = await everything(bootstrap, t.CASES.name, PARTITIONS)
    before = (one for one in records if one.timestamp < due.timestamp() * 1000)
    return len({one.key for one in before if json.loads(one.value).get("events")})


# --- a new owner


def plan_reminders(count: int) -> list[tuple[bytes, bytes]]:
    """The state of so many planned reminders."""
    planned = cases.plan_cases(cases.REAL, datetime.now(UTC).replace(microsecond=0))
    copies = -(-count // (cases.A_CASE * cases.REAL))
    return list(cases.copy_state(planned, copies))


async def restore(bootstrap: str, state: list[tuple[bytes, bytes]]) -> Restored:
    """Raises InUse, Ended or Stuck."""
    async with _topics(bootstrap):
        await publish(bootstrap, PROCESSOR.state_topic.name, _placed(state))
        async with _worker(bootstrap) as (pid, seconds):
            sized = size(pid, 0.0)
            held = sum(len(key) + len(value) for key, value in state)
            return Restored(seconds, held, sized.memory if sized else 0)


def _placed(state: list[tuple[bytes, bytes]]) -> Iterator[Placed]:
    noted: Counter[int] = Counter()
    for key, value in state:
        place = partition_of(key.partition(b"\0")[0], PARTITIONS)
        noted[place] += 1
        yield place, key, value
    for place in range(PARTITIONS):
        positions = changelog.encode_positions(
            {}, noted[place], 1, PARTITIONS, settings=digest(cases.SETTINGS)
        )
        yield place, changelog.POSITIONS, positions


# --- told


async def of_cases(bootstrap: str, plan: Plan, step: Step) -> Measured:
    try:
        launches, rates, restores, idle = [], [], [], []
        for run in range(plan.runs):
            of = f"run {run + 1} of {plan.runs}"
            show = step(f"A launch of {plan.parties:,} parties, {of}", plan.parties)
            launches.append(await launch(bootstrap, plan.parties, show))
            show = step(f"{AT_ONCE:,} reminders of one moment, {of}", AT_ONCE)
            rates.append(await remind(bootstrap, AT_ONCE, show))
        step(f"{plan.reminders:,} reminders are planned", 1)
        state = await asyncio.to_thread(plan_reminders, plan.reminders)
        for run in range(plan.runs):
            step(f"A new owner of them, run {run + 1} of {plan.runs}", 1)
            restores.append(await restore(bootstrap, state))
            idle.append(await restore(bootstrap, []))
    except InUse as why:
        return [], f"Cases are left out: {why}"
    step("Cases without Kafka", plan.runs)
    alone = [await cases.one_run(plan.parties, plan.reminders) for _ in range(plan.runs)]
    found = [
        result("cases.launch_parties_per_second", "1/s", launches),
        result("cases.reminders_per_second", "1/s", rates),
        result("cases.restore_seconds", "s", [one.seconds for one in restores]),
        result("cases.start_seconds", "s", [one.seconds for one in idle]),
        result("cases.changelog_mb", "MB", [one.changelog_bytes / 2**20 for one in restores]),
        result("cases.memory_mb", "MB", [one.memory / 2**20 for one in restores]),
        result("cases.idle_memory_mb", "MB", [one.memory / 2**20 for one in idle]),
    ]
    words = (
        "parties a second, from a launch to its last request",
        f"reminders a second, of {AT_ONCE:,} that are due at one moment",
        f"seconds until a new worker is ready that has {plan.reminders:,} planned reminders",
        "seconds until a worker is ready that has nothing",
        "MB of keys and values of these reminders in the changelog",
        "MB that the worker has in memory then",
        "MB of a worker that has nothing",
    )
    told = figures("Cases", list(zip(words, [one.value for one in found], strict=True)))
    spent, drawn = _alone(alone, plan.reminders)
    return [*found, *spent], Group(told, drawn)


def _alone(runs: list[cases.Figures], reminders: int) -> Measured:
    units = {"state_bytes_per_reminder": "B", "restore_cpu_seconds": "s", "entries": ""}
    found = [
        result(f"cases.{name}", units.get(name, "us"), [getattr(run, name) for run in runs])
        for name in cases.Figures._fields
    ]
    words = (
        "microseconds of CPU a party, from a launch to its last request",
        "microseconds of CPU a reminder, from due to requested",
        "bytes of state for a planned reminder",
        f"entries for {reminders:,} planned reminders",
        "seconds of CPU to restore them",
    )
    told = list(zip(words, [one.value for one in found], strict=True))
    return found, figures("Cases, without Kafka", told)
