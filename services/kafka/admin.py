"""A Kafka admin client that ends with its block and says in one sentence when nobody answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError

from services.kafka.errors import BrokerError
from services.kafka.security import access, nobody


@asynccontextmanager
async def admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """Raises BrokerError."""
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap, client_id="sayso-admin", **access())
    try:
        await client.start()
        yield client
    except KafkaConnectionError as error:
        raise BrokerError(
            f"{nobody(bootstrap)}; check SAYSO_BOOTSTRAP, or run `sayso up` to have one."
        ) from error
    finally:
        await client.close()
