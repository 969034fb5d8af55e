"""How many partitions new topics get: as many as the others, and one where one worker serves
them."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.topics import DECISIONS, EVERY_TOPIC, SETTINGS
from services.kafka.topics import apply, describe
from services.local.broker import EmbeddedBroker
from services.operations.topics import Layout, choose_layout

pytestmark = pytest.mark.broker


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SAYSO_PARTITIONS", "SAYSO_REPLICATION"):
        monkeypatch.delenv(name, raising=False)


async def test_how_many_partitions_a_new_stack_gets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with EmbeddedBroker(tmp_path, ephemeral=True) as broker:
        assert await choose_layout(broker.bootstrap, embedded=True) == Layout(1, 1)
        assert await choose_layout(broker.bootstrap, embedded=False) == Layout(12, 1)
        monkeypatch.setenv("SAYSO_PARTITIONS", "6")
        assert await choose_layout(broker.bootstrap, embedded=True) == Layout(6, 1)
        assert await choose_layout(broker.bootstrap, embedded=True, partitions=3) == Layout(3, 1)


async def test_a_new_topic_gets_as_many_partitions_as_the_old_ones(
    tmp_path: Path,
) -> None:
    old = [topic for topic in EVERY_TOPIC if topic.name != DECISIONS.name]
    with EmbeddedBroker(tmp_path) as broker:
        await apply(broker.bootstrap, partitions=4, replication=1, topics=old)
    with EmbeddedBroker(tmp_path) as broker:
        layout = await choose_layout(broker.bootstrap, embedded=True)
        changes = await apply(
            broker.bootstrap, partitions=layout.partitions, replication=layout.replication
        )
        assert [(change.topic, change.did) for change in changes] == [(DECISIONS.name, "created")]
        found = {topic.topic: topic.partitions for topic in await describe(broker.bootstrap)}
    assert found.pop(SETTINGS.name) == 1
    assert set(found.values()) == {1, 4}
    assert found[DECISIONS.name] == 4
