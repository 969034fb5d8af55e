"""A run repeats exactly: same seed, same fates, same SIDs, whatever the order in which the texts
arrive."""

from __future__ import annotations

import json
import random
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as some

from services.local.simulator import Script, Simulator
from services.local.simulator.carrier import plan_changes, plan_receipts
from services.local.simulator.determinism import SeededRandom
from services.local.simulator.journal import read_entries
from services.local.simulator.script import Scenario
from tests.adapters.calls import post, twilio
from tests.adapters.waiting import quiet

MIX = Script.model_validate(
    {
        "otherwise": {
            "mix": {"delivered": 5, "undelivered:30003": 2, "failed:30006": 1, "refuse:21614": 1}
        },
        "senders": {"*": {"pace": 1e6}},
    }
)
NUMBERS = [f"+1415555{n:04d}" for n in range(40)] * 2


async def run(seed: int, order: int, journal: Path) -> list[tuple[object, ...]]:
    """What happened to whom: (number, how-manieth, outcome, code, sid, final status)."""
    numbers = list(NUMBERS)
    random.Random(order).shuffle(numbers)
    async with (
        Simulator(MIX, seed=seed, journal=journal, speed=100) as sim,
        twilio(sim.url) as client,
    ):
        for place, to in enumerate(numbers):
            await client.send(post(to, message_id=f"m{place}"))
        await quiet(sim)
        ended = {message.sid: (message.status, message.error) for message in sim.messages}
    lines = [json.loads(line) for line in journal.read_text().splitlines()]  # noqa: ASYNC240
    return sorted(
        (
            line["number"],
            line["ordinal"],
            line["outcome"],
            line.get("code") or 0,
            line.get("sid") or "",
            ended.get(line.get("sid")),
        )
        for line in lines
        if line["event"] == "create"
    )


async def test_the_seed_decides_and_the_order_does_not(tmp_path: Path) -> None:
    first = await run(1, 1, tmp_path / "1")
    assert await run(1, 2, tmp_path / "2") == first
    other = await run(2, 1, tmp_path / "3")
    assert [line[:2] for line in other] == [line[:2] for line in first]
    assert other != first
    assert not {line[4] for line in other if line[4]} & {line[4] for line in first}


async def test_a_restarted_simulator_gives_no_sid_twice(tmp_path: Path) -> None:
    sids = []
    for _ in range(2):
        async with Simulator(seed=1, journal=tmp_path / "j") as sim, twilio(sim.url) as client:
            sids.append((await client.send(post())).provider_id)
            sids.append(sim.inbound("+14155550100", "24365", "hello").sid)
    assert len(set(sids)) == 4


@given(
    some.integers(), some.text(min_size=1, max_size=12), some.integers(1, 9), some.floats(0, 1e6)
)
def test_a_timeline_moves_forward_and_repeats(
    seed: int, number: str, ordinal: int, leaves_in: float
) -> None:
    for word in ("delivered", "undelivered:30003", "failed:30006", "sent"):
        fate = Scenario.model_validate(word)
        twice = [
            plan_changes(fate, leaves_in, True, Script(), SeededRandom(seed), number, ordinal)
            for _ in range(2)
        ]
        assert twice[0] == twice[1]
        times = [change.at for change in twice[0]]
        assert times == sorted(times)
        assert plan_receipts(fate, twice[0]) == twice[0]


@given(some.integers(), some.lists(some.text(max_size=5), max_size=4))
def test_draws_stay_in_range(seed: int, what: list[str]) -> None:
    assert 0 <= SeededRandom(seed).draw(*what) < 1
    assert 2 <= SeededRandom(seed).between((2, 3), *what) <= 3


def test_a_line_that_is_being_written_is_no_entry_yet(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    journal.write_bytes(b'{"event":"create","outcome":"taken"}\n{"event":"rec')
    assert [entry["event"] for entry in read_entries(journal)] == ["create"]
