"""Projectors on PostgreSQL read real topics together."""

from __future__ import annotations

import asyncio

from schemas import topics
from services.ledger import Ledger
from services.ledger.usage import count_by_verdict, count_requested
from tests.adapters.test_ledger import decision, publish, request
from tests.postgres_server import new_location


async def test_two_share_the_topics_and_one_takes_over_from_the_other(
    fresh_cluster: str, postgres: str
) -> None:
    location = new_location(postgres)
    ledgers = [Ledger.open(location) for _ in range(2)]
    command = Ledger.open(location)
    stops = [asyncio.Event() for _ in ledgers]
    for one in ledgers:
        one.join()
    following = [
        asyncio.create_task(one.follow(fresh_cluster, stop))
        for one, stop in zip(ledgers, stops, strict=True)
    ]
    asked = [(topics.SEND_REQUESTS, request(at)) for at in range(300)]
    await publish(fresh_cluster, *asked, *((topics.DECISIONS, decision(at)) for at in range(300)))
    assert (await command.catch_up(fresh_cluster)).records == 0  # it waits for those who follow
    assert (count_requested(command), count_by_verdict(command)) == (300, {"reject": 300})
    stops[0].set()
    first = await following[0]
    ledgers[0].close()
    await publish(fresh_cluster, *((topics.SEND_REQUESTS, request(at)) for at in range(300, 400)))
    await command.catch_up(fresh_cluster)
    assert count_requested(command) == 400
    stops[1].set()
    second = await following[1]
    assert first.records + second.records == 700
    assert first.records > 0
    assert second.rebuilt is None
    ledgers[1].close()
    command.close()
