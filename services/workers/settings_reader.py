"""Settings and senders: read whole before anything is judged, followed after.

Stands in for Faust's GlobalTable, which shares the recovery races of its other tables.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import ValidationError

from schemas.sender import Sender
from schemas.tenant_settings import TenantSettings
from schemas.topics import SENDERS, SETTINGS
from services.kafka.header_patch import allow_any_header_name
from streams.processing import Settings, build_settings

log = logging.getLogger(__name__)

LONG_POLL = 5_000
"""Milliseconds that the broker keeps a fetch that finds nothing.  The first record ends it: a change comes at once."""


class SettingsReader:
    """`current` is a snapshot; a new one takes its place when a tenant's or sender's record arrives."""

    def __init__(self, bootstrap: str, fatal: Callable[[BaseException], None], **auth: Any) -> None:
        allow_any_header_name()
        self.current = Settings()
        self._fatal = fatal
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            fetch_max_wait_ms=LONG_POLL,
            **auth,
        )
        self._tenants: dict[str, TenantSettings] = {}
        self._senders: dict[str, Sender] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns when both topics have been read to the ends seen at the start."""
        await self._consumer.start()
        places = [TopicPartition(topic.name, 0) for topic in (SETTINGS, SENDERS)]
        ends = await self._consumer.end_offsets(
            places
        )  # before the first fetch: behind a long poll it would wait
        self._consumer.assign(places)
        await self._consumer.seek_to_beginning(*places)
        while any([await self._consumer.position(place) < ends[place] for place in places]):
            await self._read()
        self._task = asyncio.create_task(self._follow(), name="broadcast")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        await self._consumer.stop()

    async def _follow(self) -> None:
        try:
            while True:
                await self._read()
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - judging by old settings without knowing would be worse
            self._fatal(error)

    async def _read(self) -> None:
        batches = await self._consumer.getmany(timeout_ms=LONG_POLL)
        for records in batches.values():
            for record in records:
                self._take(record)
        if batches:
            self.current = build_settings(dict(self._tenants), dict(self._senders))

    def _take(self, record: Any) -> None:
        try:
            if record.topic == SETTINGS.name:
                self._put(self._tenants, record, SETTINGS.decode)
            else:
                self._put(self._senders, record, SENDERS.decode)
        except (ValidationError, UnicodeDecodeError):
            log.error(
                "%s offset %d cannot be read: what was known before stands",
                record.topic,
                record.offset,
            )

    @staticmethod
    def _put(into: dict[str, Any], record: Any, decode: Callable[[bytes], Any]) -> None:
        key = record.key.decode()
        if record.value is None:
            into.pop(key, None)
        else:
            into[key] = decode(record.value)
