"""The broker for tests: the one of SAYSO_BOOTSTRAP, else Docker's, else the embedded one; never none.

`SAYSO_TEST_BROKER=embedded` or `=docker` forces one of the two."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import NewTopic

from services.broker import EmbeddedBroker
from services.broker.admin import admin
from services.broker.described import led, until
from services.broker.topics import apply
from tests import kafka_container

PARTITIONS = 4

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


@pytest.fixture
async def fresh_cluster(tmp_path: Path) -> AsyncIterator[str]:
    """A broker of this test's own with every topic of the house on it, empty.

    Deleting and re-creating the topics of a shared one would be no cheaper than the two seconds this takes, and would
    leave groups, transactions and stragglers of the test before."""
    with private_broker(tmp_path / "broker") as where:
        await apply(where, partitions=PARTITIONS, replication=1)
        yield where


@pytest.fixture
def hurtable_broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    """A broker that may be stopped, killed (`pid`) and started again on its data and port; the embedded one always."""
    with EmbeddedBroker(tmp_path / "hurtable") as broker:
        yield broker


@pytest.fixture
async def make_topic(bootstrap: str) -> AsyncIterator[MakeTopic]:
    """`await make_topic("orders", partitions=4, cleanup_policy="compact")` -> a name nobody else has."""
    made: list[str] = []

    async def make(prefix: str = "test", partitions: int = PARTITIONS, **config: Any) -> str:
        name = f"{prefix}.{uuid.uuid4().hex[:12]}"
        settings = {setting.replace("_", "."): str(value) for setting, value in config.items()}
        async with admin(bootstrap) as client:
            answer = await client.create_topics([NewTopic(name, partitions, 1, topic_configs=settings)])
            assert [code for _, code, _ in answer.topic_errors] == [0], answer
            await until(client, [name], lambda there: led(there) and there[name].partitions == partitions)
        made.append(name)
        return name

    yield make
    if made:
        async with admin(bootstrap) as client:
            await client.delete_topics(made)


@contextmanager
def _embedded(folder: Path) -> Iterator[str]:
    with EmbeddedBroker(folder, ephemeral=True) as broker:
        yield broker.bootstrap


@contextmanager
def _container() -> Iterator[str]:
    with kafka_container.ApacheKafkaContainer() as container:
        yield container.bootstrap
