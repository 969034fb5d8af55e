"""The embedded broker: what it promises in good times, and its one sentence in bad ones."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaError

from services.kafka.admin import admin_client, all_have_leaders, wait_for_topics
from services.local.broker import BrokerError, EmbeddedBroker, find_running
from services.local.broker.state_folder import broker_folder, is_locked

pytestmark = pytest.mark.broker


def eventually(true: Callable[[], object], within: float = 30.0) -> bool:
    """Poll; the time is a limit, not a claim."""
    deadline = time.monotonic() + within
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def nobody_left(state: Path) -> bool:
    """The guard and the broker both hold the lock while they live, zombies and strangers' ids
    notwithstanding."""
    return not is_locked(broker_folder(state) / "lock")


async def produce(bootstrap: str, *values: bytes, topic: str = "kept") -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, request_timeout_ms=5000) as producer:
        for value in values:
            await producer.send_and_wait(topic, value, partition=0)


async def create(bootstrap: str, topic: str = "kept") -> None:
    async with admin_client(bootstrap) as client:
        await client.create_topics([NewTopic(topic, 1, 1)])
        await wait_for_topics(client, [topic], all_have_leaders)


async def read(bootstrap: str, count: int, topic: str = "kept") -> list[bytes | None]:
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest"
    ) as consumer:
        return [(await consumer.getone()).value for _ in range(count)]


async def test_smoke_what_is_kept_survives_a_restart(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path)
    with broker:
        assert broker.alive
        assert find_running(tmp_path) == broker.bootstrap
        await create(broker.bootstrap)
        await produce(broker.bootstrap, b"before")
    assert not broker.alive
    assert broker.failure is None
    assert find_running(tmp_path) is None
    assert nobody_left(tmp_path)
    with EmbeddedBroker(tmp_path) as again:
        assert again.bootstrap == broker.bootstrap
        await produce(again.bootstrap, b"after")
        assert await read(again.bootstrap, 2) == [b"before", b"after"]
    assert "Kafka Server started" in (broker_folder(tmp_path) / "broker.log").read_text()


async def test_ephemeral_data_is_thrown_away_and_kept_data_left_alone(tmp_path: Path) -> None:
    with EmbeddedBroker(tmp_path) as broker:
        await create(broker.bootstrap)
        await produce(broker.bootstrap, b"kept")
    with EmbeddedBroker(tmp_path, ephemeral=True) as passing:
        async with admin_client(passing.bootstrap) as client:
            assert "kept" not in await client.list_topics()
    assert not (broker_folder(tmp_path) / "ephemeral").exists()
    with EmbeddedBroker(tmp_path) as again:
        assert await read(again.bootstrap, 1) == [b"kept"]


async def test_a_killed_broker_keeps_what_it_acknowledged(
    hurtable_broker: EmbeddedBroker,
) -> None:
    where = hurtable_broker.bootstrap
    await create(where)
    await produce(where, b"acknowledged")
    os.kill(hurtable_broker.pid, signal.SIGKILL)
    assert eventually(lambda: not hurtable_broker.alive)
    assert "ended by itself (exit code 137)" in str(hurtable_broker.failure)
    assert hurtable_broker.start() == where
    assert await read(where, 1) == [b"acknowledged"]


def test_starting_twice_is_starting_once(hurtable_broker: EmbeddedBroker) -> None:
    pid = hurtable_broker.pid
    hurtable_broker.start()
    assert hurtable_broker.pid == pid


def test_a_second_broker_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    with EmbeddedBroker(tmp_path), pytest.raises(BrokerError) as refused:
        EmbeddedBroker(tmp_path, ephemeral=True).start()
    assert str(refused.value) == (
        f"A broker already runs in {broker_folder(tmp_path)}, started by process {os.getpid()}; stop that one first, or "
        "name another state folder (SAYSO_STATE)."
    )


def test_only_loopback_listens(hurtable_broker: EmbeddedBroker) -> None:
    port = int(hurtable_broker.bootstrap.split(":")[1])
    with socket.socket() as elsewhere:
        elsewhere.bind(("127.0.0.2", port))  # refused if the broker listened on every address


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_wanted_port_that_is_taken_is_one_sentence(tmp_path: Path, taken_port: int) -> None:
    with pytest.raises(BrokerError) as refused:
        EmbeddedBroker(tmp_path, port=taken_port).start()
    assert str(refused.value) == (
        f"Port {taken_port} on 127.0.0.1 is taken by another program; end that one or name another port."
    )
    assert nobody_left(tmp_path)


def test_a_remembered_port_that_is_taken_is_replaced(tmp_path: Path) -> None:
    with EmbeddedBroker(tmp_path) as broker:
        before = broker.bootstrap
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", int(before.split(":")[1])))
        other.listen()
        with EmbeddedBroker(tmp_path) as again:
            assert again.bootstrap != before
            assert find_running(tmp_path) == again.bootstrap


def test_a_folder_may_have_an_odd_name(tmp_path: Path) -> None:
    with EmbeddedBroker(tmp_path / "odd, näme=x:y" / "deep", ephemeral=True) as broker:
        assert broker.alive


STARTER = """
import os, signal, sys
from pathlib import Path
from services.local.broker import EmbeddedBroker
signal.signal(signal.SIGINT, lambda *_: print("interrupted", broker.alive, flush=True))
broker = EmbeddedBroker(Path(sys.argv[1]), ephemeral=len(sys.argv) > 2)
broker.start()
print(broker.pid, broker._guard.pid, flush=True)
sys.stdin.read()
broker.stop()
"""


class Starter:
    """Another process that has started a broker: what `sayso up` is."""

    def __init__(self, state: Path, *ephemeral: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", STARTER, state, *ephemeral],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.broker, self.guard = map(int, self.line().split())

    def line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline()

    def kill(self, *who: int) -> None:
        for process in who:
            os.kill(process, signal.SIGKILL)

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def starter(tmp_path: Path) -> Iterator[Starter]:
    starter = Starter(tmp_path)
    yield starter
    starter.end()


def test_others_find_the_broker_that_a_process_keeps(starter: Starter, tmp_path: Path) -> None:
    where = find_running(tmp_path)
    assert where
    with pytest.raises(BrokerError, match=rf"started by process {starter.process.pid};"):
        EmbeddedBroker(tmp_path).start()
    assert find_running(tmp_path) == where


def test_ctrl_c_reaches_only_the_starter(starter: Starter, tmp_path: Path) -> None:
    os.killpg(starter.process.pid, signal.SIGINT)
    assert starter.line() == "interrupted True\n"
    assert find_running(tmp_path)


@pytest.mark.parametrize(
    "order",
    [
        pytest.param(("parent",), id="the starter"),
        pytest.param(("guard",), id="the guard"),
        pytest.param(("guard", "parent"), id="the guard, then the starter"),
        pytest.param(("parent", "guard"), id="the starter, then the guard"),
        pytest.param(("broker", "parent"), id="the broker, then the starter"),
    ],
)
def test_whoever_is_killed_no_broker_is_left(
    starter: Starter, tmp_path: Path, order: tuple[str, ...]
) -> None:
    if sys.platform != "linux" and "guard" in order:
        pytest.skip("only Linux kills the broker of a killed guard (PR_SET_PDEATHSIG)")
    processes = {"parent": starter.process.pid, "guard": starter.guard, "broker": starter.broker}
    starter.kill(*(processes[who] for who in order))
    assert eventually(lambda: nobody_left(tmp_path))
    assert find_running(tmp_path) is None


def test_after_a_kill_of_the_starter_a_start_succeeds_at_once(
    starter: Starter, tmp_path: Path
) -> None:
    before = find_running(tmp_path)
    starter.end()
    with EmbeddedBroker(tmp_path) as broker:
        assert broker.bootstrap == before


def test_ephemeral_data_goes_even_when_the_starter_is_killed(tmp_path: Path) -> None:
    starter = Starter(tmp_path, "ephemeral")
    assert (broker_folder(tmp_path) / "ephemeral" / "data").exists()
    starter.end()
    assert eventually(lambda: nobody_left(tmp_path))
    assert not (broker_folder(tmp_path) / "ephemeral").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 160 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=160m", "sayso-test", str(folder)]
    if os.geteuid() or subprocess.run(mount, stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip("a disk to fill must be mounted, which takes root")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_at_the_start_is_one_sentence(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(bytes(120 << 20))
    with pytest.raises(BrokerError) as refused:
        EmbeddedBroker(small_disk).start()
    assert str(refused.value).startswith(
        f"The disk that holds {broker_folder(small_disk)}/kept is full: the broker needs"
    )
    assert nobody_left(small_disk)


def fill_up(disk: Path) -> None:
    with (disk / "ballast").open("wb", buffering=0) as ballast:
        while True:
            ballast.write(bytes(1 << 20))


async def test_a_disk_that_fills_up_ends_the_broker_and_is_named(small_disk: Path) -> None:
    with EmbeddedBroker(small_disk) as broker:
        await create(broker.bootstrap)
        with pytest.raises(OSError, match="No space left"):
            fill_up(small_disk)
        with pytest.raises(KafkaError):
            await produce(broker.bootstrap, *[bytes(100_000)] * 100)
        assert eventually(lambda: not broker.alive)
        assert str(broker.failure) == (
            f"The disk that holds {broker_folder(small_disk)} is full; free some space and start again."
        )
