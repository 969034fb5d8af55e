"""The demo from beginning to end: consent, requests, STOPs, more requests, rest; then staff, and rest again."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

from schemas.sender import Sender
from schemas.tenant_settings import TenantSettings
from schemas.topics import CONSENT_EVENTS, SEND_REQUESTS, SENDERS, SETTINGS
from services.kafka.publisher import Publisher
from services.ledger import Ledger
from services.ledger.ledger import FILE
from services.ledger.usage import count_system_messages
from services.local.demo import staff
from services.local.demo.cast import Cast
from services.local.demo.tally import Tally, tally
from services.local.stack import Wanted, house

PATIENCE = 60.0
"""Seconds, and a fiftieth for each request, until every STOP is judged, and again until nothing moves any more."""


class Ran(NamedTuple):
    """`settled`: whether all came to rest in time.  `seconds`: from the first request to rest, without what staff did
    then.  `started`: texts that Sayso sent of itself."""

    settled: bool
    seconds: float
    requests: int
    started: int
    tally: Tally
    staff: staff.Played


class Plan(NamedTuple):
    """`own`: the settings to publish first, where the sample's are not enough."""

    asked: Cast
    tenant: str
    state: Path
    bootstrap: str | None
    seed: int
    own: tuple[TenantSettings, Sender] | None = None
    prefix: str = "demo"


class Scene(NamedTuple):
    """`journal`: the provider's own account, as a file, once all is at rest."""

    bootstrap: str
    ledger: Ledger
    journal: Callable[[], Awaitable[Path]]


@asynccontextmanager
async def opened(plan: Plan, say: Callable[[str], None]) -> AsyncIterator[Scene]:
    """A fresh house, and its ledger."""
    plan.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    script = plan.state / "simulator.json"
    script.write_text(json.dumps(plan.asked.script()))
    wanted = Wanted(
        plan.state, plan.bootstrap, ephemeral=True, script=script, seed=plan.seed, fresh=True
    )
    async with house(wanted, say) as running:
        ledger = Ledger.open(plan.state / FILE)
        try:
            yield Scene(running.bootstrap, ledger, partial(_there, running.where.journal))
        finally:
            ledger.close()


async def _there(file: Path) -> Path:
    return file


async def run(
    plan: Plan, bootstrap: str, ledger: Ledger, show: Callable[[Tally, str], None]
) -> Ran:
    """`show` is called several times a second."""

    def look(doing: str) -> Tally:
        now = tally(ledger, plan.tenant)
        show(now, doing)
        return now

    patience = PATIENCE + len(plan.asked.identities) / 50
    publisher = Publisher(bootstrap, source="demo", timeout=patience)
    try:
        if plan.own:
            await publisher.publish(SETTINGS, plan.own[0])
            await publisher.publish(SENDERS, plan.own[1])
        await publisher.publish_all(CONSENT_EVENTS, plan.asked.claims)
        claimed = {claim.number for claim in plan.asked.claims}
        await _until(
            lambda: look("waiting for consent") and _known(ledger, plan.tenant) >= claimed, patience
        )
        asked = plan.asked.asked_at(datetime.now(UTC))
        began = time.monotonic()
        await publisher.publish_all(SEND_REQUESTS, asked.first)
        await _until(
            lambda: look("waiting for the answers") and _heard(ledger, plan.tenant, asked), patience
        )
        await publisher.publish_all(SEND_REQUESTS, asked.second)
        rested = await _rest(plan, len(asked.identities), ledger, look, patience)
        seconds = time.monotonic() - began
        act = staff.act(asked, plan.tenant, plan.prefix, datetime.now(UTC))
        did = await staff.play(act, publisher, ledger, lambda: look("staff at work"), patience)
    finally:
        await publisher.stop()
    expected = len(asked.identities | did.identities)
    settled = await _rest(plan, expected, ledger, look, patience)
    return Ran(
        rested and settled,
        seconds,
        expected,
        count_system_messages(ledger, plan.tenant),
        look("done"),
        did,
    )


async def _rest(
    plan: Plan, expected: int, ledger: Ledger, look: Callable[[str], Tally], patience: float
) -> bool:
    return await _until(
        lambda: at_rest(look("until all are at rest"), ledger, plan.tenant, expected), patience
    )


def at_rest(now: Tally, ledger: Ledger, tenant: str, expected: int) -> bool:
    """The usage report too: it may know of every message already, and of some not yet what became of them."""
    if now.requested - count_system_messages(ledger, tenant) != expected or now.lag or now.moving:
        return False
    sql = "SELECT state, sum(messages) AS n FROM usage WHERE tenant = ? GROUP BY state HAVING n"
    return {row["state"]: row["n"] for row in ledger.rows(sql, tenant)} == now.states


def _known(ledger: Ledger, tenant: str) -> set[str]:
    return {
        row["number"]
        for row in ledger.rows("SELECT number FROM consent_status WHERE tenant = ?", tenant)
    }


def _heard(ledger: Ledger, tenant: str, asked: Cast) -> bool:
    sql = "SELECT number FROM consent_status WHERE tenant = ? AND state = ?"
    return all(
        asked.numbers(role) <= {row["number"] for row in ledger.rows(sql, tenant, state)}
        for role, state in (("says STOP", "opted_out"), ("says START", "opted_in"))
    )


async def _until(happened: Callable[[], bool], patience: float) -> bool:
    deadline = time.monotonic() + patience
    while not happened():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.25)
    return True
