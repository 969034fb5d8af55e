"""What an open page hears, and from where it goes on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.console.live import MOST, Audience, Stream, Watch, find_audience
from services.console.viewer import Permission
from services.ledger import Ledger
from services.ledger.change_feed import position
from services.ledger.ledger import FILE
from tests.adapters.ledger_filler import NOON, LedgerFiller
from tests.adapters.ledger_messages import ANA, make_outcome

EVERYTHING = find_audience("acme", Permission, all_branches=True)
Event = tuple[str, Any, str]


@pytest.fixture
def filler(tmp_path: Path) -> Iterator[LedgerFiller]:
    filler = LedgerFiller(tmp_path / FILE)
    filler.add(*make_outcome("m0"))
    yield filler
    filler.ledger.close()


@pytest.fixture
async def watch(filler: LedgerFiller) -> AsyncIterator[Watch]:
    ledger = Ledger.open_for_reading(filler.store.path)
    watch = Watch(lambda: ledger, lambda: NOON + timedelta(seconds=3))
    yield watch
    await watch.close()
    ledger.close()


async def hear(stream: Stream, *kinds: str) -> list[Event]:
    """The next events of these kinds, one of each, in order."""
    found: list[Event] = []
    events = stream.events(lambda: True)
    async with asyncio.timeout(20):
        for kind in kinds:
            async for raw in events:
                lines = dict(one.split(": ", 1) for one in raw.decode().splitlines() if ": " in one)
                if lines.get("event") == kind:
                    data = json.loads(lines["data"]) if lines.get("data") else None
                    found.append((kind, data, lines.get("id", "")))
                    break
    return found


def here(filler: LedgerFiller) -> str:
    return str(position(filler.ledger))


async def test_a_page_hears_of_what_came_while_it_was_away(
    filler: LedgerFiller, watch: Watch
) -> None:
    before = here(filler)
    filler.add(*make_outcome("m1"))
    [(_, names, reached)] = await hear(watch.open(EVERYTHING, before), "changed")
    assert names == ["message:m1", f"thread:{ANA}"]
    assert reached == here(filler)


async def test_a_page_hears_of_what_comes_then(filler: LedgerFiller, watch: Watch) -> None:
    stream = watch.open(EVERYTHING, here(filler))
    await hear(stream, "changed")
    filler.add(*make_outcome("m1"))
    [(_, names, reached)] = await hear(stream, "changed")
    assert "message:m1" in names
    assert reached == here(filler)


@pytest.mark.parametrize("seen", ["", "nonsense", "999-1", "1-999999"])
async def test_a_position_that_is_worth_nothing_means_all(
    filler: LedgerFiller, watch: Watch, seen: str
) -> None:
    [(_, _, reached)] = await hear(watch.open(EVERYTHING, seen), "all")
    assert reached == here(filler)


async def test_a_rebuilt_ledger_means_all(filler: LedgerFiller, watch: Watch) -> None:
    stream = watch.open(EVERYTHING, here(filler))
    await hear(stream, "changed")
    filler.store.rebuild(None)
    filler.add(*make_outcome("m1"))
    [(_, _, reached)] = await hear(stream, "all")
    assert reached.split("-")[0] == here(filler).split("-")[0]


@pytest.mark.parametrize(
    ("audience", "expected"),
    [
        (find_audience("acme", [Permission.USAGE], all_branches=True), []),
        (find_audience("acme", [Permission.OPERATE], all_branches=True), []),
        (find_audience("harbor", Permission, all_branches=True), []),
        (find_audience("acme", [Permission.READ], all_branches=False), ["message:*", "thread:*"]),
    ],
)
async def test_nobody_hears_of_what_they_may_not_see(
    filler: LedgerFiller, watch: Watch, audience: Audience, expected: list[str]
) -> None:
    before = here(filler)
    filler.add(*make_outcome("m1"))
    [(_, names, _)] = await hear(watch.open(audience, before), "changed")
    assert names == expected


async def test_many_changes_are_told_by_part(filler: LedgerFiller, watch: Watch) -> None:
    before = here(filler)
    for number in range(MOST + 1):
        filler.add(*make_outcome(f"n{number}"))
    [(_, names, _)] = await hear(watch.open(EVERYTHING, before), "changed")
    assert names == ["message:*", "thread:*"]


async def test_a_tick_says_how_old_the_ledger_is(filler: LedgerFiller, watch: Watch) -> None:
    [(_, before, _)] = await hear(watch.open(EVERYTHING, here(filler)), "tick")
    assert before is None
    filler.store.note_current(round(NOON.timestamp() * 1000), filler.store.meta("generation"))
    [(_, after, _)] = await hear(watch.open(EVERYTHING, here(filler)), "tick")
    assert after == 3.0


async def test_a_browser_that_reads_slowly_hears_all(filler: LedgerFiller, watch: Watch) -> None:
    stream = watch.open(EVERYTHING, here(filler))
    for _ in range(200):
        stream.put(b"event: tick\ndata: 1\n\n")
    assert (await hear(stream, "all"))[0][0] == "all"


async def test_an_ended_session_ends_the_stream(
    filler: LedgerFiller, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.console.live.CHECK", 0.0)
    stream = watch.open(EVERYTHING, here(filler))
    heard = [event async for event in stream.events(lambda: False)]
    assert heard[-1].startswith(b"event: end")
