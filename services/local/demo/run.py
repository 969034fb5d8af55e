"""The demo from beginning to end: on a stack of its own, or on one that somebody else runs.

Consent is published, then the first requests. When every STOP and START is heard, the second
requests follow. When all is at rest, staff go to work, and all comes to rest again. Meanwhile the
story of a law office goes on, with cases of its own.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import aiohttp

from schemas.sender import Sender
from schemas.tenant_settings import TenantSettings
from schemas.topics import (
    CONSENT_EVENTS,
    PERSON_EVENTS,
    SEND_REQUESTS,
    SENDERS,
    SETTINGS,
    TEMPLATES,
)
from services.kafka.publisher import Publisher
from services.ledger import Ledger
from services.ledger.ledger import FILE
from services.ledger.location import locate_in
from services.ledger.usage import count_system_messages
from services.local.demo import staff
from services.local.demo.counters import AT_REST, Counters, read_counters
from services.local.demo.fixtures import Fixtures
from services.local.demo.story import Story, introduce
from services.local.demo.story_run import StoryResult, play
from services.local.mail_catcher.store import MailStore
from services.local.stack import Say, StackOptions, run_stack
from services.operations.errors import OperationFailed
from services.operations.tenants import BY_DEMO, Published, build_versions

PATIENCE: Final = 60.0
"""Seconds for each step, and a fiftieth of a second more for each request."""

Show = Callable[[Counters, str], None]
"""Called several times a second with the counts and what is waited for."""


class Plan(NamedTuple):
    fixtures: Fixtures
    tenant: str
    zone: str
    """The tenant's."""
    state: Path
    bootstrap: str | None
    seed: int
    own: tuple[TenantSettings, Sender] | None = None
    """Settings to publish first, where those of the sample are not enough."""
    prefix: str = "demo"

    def begin_story(self) -> Story:
        return Story(self.tenant, self.prefix, self.zone, staff.BRANCH, datetime.now(UTC))


class Scene(NamedTuple):
    """Where the demo runs."""

    bootstrap: str
    ledger: Ledger
    fetch_journal: Callable[[], Awaitable[Path]]
    """Gets the provider's own account, as a file, once all is at rest."""
    mails: MailStore | None = None
    """Where the mails to staff are caught. None: nobody here can see them."""


class RunResult(NamedTuple):
    settled: bool
    """Whether all came to rest in time."""
    seconds: float
    """From the first request to rest, without what staff did then."""
    messages: int
    """That there were in that time."""
    requests: int
    started: int
    """Texts that Sayso sent by itself."""
    counters: Counters
    staff: staff.StaffActions
    story: StoryResult


@asynccontextmanager
async def open_local(plan: Plan, say: Say) -> AsyncIterator[Scene]:
    """A fresh stack, and its ledger. Raises OperationError."""
    plan.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    script = plan.state / "simulator.json"
    script.write_text(json.dumps(plan.fixtures.script()))
    options = StackOptions(
        plan.state, plan.bootstrap, ephemeral=True, script=script, seed=plan.seed, fresh=True
    )
    async with run_stack(options, say) as stack:
        ledger = Ledger.open(locate_in(plan.state))

        async def fetch_journal() -> Path:
            return stack.addresses.journal

        try:
            caught = MailStore(plan.state) if stack.addresses.mail_port else None
            yield Scene(stack.bootstrap, ledger, fetch_journal, caught)
        finally:
            ledger.close()


@asynccontextmanager
async def open_remote(plan: Plan, bootstrap: str, simulator: str, say: Say) -> AsyncIterator[Scene]:
    """A stack that somebody else runs. Its simulator lets us script our recipients.

    The ledger is our own, and follows the topics from here. Raises OperationError.
    """
    say(f"as a guest of the stack at {bootstrap}")
    folder = plan.state / "visit"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    async with aiohttp.ClientSession(simulator) as http:
        await _script_recipients(http, plan, simulator)
        ledger = Ledger.open(folder / FILE)
        stop = asyncio.Event()
        following = asyncio.create_task(ledger.follow(bootstrap, stop))
        try:
            yield Scene(bootstrap, ledger, lambda: _download_journal(http, folder))
        finally:
            stop.set()
            with suppress(Exception):
                await following
            ledger.close()


async def _script_recipients(http: aiohttp.ClientSession, plan: Plan, simulator: str) -> None:
    numbers = plan.fixtures.script()["numbers"]
    try:
        async with http.put("/simulator/people", json=numbers) as response:
            if response.status != 200:
                why = await response.text()
                raise OperationFailed(
                    f"The simulator at {simulator} does not let the demo in: {why}"
                )
    except aiohttp.ClientError:
        raise OperationFailed(
            f"No simulator answers at {simulator}: the demo texts nobody else"
        ) from None


async def _download_journal(http: aiohttp.ClientSession, folder: Path) -> Path:
    file = folder / "simulator.jsonl"
    async with http.get("/simulator/journal") as response:
        if response.status != 200:
            raise OperationFailed(
                "The simulator keeps no journal to check against: start it with --log"
            )
        await asyncio.to_thread(file.write_bytes, await response.read())
    return file


