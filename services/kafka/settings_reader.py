"""Settings of tenants and senders: read whole before anything is evaluated, and followed from then
on.

It replaces Faust's GlobalTable, which has the recovery races of its other tables.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import ValidationError

from schemas.sender import Sender
from schemas.tenant_settings import TenantSettings
from schemas.topics import SENDERS, SETTINGS
from services.kafka.header_patch import allow_any_header_name
from streams.processing import Settings, build_settings

log = logging.getLogger(__name__)

LONG_POLL: Final = 5_000
"""Milliseconds that the broker keeps a fetch that finds nothing. The first record ends it, so a
change comes at once."""


class SettingsReader:
    """`current` is a snapshot; every batch of changes replaces it."""

    def __init__(
        self, bootstrap: str, on_fatal: Callable[[BaseException], None], **auth: Any
    ) -> None:
        allow_any_header_name()
        self.current = Settings()
        self._on_fatal = on_fatal
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
        """Returns when both topics have been read to the ends that they had at the start."""
        await self._consumer.start()
        partitions = [TopicPartition(topic.name, 0) for topic in (SETTINGS, SENDERS)]
        # Ask for the ends before the first fetch: the answer would wait behind a long poll.
        ends = await self._consumer.end_offsets(partitions)
        self._consumer.assign(partitions)
        await self._consumer.seek_to_beginning(*partitions)
        while any([await self._consumer.position(one) < ends[one] for one in partitions]):
            await self._read()
        self._task = asyncio.create_task(self._follow(), name="settings reader")

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
        except Exception as error:  # noqa: BLE001 - old settings must not go unnoticed
            self._on_fatal(error)

    async def _read(self) -> None:
        batches = await self._consumer.getmany(timeout_ms=LONG_POLL)
        for records in batches.values():
            for record in records:
                self._apply(record)
        if batches:
            self.current = build_settings(dict(self._tenants), dict(self._senders))

    def _apply(self, record: Any) -> None:
        try:
            if record.topic == SETTINGS.name:
                self._put(self._tenants, record, SETTINGS.decode)
            else:
                self._put(self._senders, record, SENDERS.decode)
        except (ValidationError, UnicodeDecodeError):
            log.error(
                "%s offset %d cannot be read: the settings known before stay in force",
                record.topic,
                record.offset,
            )

    @staticmethod
    def _put(known: dict[str, Any], record: Any, decode: Callable[[bytes], Any]) -> None:
        key = record.key.decode()
        if record.value is None:
            known.pop(key, None)
        else:
            known[key] = decode(record.value)
