"""The gate's real worker: what one producer's bad records and a topic created again do to it, and what
staff are told."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic

from schemas.consent import ConsentEvent
from schemas.tenant_settings import TenantSettings
from schemas.topics import CONSENT_EVENTS, CONSENT_LOG, SEND_REQUESTS, SETTINGS
from services.kafka.admin import admin_client
from services.local.supervisor import ProcessFailed
from streams.partition.decoding import partition_of
from tests.bench.gate import tell
from tests.broker_fixtures import PARTITIONS
from tests.faults.trouble.gate_worker import GateWorker, start_gate_worker
from tests.read_committed import records
from tests.simulation.world import START

pytestmark = pytest.mark.broker

BAD = 170
ACME = TenantSettings(tenant="acme", name="Acme", sender="24273")
NUMBERS = [
    number
    for number in (f"+1212555{n:04d}" for n in range(100, 200))
    if partition_of(f"acme/{number}".encode(), PARTITIONS) == 0
][:5]


async def publish_bad(bootstrap: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for _ in range(BAD):
            await producer.send(SEND_REQUESTS.name, b"not a request", partition=0)


async def stop_all(bootstrap: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for number in NUMBERS:
            event = ConsentEvent(
                event_id=f"stop-{number[1:]}",
                tenant="acme",
                number=number,
                action="opt_out",
                source="manual",
                actor="dana",
                at=START,
            )
            key = CONSENT_EVENTS.key(event).encode()
            await producer.send(
                CONSENT_EVENTS.name, CONSENT_EVENTS.encode(event), key=key, partition=0
            )


async def wait_for_stops(bootstrap: str) -> None:
    async with asyncio.timeout(60):
        while True:
            log = [
                json.loads(one.value or b"{}") for one in await records(bootstrap, CONSENT_LOG.name)
            ]
            if {one["number"] for one in log if one["action"] == "opt_out"} == set(NUMBERS):
                return
            await asyncio.sleep(0.2)


async def sayso(worker: GateWorker, *command: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "services.cli", *command, "--bootstrap", worker.bootstrap),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "SAYSO_STATE": str(worker.folder)},
    )
    out, _ = await process.communicate()
    return process.returncode, out.decode()


@pytest.mark.timeout(240)
async def test_bad_requests_hold_up_no_stop_and_staff_are_told(
    fresh_cluster: str, tmp_path: Path
) -> None:
    async with start_gate_worker(fresh_cluster, tmp_path) as worker:
        await tell(worker.bootstrap, SETTINGS, [ACME])
        await worker.start()
        pid = worker.pid
        await publish_bad(worker.bootstrap)
        await stop_all(worker.bootstrap)
        await wait_for_stops(worker.bootstrap)
        assert (await worker.lag_is("STALLED", partition=0)).startswith("STALLED: stands still at")
        assert worker.pid == pid
        place = "sms.send-requests/0@100"
        code, lag = await sayso(worker, "lag", "--room", "gate")
        assert code == 1
        code, listed = await sayso(worker, "dlq", "list")
        assert code == 0
        for said in (lag, listed, worker.log):
            assert "stands still at 100" in said
            assert "the first at 0 (" in said
            assert f"SAYSO_ACCEPT_DEAD_LETTERS={place}" in said
        await worker.supervisor.stop()
        await worker.start()
        assert (await worker.lag_is("STALLED", partition=0)).startswith("STALLED: stands still at")
        assert (await sayso(worker, "dlq", "list"))[1] == listed, "no more than before"
        await worker.supervisor.stop()
        await worker.start(SAYSO_ACCEPT_DEAD_LETTERS=place)
        assert await worker.lag_is("OK", partition=0) == "OK"
        code, letters = await sayso(worker, "dlq", "list", "--json")
        causes = [one["cause"] for one in json.loads(letters)]
        assert causes.count("invalid") == BAD
        assert causes.count("stands_still") == 1


@pytest.mark.long
@pytest.mark.timeout(240)
async def test_lag_and_worker_name_a_topic_that_was_made_anew(
    fresh_cluster: str, tmp_path: Path
) -> None:
    """It holds as many records as were read before."""
    async with start_gate_worker(fresh_cluster, tmp_path) as worker:
        await worker.start()
        await worker.ask(40)
        assert await worker.lag_is("OK") == "OK"
        await worker.supervisor.stop()
        async with admin_client(worker.bootstrap) as client:
            await client.delete_topics([SEND_REQUESTS.name])
            async with asyncio.timeout(30):
                while SEND_REQUESTS.name in await client.list_topics():  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            await client.create_topics([NewTopic(SEND_REQUESTS.name, PARTITIONS, 1)])
        await asyncio.sleep(1)
        await worker.ask(40)
        assert "it was deleted and created again" in await worker.lag_is("STOPPED")
        with pytest.raises(
            ProcessFailed, match=r"DataLoss: sms.send-requests partition .* created again"
        ):
            await worker.start()
