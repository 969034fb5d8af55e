"""Wait at a start until Kafka answers, where a supervisor punishes those that end.

Kubernetes starts a container that ended again after ever longer pauses, up to five minutes. After
an outage of Kafka all workers would be in such a pause, and a STOP would wait for them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from services.kafka.security import security_options, unreachable_message
from services.settings import ServiceSettings

ANSWER: Final = 10.0
"""Seconds that a broker has for one answer."""
LONGEST_PAUSE: Final = 5.0
"""Seconds between two questions; the first pauses are shorter."""
SAY_EVERY: Final = 60.0
"""Seconds between two lines of the log."""

log = logging.getLogger(__name__)


async def wait_for_broker(settings: ServiceSettings, stop: asyncio.Event) -> bool:
    """Return when a broker answers or `kafka_wait` seconds are over: what the caller does next says
    what is wrong. False: it was told to stop meanwhile. Raises SettingsError."""
    if not settings.kafka_wait:
        return True
    bootstrap = settings.required_bootstrap
    began = time.monotonic()
    said_at = float("-inf")
    pause = 0.5
    while not stop.is_set():
        left = began + settings.kafka_wait - time.monotonic()
        if left <= 0 or await _answers(bootstrap, settings):
            return True
        if time.monotonic() - said_at >= SAY_EVERY:
            said_at = time.monotonic()
            why = unreachable_message(bootstrap)
            log.warning("waiting for Kafka since %.0f s: %s", said_at - began, why)
        pause = min(2 * pause, LONGEST_PAUSE)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), min(pause, left))
    return False


async def _answers(bootstrap: str, settings: ServiceSettings) -> bool:
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap, **security_options(settings))
    try:
        async with asyncio.timeout(ANSWER):
            await client.start()
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        with contextlib.suppress(KafkaError, OSError):
            await client.close()
    return True
