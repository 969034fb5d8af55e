"""Three brokers start, replicate, and are hurt one at a time; and what people are told of it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from schemas.topics import DECISIONS
from services.kafka.topic_health import describe_health, read_topic_health
from services.kafka.topics import apply
from services.local.broker import count_kept_brokers, find_running
from services.local.stack import StackOptions, run_stack
from services.operations.errors import InvalidRequest
from services.operations.topics import Layout, choose_layout
from tests.adapters.processes import environment
from tests.cluster.verbs import TestCluster, open_cluster

pytestmark = [pytest.mark.broker, pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cluster")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(folder: Path) -> AsyncIterator[TestCluster]:
    """With Sayso's topics, once for this file."""
    async with open_cluster(folder, proxied=True) as made:
        layout = await choose_layout(made.bootstrap, embedded=True)
        assert layout == Layout(1, 3)
        await apply(made.bootstrap, partitions=1, replication=3)
        await made.until_in_sync()
        yield made


def topics_list(bootstrap: str, *options: str) -> str:
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "services.cli",
            "topics",
            "list",
            "--bootstrap",
            bootstrap,
            *options,
        ],
        capture_output=True,
        text=True,
        check=True,
        env=environment({"NO_COLOR": "1", "COLUMNS": "200"}),
    ).stdout


async def test_every_topic_has_three_copies(cluster: TestCluster, folder: Path) -> None:
    health = await read_topic_health(cluster.bootstrap)
    assert health.is_good
    assert describe_health(health) == []
    assert {len(part.copies) for part in health.cluster.partitions} == {3}
    assert health.topics[DECISIONS.name].min_insync == 2
    running = find_running(folder)
    assert running
    assert len(running.split(",")) == 3


@pytest.mark.long
async def test_a_killed_leader_is_followed_by_another_and_two_are_too_many(
    cluster: TestCluster,
) -> None:
    """The broker that is left at the end still believes in the others: they are asked."""
    leader = await cluster.leader_of(DECISIONS.name, 0)
    await cluster.kill(leader)
    async with AIOKafkaProducer(bootstrap_servers=cluster.bootstrap, acks="all") as producer:
        await producer.send_and_wait(DECISIONS.name, b"{}", partition=0)
    second = await cluster.leader_of(DECISIONS.name, 0)
    assert second != leader
    health = await read_topic_health(cluster.bootstrap)
    assert list(health.cluster.silent) == [leader]
    assert health.topics[DECISIONS.name].under_replicated == (0,)
    assert health.below_min_insync == []
    await cluster.kill(second)
    said = await asyncio.to_thread(topics_list, cluster.bootstrap, "--json")
    row = next(row for row in json.loads(said) if row["topic"] == DECISIONS.name)
    assert (row["below_min_insync"], row["under_replicated"]) == ([0], [0])
    health = await read_topic_health(cluster.bootstrap)
    assert set(health.cluster.silent) == {leader, second}
    assert f"{DECISIONS.name}-0" in health.below_min_insync
    assert await asyncio.to_thread(cluster.brokers.start_dead) == sorted((leader, second))
    await cluster.until_in_sync()
    assert "take no records" not in await asyncio.to_thread(topics_list, cluster.bootstrap)


@pytest.mark.long
async def test_a_cut_is_between_clients_and_one_broker(cluster: TestCluster) -> None:
    cluster.cut(2)
    health = await read_topic_health(cluster.bootstrap)
    assert list(health.cluster.silent) == [2]
    cluster.mend(2)
    assert (await read_topic_health(cluster.bootstrap)).is_good


@pytest.mark.parametrize(("kept", "asked"), [(3, 1), (3, 5), (1, 3), (0, 2)])
async def test_a_folder_keeps_its_number_of_brokers(tmp_path: Path, kept: int, asked: int) -> None:
    nodes = [tmp_path] if kept == 1 else [tmp_path / "cluster" / f"node-{n}" for n in range(kept)]
    for node in nodes:
        (node / "broker" / "kept" / "data").mkdir(parents=True)
    assert count_kept_brokers(tmp_path) == kept
    with pytest.raises(InvalidRequest):
        async with run_stack(StackOptions(tmp_path, brokers=asked), print):
            pass
