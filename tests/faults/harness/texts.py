"""The texts that a fault meets: whose they are, from which sender, how long, and at what rate
they are asked for."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import UTC, datetime
from typing import Any, Final

from schemas.consent import ConsentEvent
from schemas.send_request import Kind, SendRequest
from schemas.sender import Sender, SenderKind
from schemas.tenant_settings import TenantSettings
from schemas.topic import Topic
from schemas.topics import CONSENT_EVENTS, SEND_REQUESTS, SENDERS, SETTINGS
from services.kafka.publisher import NotPublished, Publisher

NAMES: Final = ("72970", "72971", "72972", "72973", "72974", "72975", "72976", "72977")
"""Short codes, so that every partition of dispatch has at least one."""
PACE: Final = 10.0
"""Segments per second of each."""
NUMBERS: Final = tuple(
    f"+1{area}55501{n:02}" for area in (212, 312, 415, 602, 503) for n in range(100)
)
TENANT: Final = TenantSettings.model_validate(
    {
        "tenant": "harbor",
        "name": "Harbor Legal Aid",
        "sender": NAMES[0],
        "when": {"quiet_hours": "none"},
    }
)
KINDS: Final = (Kind.REMINDER, Kind.TRANSACTIONAL, Kind.REMINDER, Kind.DIRECT)
EVERY: Final = 0.2
"""Seconds between two handfuls of requests."""


async def settle_in(publisher: Publisher) -> None:
    """Senders, a tenant for whom no hour is quiet, and everybody's yes."""
    now = datetime.now(UTC)
    senders = [
        Sender(sender=name, kind=SenderKind.SHORT_CODE, pace=PACE, owner=TENANT.tenant)
        for name in NAMES
    ]
    await publish_confirmed(publisher, senders, SENDERS)
    await publish_confirmed(publisher, [TENANT], SETTINGS)
    yes = [consent_event(number, "opt_in", "form", now) for number in NUMBERS]
    await publish_confirmed(publisher, yes, CONSENT_EVENTS)


def consent_event(number: str, action: str, name: str, at: datetime) -> ConsentEvent:
    """`name`: the beginning of its id."""
    return ConsentEvent(
        event_id=f"{name}-{number[1:]}",
        tenant=TENANT.tenant,
        number=number,
        action=action,
        source="form",
        at=at,
    )


def request(message_id: str, rng: random.Random) -> SendRequest:
    """One in five is of two segments.  Each number knows one sender, as people do: what the
    provider lists for it is that one's, and tells of a doubt."""
    to = rng.randrange(len(NUMBERS))
    body = f"Text {message_id}. " + "Please read this. " * rng.choice((0, 0, 0, 0, 9))
    return SendRequest(
        message_id=message_id,
        tenant=TENANT.tenant,
        to=NUMBERS[to],
        sender=NAMES[to % len(NAMES)],
        body=body,
        kind=rng.choice(KINDS),
        requested_at=datetime.now(UTC),
        requested_by="faults",
    )


async def request_texts(
    publisher: Publisher,
    prefix: str,
    ids: list[str],
    *,
    rate: float,
    seconds: float,
    rng: random.Random,
    asked: dict[str, tuple[str, float]] | None = None,
    until: asyncio.Event | None = None,
) -> None:
    """Adds to `ids` what it asks for.  What the broker does not confirm is asked for again under
    its id, until it does.  `asked` gets the number of each and when it was asked for.  `until` ends
    it before its time."""
    began, all_of_them = asyncio.get_running_loop().time(), int(rate * seconds)
    while len(ids) < all_of_them and not (until and until.is_set()):
        passed = asyncio.get_running_loop().time() - began
        fresh = [f"{prefix}-{n}" for n in range(len(ids), min(all_of_them, int(passed * rate) + 1))]
        ids += fresh
        requests = [request(name, rng) for name in fresh]
        if asked is not None:
            asked |= {one.message_id: (one.to, time.monotonic()) for one in requests}
        await publish_confirmed(publisher, requests)
        await asyncio.sleep(EVERY)


async def publish_confirmed(
    publisher: Publisher, messages: list[Any], topic: Topic[Any] = SEND_REQUESTS
) -> None:
    while True:
        try:
            return await publisher.publish_all(topic, messages)
        except NotPublished:
            await asyncio.sleep(0.5)
