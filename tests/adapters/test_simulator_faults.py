"""The platform's bad days: what each does, whom it meets, and how it is switched while the
simulator runs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest

from services.local.simulator import Script, Simulator, read_script
from services.local.simulator.determinism import Clock
from services.local.simulator.faults import Faults
from services.local.simulator.script import Endpoint, Fault
from streams.dispatch.provider_calls import Result
from tests.adapters.calls import post, twilio
from tests.adapters.sdk import sdk
from tests.journal_report import find_sent_twice, group_accepted, read_calls

TO = "+14155550100"


@pytest.mark.parametrize(
    ("fault", "result", "was_taken", "told"),
    [
        pytest.param("rate-limit", Result.LIMITED, False, False, id="429 storm"),
        pytest.param("http:500", Result.IN_DOUBT, False, False, id="500"),
        pytest.param(
            {"does": "http:503", "taken": True}, Result.IN_DOUBT, True, False, id="503, taken"
        ),
        pytest.param("reset-unread", Result.IN_DOUBT, False, False, id="reset before the body"),
        pytest.param("reset-after", Result.IN_DOUBT, True, False, id="reset after"),
        pytest.param("hang", Result.IN_DOUBT, False, False, id="hang"),
        pytest.param(
            {"does": "hang", "taken": True}, Result.IN_DOUBT, True, False, id="hang, taken"
        ),
        pytest.param("truncated", Result.IN_DOUBT, True, False, id="truncated"),
        pytest.param("no-sid", Result.IN_DOUBT, True, False, id="no sid"),
        pytest.param({"does": "slow", "seconds": 0.2}, Result.ACCEPTED, True, True, id="slow"),
        pytest.param({"does": "slow", "seconds": 20}, Result.IN_DOUBT, True, False, id="too slow"),
    ],
)
async def test_what_a_fault_does(
    fault: object, result: Result, was_taken: bool, told: bool, tmp_path: Path
) -> None:
    script = Script.model_validate({"faults": {"today": fault}})
    async with (
        Simulator(script, journal=tmp_path / "j") as sim,
        twilio(sim.url, timeout=0.5) as client,
    ):
        answer = await client.send(post(TO))
        assert answer.result is result
        [standing] = sim.faults
        assert standing.hits == 1
        sim.faults.switch_off("today")
        assert (await client.send(post(TO, message_id="m-2"))).result is Result.ACCEPTED
    calls = {call.identity: call for call in read_calls(tmp_path / "j")}
    assert calls["acme", "m-2"].told
    first = calls.get(("acme", "m-1"))
    if fault == "reset-unread":
        assert first is None, "whose it was is not known"
    else:
        assert first is not None
        assert (first.taken, first.told, first.fault) == (was_taken, told, "today")


@pytest.mark.parametrize("seconds", [None, 0.5])
async def test_retry_after_is_the_faults_own(seconds: float | None) -> None:
    script = Script.model_validate(
        {"retry_after": 7, "faults": {"storm": {"does": "rate-limit", "retry_after": seconds}}}
    )
    async with Simulator(script) as sim, twilio(sim.url) as client:
        answer = await client.send(post(TO))
        assert (answer.code, answer.retry_after) == ("20429", seconds)


async def test_a_share_is_drawn_by_seed_and_number_and_not_by_order() -> None:
    def met(faults: Faults, order: int) -> set[str]:
        numbers = [f"+1415555{n:04d}" for n in range(1000)][::order]
        return {number for number in numbers if faults.match_create(number, "24365", 1)}

    clock, storm = Clock(1.0), {"storm": Fault(does="rate-limit", share=0.2)}
    simulator = Simulator(seed=3)
    async with simulator as sim:
        drawn = sim._context.random
        first, second = (met(Faults(clock, drawn, storm), order) for order in (1, -1))
    assert first == second
    assert 150 < len(first) < 250


async def test_a_fault_for_some_numbers_and_senders_a_few_times() -> None:
    clock, sim = Clock(1.0), Simulator()
    async with sim:
        faults = Faults(clock, sim._context.random, {})
        faults.switch_on("a", Fault(does="hang", numbers=("+1415*",), senders=("24365",), most=2))
        calls = [
            ("+1212", "24365"),
            ("+1415", "36524"),
            ("+1415", "24365"),
            ("+14155", "24365"),
            ("+1415", "24365"),
        ]
        hits = [bool(faults.match_create(number, sender, 1)) for number, sender in calls]
    assert hits == [False, False, True, True, False]


class Frozen(Clock):
    time = 0.0

    def now(self) -> float:
        return self.time


async def test_a_fault_that_comes_and_goes() -> None:
    sim = Simulator()
    async with sim:
        clock = Frozen(1.0)
        faults = Faults(clock, sim._context.random, {"flaps": Fault(does="http:503", down=3, up=5)})
        down = []
        for second in range(20):
            clock.time = float(second)
            down.append(faults.match_create(TO, "24365", 1) is not None)
    assert down == [second % 8 < 3 for second in range(20)]


async def test_switched_while_it_runs(tmp_path: Path) -> None:
    async with (
        Simulator(journal=tmp_path / "j") as sim,
        twilio(sim.url) as client,
        aiohttp.ClientSession(sim.url) as http,
    ):
        async with http.put(
            "/simulator/faults/storm", json={"does": "rate-limit", "share": 1}
        ) as answer:
            assert answer.status == 200
        async with http.put("/simulator/faults/short", json="http:500") as answer:
            assert answer.status == 200
        assert (await client.send(post(TO))).result is Result.LIMITED
        async with http.get("/simulator/faults") as answer:
            shown = await answer.json()
        assert {name: one["hits"] for name, one in shown.items()} == {"storm": 1, "short": 0}
        async with http.delete("/simulator/faults/storm") as answer:
            assert (answer.status, (await answer.json())["hits"]) == (200, 1)
        async with http.delete("/simulator/faults/storm") as answer:
            assert answer.status == 404
        assert (await client.send(post(TO))).result is Result.IN_DOUBT
        async with http.delete("/simulator/faults") as answer:
            assert answer.status == 200
        assert (await client.send(post(TO))).result is Result.ACCEPTED
        async with http.put("/simulator/faults/x", json={"does": "delivered"}) as answer:
            assert answer.status == 400


@pytest.mark.parametrize(
    "wrong",
    [
        "delivered",
        "nonsense",
        {"does": "lag"},
        {"does": "reset-after", "on": "list"},
        {"does": "hang", "share": 0},
        {"does": "reset-unread", "numbers": ["+1*"]},
        {"does": "hang", "down": 0},
    ],
    ids=str,
)
def test_mistakes_are_named(wrong: object, tmp_path: Path) -> None:
    path = tmp_path / "script.yaml"
    path.write_text(
        Script().model_dump_json(exclude={"faults"})[:-1]
        + f', "faults": {{"x": {json.dumps(wrong)}}}}}'
    )
    with pytest.raises(ValueError, match=r"script\.yaml"):
        read_script(path)


async def test_a_list_that_lags() -> None:
    script = Script.model_validate(
        {"faults": {"blind": {"on": "list", "does": "lag", "seconds": 10}}}
    )
    async with Simulator(script, speed=50) as sim, sdk(sim) as anybody:
        await anybody.create(to=TO)
        assert await anybody.list(to=TO) == []
        await asyncio.sleep(0.3)
        assert len(await anybody.list(to=TO)) == 1


@pytest.mark.parametrize(
    "does", ["http:500", "rate-limit", "truncated", "reset-before", "reset-unread", "hang"]
)
async def test_a_list_that_fails(does: str) -> None:
    async with Simulator() as sim, twilio(sim.url, timeout=0.3) as client:
        assert (await client.send(post(TO))).result is Result.ACCEPTED
        sim.faults.switch_on("list", Fault(does=does, on=Endpoint.LIST))
        assert (await client.send(post(TO, message_id="m-2"))).result is Result.ACCEPTED, (
            "a create is none of its business"
        )
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.3)) as http:
            url = f"{sim.url}/2010-04-01/Accounts/{sim.account_sid}/Messages.json"
            auth = aiohttp.encode_basic_auth(sim.account_sid, sim.auth_token)
            try:
                async with http.get(
                    url, params={"To": TO}, headers={"Authorization": auth}
                ) as answer:
                    await answer.json()
                    assert answer.status in {500, 429}
            except (aiohttp.ClientError, TimeoutError):
                pass
        assert [one.hits > 0 for one in sim.faults] == [True], (
            "a client may ask twice: a GET is harmless"
        )


async def test_the_journal_shows_what_was_sent_twice(tmp_path: Path) -> None:
    """Two calls with one identity, both taken: sent twice, whoever was told what."""
    script = Script.model_validate({"numbers": {TO: ["reset-after", "delivered"]}})
    async with Simulator(script, journal=tmp_path / "j") as sim, twilio(sim.url) as client:
        await client.send(post(TO))
        await client.send(post(TO, attempt=2))
        await client.send(post(TO, message_id="m-2", body="x" * 200))
    calls = read_calls(tmp_path / "j")
    assert [call.segments for call in calls] == [1, 1, 2]
    assert [(call.attempt, call.told) for call in find_sent_twice(calls)["acme", "m-1"]] == [
        (1, False),
        (2, True),
    ]
    assert set(group_accepted(calls)) == {("acme", "m-1"), ("acme", "m-2")}
    async with Simulator(script, journal=tmp_path / "j") as sim, twilio(sim.url) as client:
        await client.send(post(TO, message_id="m-3"))
    assert [call.run for call in read_calls(tmp_path / "j")] == [1, 1, 1, 2]