async def run(plan: Plan, scene: Scene, show: Show) -> RunResult:
    ledger = scene.ledger

    def refresh(doing: str) -> Counters:
        counters = read_counters(ledger, plan.tenant)
        show(counters, doing)
        return counters

    patience = PATIENCE + len(plan.fixtures.identities) / 50
    publisher = Publisher(scene.bootstrap, source="demo", timeout=patience)
    try:
        await _publish_consent(plan, publisher, ledger, refresh, patience)
        async with asyncio.TaskGroup() as together:
            told = play(plan.begin_story(), publisher, ledger, scene.mails, patience)
            story = together.create_task(told)
            job = together.create_task(_do_main_job(plan, publisher, ledger, refresh, patience))
    finally:
        await publisher.stop()
    done, ended = job.result(), story.result()
    expected = len(plan.fixtures.identities | done.staff.identities | ended.identities)

    def is_all_at_rest() -> bool:
        return is_at_rest(refresh("until all are at rest"), ledger, plan.tenant, expected)

    settled = await _wait_until(is_all_at_rest, patience)
    return RunResult(
        done.came_to_rest and ended.settled and settled,
        done.seconds,
        done.messages,
        expected,
        count_system_messages(ledger, plan.tenant),
        refresh("done"),
        done.staff,
        ended,
    )


class _MainJob(NamedTuple):
    came_to_rest: bool
    seconds: float
    messages: int
    staff: staff.StaffActions


async def _do_main_job(
    plan: Plan,
    publisher: Publisher,
    ledger: Ledger,
    refresh: Callable[[str], Counters],
    patience: float,
) -> _MainJob:
    """What was asked for, and what staff do then."""
    fixtures = plan.fixtures.move_to(datetime.now(UTC))
    began = time.monotonic()
    await publisher.publish_all(SEND_REQUESTS, fixtures.first)

    def has_answers() -> bool:
        refresh("waiting for the answers")
        return _has_answers(ledger, plan.tenant, fixtures)

    await _wait_until(has_answers, patience)
    await publisher.publish_all(SEND_REQUESTS, fixtures.second)

    def has_come_to_rest() -> bool:
        refresh("until all are at rest")
        return _have_come_to_rest(ledger, plan.tenant, fixtures.identities)

    came_to_rest = await _wait_until(has_come_to_rest, patience)
    seconds = time.monotonic() - began
    messages = refresh("staff at work").requested
    staff_plan = staff.plan_actions(fixtures, plan.tenant, plan.prefix, datetime.now(UTC))
    actions = await staff.perform_actions(
        staff_plan, publisher, ledger, lambda: refresh("staff at work"), patience
    )
    return _MainJob(came_to_rest, seconds, messages, actions)


async def _publish_consent(
    plan: Plan,
    publisher: Publisher,
    ledger: Ledger,
    refresh: Callable[[str], Counters],
    patience: float,
) -> None:
    """Returns when the ledger knows the consent status of everybody who has one."""
    if plan.own:
        tenant, sender = plan.own
        versions = build_versions([tenant], Published(), BY_DEMO, datetime.now(UTC))
        await publisher.publish_all(TEMPLATES, versions)
        await publisher.publish(SETTINGS, tenant)
        await publisher.publish(SENDERS, sender)
    await publisher.publish_all(PERSON_EVENTS, list(introduce(plan.begin_story())))
    await publisher.publish_all(CONSENT_EVENTS, plan.fixtures.claims)
    claimed = {claim.number for claim in plan.fixtures.claims}
    sql = "SELECT number FROM consent_status WHERE tenant = ?"

    def is_known() -> bool:
        refresh("waiting for consent")
        return claimed <= {row["number"] for row in ledger.rows(sql, plan.tenant)}

    await _wait_until(is_known, patience)


def is_at_rest(counters: Counters, ledger: Ledger, tenant: str, expected: int) -> bool:
    """Nothing moves any more, and the usage report agrees.

    The report may know of every message, and not yet of the final state of some.
    """
    if counters.requested - count_system_messages(ledger, tenant) != expected:
        return False
    if counters.lag or counters.moving:
        return False
    sql = """SELECT state, sum(messages) AS n FROM usage WHERE tenant = ?
        GROUP BY state HAVING sum(messages) <> 0"""
    return {row["state"]: row["n"] for row in ledger.rows(sql, tenant)} == counters.states


def _have_come_to_rest(ledger: Ledger, tenant: str, identities: set[str]) -> bool:
    """Without a look at the story, which takes its own time."""
    sql = "SELECT message_id, state FROM outcomes WHERE tenant = ?"
    rows = ledger.rows(sql, tenant)
    return identities <= {row["message_id"] for row in rows if row["state"] in AT_REST}


def _has_answers(ledger: Ledger, tenant: str, fixtures: Fixtures) -> bool:
    fixtures = fixtures._replace(cast=())
    sql = "SELECT number FROM consent_status WHERE tenant = ? AND state = ?"
    return all(
        fixtures.numbers(role) <= {row["number"] for row in ledger.rows(sql, tenant, state)}
        for role, state in (("says STOP", "opted_out"), ("says START", "opted_in"))
    )


async def _wait_until(condition: Callable[[], bool], patience: float) -> bool:
    """Whether it became true in time."""
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.25)
    return True
