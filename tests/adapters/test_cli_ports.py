"""A port that another program has: the process says which, and `sayso up` names the process."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.local import process_specs
from services.local.supervisor import ProcessFailed, Supervisor
from services.observability.health import serve_health
from services.observability.registry import MetricRegistry
from services.ports import LOOPBACK, CannotListen, explain_bind_errors


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as somebody:
        somebody.bind((LOOPBACK, 0))
        somebody.listen()
        yield somebody.getsockname()[1]


async def test_a_taken_port_is_named_with_its_process_and_a_way_out(
    taken: int, tmp_path: Path
) -> None:
    """Free when `up` looked, taken when the process came to it: between the two lies a moment."""
    url = f"http://{LOOPBACK}:{taken}"
    where = process_specs.Addresses(taken, url, url, taken, tmp_path / "journal.jsonl", taken)
    environment = process_specs.build_environment(f"{LOOPBACK}:9", tmp_path, where)
    supervisor = Supervisor(tmp_path, lambda _: None)

    async def said(spec: process_specs.ProcessSpec) -> str:
        with pytest.raises(ProcessFailed) as failed:
            await supervisor.start([spec])
        return str(failed.value)

    settings = {
        "webhook": "SAYSO_WEBHOOK_PORT",
        "console": "SAYSO_CONSOLE_PORT",
        "simulator": "--port",
    }
    specs = process_specs.edge_specs(environment, where, None, 0)
    assert await asyncio.gather(*map(said, specs)) == [
        f"{spec.name} did not start: Port {taken} is taken on {LOOPBACK}: end what listens there, or name another port"
        f" by {settings[spec.name]} (its log: {tmp_path / 'logs' / spec.name}.log)"
        for spec in specs
    ]
    await supervisor.stop()
    await supervisor.close()


async def test_a_taken_metrics_port_is_one_sentence(taken: int) -> None:
    with pytest.raises(
        CannotListen, match=rf"^Port {taken} is taken on {LOOPBACK}.*SAYSO_METRICS_PORT$"
    ):
        async with serve_health(LOOPBACK, taken, MetricRegistry(()), dict):
            pass


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (
            errno.EACCES,
            "Port 80 wants rights that this user does not have: name one above 1023 by --port",
        ),
        (
            errno.EADDRNOTAVAIL,
            "10.9.9.9 is no address of this machine: nothing can listen on its port 80",
        ),
        (errno.EIO, "Port 80 on 10.9.9.9, by --port, cannot be had: it broke"),
    ],
)
def test_each_bind_error_has_its_own_sentence(number: int, words: str) -> None:
    with pytest.raises(CannotListen) as error, explain_bind_errors("10.9.9.9", 80, "--port"):
        raise OSError(number, "it broke")
    assert str(error.value) == words
