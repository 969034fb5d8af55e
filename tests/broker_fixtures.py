"""The broker for tests: the one of SAYSO_BOOTSTRAP, else Docker's, else the embedded one; never
none.

`SAYSO_TEST_BROKER=embedded` or `=docker` forces one of the two."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import GroupLoadInProgressError
from aiokafka.protocol.admin import DeleteGroupsRequest
from aiokafka.protocol.group import LeaveGroupRequest

from services.kafka.admin import CHANGE_TIMEOUT, admin_client, all_have_leaders, wait_for_topics
from services.kafka.topics import apply
from services.local.broker import EmbeddedBroker
from tests import kafka_container

PARTITIONS = 4
NO_SUCH_GROUP = 69
"""GROUP_ID_NOT_FOUND, in Kafka's numbers."""

MakeTopic = Callable[..., Awaitable[str]]


@cache
def kind() -> str:
    """`given`, `docker` or `embedded`."""
    forced = os.environ.get("SAYSO_TEST_BROKER")
    if forced not in {None, "", "docker", "embedded"}:
        raise pytest.UsageError(f"SAYSO_TEST_BROKER is {forced!r}; it may be docker or embedded.")
    if forced:
        return forced
    if os.environ.get("SAYSO_BOOTSTRAP"):
        return "given"
    return "docker" if kafka_container.obtainable() else "embedded"


def private_broker(folder: Path) -> AbstractContextManager[str]:
    """A broker of the test's own, and where it is."""
    return _container() if kind() == "docker" else _embedded(folder)


def pytest_report_header() -> str:
    return f"broker for tests: {kind()}"


@pytest.fixture(scope="session")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker that all tests share: make topics of your own on it (`make_topic`)."""
    if kind() == "given":
        yield os.environ["SAYSO_BOOTSTRAP"]
        return
    with private_broker(tmp_path_factory.mktemp("broker")) as where:
        yield where


class Cleared:
    """One broker for all tests that want theirs empty: clearing it takes half a second, and
    starting one takes four to eight on a slow machine, eighty times over."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders = folders
        self._open = ExitStack()
        self._where: str | None = None

    async def bootstrap(self) -> str:
        if self._where is None or not await _cleared(self._where):
            self.close()
            self._where = self._open.enter_context(private_broker(self._folders.mktemp("cleared")))
        return self._where

    def close(self) -> None:
        self._open.close()
        self._where = None


async def _cleared(where: str) -> bool:
    """Whether all topics and groups are gone.  A member that was killed, or a static one, keeps its
    group until its session ends: it leaves by our hand."""
    async with admin_client(where) as client:
        if groups := await _groups(client):
            await _remove_members(client, groups)
            answer = await client._send_request(
                DeleteGroupsRequest(groups)
            )  # which aiokafka has no method for
            if any(code not in {0, NO_SUCH_GROUP} for _, code in answer.results):
                return False
        if topics := [name for name in await client.list_topics() if not name.startswith("__")]:
            await client.delete_topics(topics)
            async with asyncio.timeout(CHANGE_TIMEOUT):
                while not set(topics).isdisjoint(await client.list_topics()):  # noqa: ASYNC110 - the brokers change it
                    await asyncio.sleep(0.02)
    return True


async def _remove_members(client: AIOKafkaAdminClient, groups: list[str]) -> None:
    for name in groups:  # one at a time: aiokafka cannot read the answer on several
        for answer in await client.describe_consumer_groups([name]):
            for _, group, _, _, _, members, *_ in answer.groups:
                for member in members:
                    await client._send_request(LeaveGroupRequest(group, member[0]))


async def _groups(client: AIOKafkaAdminClient) -> list[str]:
    """A coordinator loads its groups when it is first needed, and until then names none."""
    async with asyncio.timeout(CHANGE_TIMEOUT):
        while True:
            try:
                return [name for name, *_ in await client.list_consumer_groups()]
            except GroupLoadInProgressError:
                await asyncio.sleep(0.02)


@pytest.fixture(scope="session")
def cleared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cleared]:
    shared = Cleared(tmp_path_factory)
    yield shared
    shared.close()


@pytest.fixture
async def empty_broker(cleared: Cleared) -> str:
    """A broker without topics, for this test alone."""
    return await cleared.bootstrap()


@pytest.fixture
async def fresh_cluster(empty_broker: str) -> str:
    """A broker with all of Sayso's topics, empty, for this test alone."""
    await apply(empty_broker, partitions=PARTITIONS, replication=1)
    return empty_broker


@pytest.fixture
def hurtable_broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    """A broker that may be stopped, killed (`pid`) and started again on its data and port; the
    embedded one always."""
    with EmbeddedBroker(tmp_path / "hurtable") as broker:
        yield broker


@pytest.fixture
async def make_topic(bootstrap: str) -> AsyncIterator[MakeTopic]:
    """`await make_topic("orders", partitions=4, cleanup_policy="compact")` -> a name nobody else
    has."""
    made: list[str] = []

    async def make(prefix: str = "test", partitions: int = PARTITIONS, **config: Any) -> str:
        name = f"{prefix}.{uuid.uuid4().hex[:12]}"
        settings = {setting.replace("_", "."): str(value) for setting, value in config.items()}
        async with admin_client(bootstrap) as client:
            answer = await client.create_topics(
                [NewTopic(name, partitions, 1, topic_configs=settings)]
            )
            assert [code for _, code, _ in answer.topic_errors] == [0], answer
            await wait_for_topics(
                client,
                [name],
                lambda there: all_have_leaders(there) and there[name].partitions == partitions,
            )
        made.append(name)
        return name

    yield make
    if made:
        async with admin_client(bootstrap) as client:
            await client.delete_topics(made)


@contextmanager
def _embedded(folder: Path) -> Iterator[str]:
    with EmbeddedBroker(folder, ephemeral=True) as broker:
        yield broker.bootstrap


@contextmanager
def _container() -> Iterator[str]:
    with kafka_container.ApacheKafkaContainer() as container:
        yield container.bootstrap
