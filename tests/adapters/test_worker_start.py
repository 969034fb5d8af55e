"""What a worker needs of its Kafka before it judges anything."""

from __future__ import annotations

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from services.workers.worker import CannotStart, count_partitions
from streams.topology import GATE

pytestmark = pytest.mark.broker


async def test_a_missing_output_topic_stops_the_start(
    fresh_cluster: str,
) -> None:
    counts = await count_partitions(fresh_cluster, GATE)
    assert counts["sms.consent-log"] == counts["sms.consent-events"]
    admin = AIOKafkaAdminClient(bootstrap_servers=fresh_cluster)
    await admin.start()
    await admin.delete_topics(["sms.consent-log"])
    await admin.close()
    assert (
        await refusal(fresh_cluster)
        == "topics are missing (sms.consent-log): run `sayso topics apply` first"
    )


async def refusal(bootstrap: str) -> str:
    """A broker deletes in its own time."""
    while True:
        try:
            await count_partitions(bootstrap, GATE)
        except CannotStart as refused:
            return str(refused)
