"""The simulator as a process: starts, answers, ends on a signal, and leaves a journal that
anybody can count."""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
from pathlib import Path

import aiohttp

from streams.dispatch.provider_calls import Result
from tests.adapters.calls import post, twilio
from tests.adapters.processes import CREDENTIALS, launch, service

MODULE = "services.local.simulator"


async def test_ends_on_sigterm_with_a_call_still_open(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text(json.dumps({"otherwise": "hang"}))
    async with (
        service(MODULE, tmp_path, "--script", str(script), **CREDENTIALS) as sim,
        twilio(sim.url) as client,
    ):
        call = asyncio.create_task(client.send(post()))
        await asyncio.sleep(0.2)
        sim.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(sim.process.wait(), 20) == 0
        assert (await call).result is Result.IN_DOUBT


async def test_the_journal_of_a_killed_simulator_is_whole(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    async with (
        service(MODULE, tmp_path, "--log", str(journal), **CREDENTIALS) as sim,
        twilio(sim.url) as client,
    ):
        answers = [await client.send(post(message_id=f"m{n}", body=f"text {n}")) for n in range(20)]
        sim.process.kill()
        await sim.process.wait()
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    taken = [line for line in lines if line["event"] == "create"]
    assert [line["sid"] for line in taken] == [answer.provider_id for answer in answers]
    assert [line["callback"] for line in taken] == [
        {"tenant": "acme", "message_id": f"m{n}", "attempt": "1"} for n in range(20)
    ]
    assert taken[3]["body"] == hashlib.sha256(b"text 3").hexdigest()
    assert {"at", "t", "number", "sender", "segments", "ordinal", "outcome"} <= taken[0].keys()


async def test_the_admin_api(tmp_path: Path) -> None:
    async with service(MODULE, tmp_path, **CREDENTIALS) as sim, aiohttp.ClientSession() as http:
        text = {"from": "+14155550100", "to": "24365", "body": "hello"}
        async with http.post(sim.url + "/simulator/inbound", json=text) as answer:
            assert answer.status == 200
        async with http.post(
            sim.url + "/simulator/inbound", json={"from": "+14155550100"}
        ) as answer:
            assert (answer.status, "to, body" in await answer.text()) == (400, True)
        async with http.get(sim.url + "/simulator/messages") as answer:
            assert [message["body"] for message in await answer.json()] == ["hello"]
        async with http.get(sim.url + "/simulator/stats") as answer:
            assert await answer.json() == {
                "events": {"inbound.heard": 1},
                "statuses": {"received": 1},
                "pending": 0,
            }


async def test_one_sentence_when_it_cannot_start(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("numbers: {'+1': deliverd}")
    for options, credentials in (
        ([], {}),
        (["--script", str(wrong)], CREDENTIALS),
        (["--script", "none"], CREDENTIALS),
    ):
        process = await launch(MODULE, *options, **credentials)
        _, said = await process.communicate()
        assert process.returncode == 2
        assert len(said.decode().strip().splitlines()) == 1, said
