"""Every service as a user of its own, over TLS, with the rights that `sayso topics acls` tells
and no others."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.consent import ConsentEvent
from schemas.send_request import SendRequest
from schemas.topics import (
    CONSENT_EVENTS,
    CONSENT_LOG,
    DELIVERY_RECEIPTS,
    OUTCOMES,
    SEND_REQUESTS,
    TOPICS,
    Topic,
)
from services.kafka.acls import compute_rights
from services.kafka.publisher import NotPublished, Publisher
from services.ledger.topic_reader import TopicReaderError, open_reader
from services.local import process_specs
from services.local.stack import publish_sample
from services.local.supervisor import Supervisor
from tests.e2e.running_stack import TENANT, write_script
from tests.secure_cluster import SecureCluster, run_secure_cluster

pytestmark = pytest.mark.broker

NUMBER = "+12125550117"
NOW = datetime.now(UTC)


@pytest.mark.timeout(300)
async def test_every_service_does_its_work_with_its_own_rights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run_secure_cluster(
        tmp_path / "kafka", list(compute_rights()), certified="webhook"
    ) as kafka:
        await sayso("topics", "acls", "--apply", "--bootstrap", kafka.open)
        await sayso(
            "topics",
            "apply",
            "--bootstrap",
            kafka.tls,
            "--partitions",
            "2",
            "--replication",
            "1",
            told=kafka.environment("topics"),
        )
        await publish_sample(kafka.open)
        async with running(kafka, tmp_path / "state"):
            log_in(monkeypatch, kafka.environment("producer"))
            await ask(kafka.tls, "before")
            log_in(monkeypatch, kafka.environment("staff"))
            await seen(
                kafka.tls, OUTCOMES, lambda m: m.message_id == "before" and m.state == "delivered"
            )
            await seen(kafka.tls, CONSENT_LOG, lambda m: m.action == "opt_out" and m.applied)
            log_in(monkeypatch, kafka.environment("producer", "sasl_plaintext"))
            await ask(kafka.scram, "after")
            log_in(monkeypatch, kafka.environment("staff"))
            await seen(
                kafka.tls, OUTCOMES, lambda m: m.message_id == "after" and m.state == "rejected"
            )
            assert "sayso.gate" in await sayso(
                "lag", "--json", "--bootstrap", kafka.tls, told=kafka.environment("ops")
            )
        await refused(kafka, monkeypatch)


async def refused(kafka: SecureCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is beyond a list, with a password or a certificate; and a password that is wrong."""
    request = asked("forged")
    for bootstrap, told in (
        (kafka.tls, kafka.environment("webhook")),
        (kafka.certified, kafka.certificate("webhook")),
    ):
        log_in(monkeypatch, told)
        publisher = Publisher(bootstrap, source="test")
        try:
            async with open_reader(
                bootstrap, {DELIVERY_RECEIPTS.name}
            ) as source:  # it sees what it may write
                assert await source.ends()
            with pytest.raises(NotPublished, match="TopicAuthorizationFailed"):
                await publisher.publish(SEND_REQUESTS, request)
        finally:
            await publisher.stop()
    log_in(monkeypatch, {**kafka.environment("staff"), "SAYSO_KAFKA_PASSWORD": "guessed"})
    with pytest.raises(
        TopicReaderError, match="or it does not let us in as sayso-staff by sasl_ssl"
    ):
        async with open_reader(kafka.tls, {topic.name for topic in TOPICS}):
            pass


@asynccontextmanager
async def running(kafka: SecureCluster, state: Path) -> AsyncIterator[None]:
    script = write_script(
        state, {"numbers": {NUMBER: {"replies": [{"after_texts": 1, "body": "STOP"}]}}}
    )
    where = process_specs.choose_addresses(state, simulated=True)
    told = process_specs.build_environment(kafka.tls, state, where)
    supervisor = Supervisor(state, lambda sentence: None)
    everybody = [
        *process_specs.edge_specs(told, where, script, 1),
        process_specs.ledger_spec(told),
        process_specs.event_webhooks_spec(told),
        *process_specs.processor_specs(told),
    ]
    try:
        await supervisor.start(
            [
                part._replace(environment={**told, **kafka.environment(part.name)})
                for part in everybody
            ]
        )
        yield
    finally:
        await supervisor.stop()
        await supervisor.close()


def log_in(monkeypatch: pytest.MonkeyPatch, told: Mapping[str, str]) -> None:
    for name in [name for name in os.environ if name.startswith("SAYSO_KAFKA_")]:
        monkeypatch.delenv(name)
    for name, value in told.items():
        monkeypatch.setenv(name, value)


def asked(name: str) -> SendRequest:
    return SendRequest(
        message_id=name,
        tenant=TENANT,
        to=NUMBER,
        body=f"Text {name}",
        kind="transactional",
        requested_at=NOW,
    )


async def ask(bootstrap: str, name: str) -> None:
    claim = ConsentEvent(
        event_id="form-1", tenant=TENANT, number=NUMBER, action="opt_in", source="form", at=NOW
    )
    publisher = Publisher(bootstrap, source="test", timeout=30)
    try:
        await publisher.publish(CONSENT_EVENTS, claim)
        await publisher.publish(SEND_REQUESTS, asked(name))
    finally:
        await publisher.stop()


async def seen(bootstrap: str, topic: Topic[Any], wanted: Callable[[Any], bool]) -> None:
    async with open_reader(bootstrap, {topic.name}) as source:
        source.seek(await source.starts())
        while not any(
            entry.value and wanted(topic.decode(entry.value))
            for entry in (await source.batch(0.5))[0]
        ):
            pass


async def sayso(*arguments: str, told: Mapping[str, str] | None = None) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.cli",
        *arguments,
        env={**os.environ, **(told or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode in {0, 1}, err.decode()
    assert out or not process.returncode, err.decode()
    return out.decode()
