"""Mail what `sms.mail-requests` asks for, until told to stop.

A mail's position is committed only after the server has accepted the mail, so nothing is lost while
a server is down.  If this process dies in between, the mail goes once more, with the same
Message-ID.  What a server refuses for good becomes a dead letter, and the others go on."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from schemas.dead_letter import DeadLetter, DeadLetterCause
from schemas.thread import MailRequest
from schemas.topics import DEAD_LETTERS, MAIL_REQUESTS
from services.kafka.header_patch import allow_any_header_name
from services.kafka.publisher import NotPublished, Publisher
from services.kafka.security import security_options
from services.kafka.settings_reader import SettingsReader
from services.kafka.topics import MAIL_GROUP
from services.notify.mail import MailDeferred, MailRefused, Server, deliver
from services.notify.open_mails import OpenMails
from services.notify.pauses import FIRST_PAUSE, Pauses
from services.notify.reply_mail import compose_reply_mail
from services.observability.metrics import NOTIFY
from services.observability.registry import MetricRegistry

OPEN_AT_MOST: Final = 100
"""Mails of one partition that are under way; the next ones wait on Kafka."""
CONNECTIONS: Final = 4
"""To the mail server at a time: many allow no more than ten."""
POLL: Final = 0.5
"""Seconds between two commits."""
SETTLE: Final = 5.0
"""Seconds that an exchange under way gets to end, when we stop or lose a partition."""
GIVE_UP: Final = timedelta(days=5)
"""How long a mail is tried that the server puts off, as RFC 5321 section 4.5.4.1 has it.  A server
that is down is tried for as long as it takes."""

log = structlog.get_logger("sayso.notify")


class MailLoop(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(
        self,
        bootstrap: str,
        server: Server,
        sender: str,
        *,
        instance: str | None = None,
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        """`sender`: our address.  `instance`: a stable name, with which a restart gets its
        partitions back at once.  `first_pause`: seconds before a second try."""
        self.metrics = MetricRegistry(NOTIFY)
        self._bootstrap = bootstrap
        self._server = server
        self._sender = sender
        self._instance = instance
        self._first_pause = first_pause
        self._connections = asyncio.Semaphore(CONNECTIONS)
        self._open: dict[TopicPartition, OpenMails] = {}
        self._tasks: dict[asyncio.Task[None], TopicPartition] = {}
        self._exchanging: set[asyncio.Task[None] | None] = set()
        self._failure: BaseException | None = None
        self._assigned = asyncio.Event()
        self._server_pauses = Pauses(first_pause)
        self._server_back_at = 0.0

    def ready(self) -> dict[str, bool]:
        return {"assigned": self._assigned.is_set()}

    async def run(self, stop: asyncio.Event, announce: Callable[[], object]) -> None:
        """`announce` is called once, when Kafka has given us our partitions."""
        allow_any_header_name()
        async with AsyncExitStack() as stack:
            self._settings = SettingsReader(self._bootstrap, self._fail, **security_options())
            stack.push_async_callback(self._settings.stop)
            await self._settings.start()
            self._publisher = Publisher(self._bootstrap, source="notify")
            stack.push_async_callback(self._publisher.stop)
            self._consumer = _build_consumer(self._bootstrap, self._instance)
            stack.push_async_callback(self._consumer.stop)
            await self._consumer.start()
            self._consumer.subscribe([MAIL_REQUESTS.name], listener=self)
            telling = asyncio.create_task(self._tell_when_assigned(announce))
            stack.callback(telling.cancel)
            self._set_server_up(True)
            try:
                while not stop.is_set():
                    await self._step()
            finally:
                await self._release(list(self._open))

    async def _tell_when_assigned(self, announce: Callable[[], object]) -> None:
        await self._assigned.wait()
        announce()

    async def _step(self) -> None:
        batches = await self._consumer.getmany(
            timeout_ms=int(POLL * 1000), max_records=OPEN_AT_MOST
        )
        for partition, records in batches.items():
            for record in records:
                self._take(partition, record)
        if self._failure is not None:
            raise self._failure
        await self._commit(self._open)
        self._limit_open()

    def _take(self, partition: TopicPartition, record: Any) -> None:
        self._open[partition].take(record.offset)
        task = asyncio.create_task(self._finish(self._open[partition], record))
        self._tasks[task] = partition
        task.add_done_callback(self._drop_task)

    def _drop_task(self, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task, None)
        if not task.cancelled() and (error := task.exception()):
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """What nobody has foreseen ends the process: somebody starts it again, at its last
        position."""
        self._failure = self._failure or error

    def _limit_open(self) -> None:
        full = {one for one, open_ in self._open.items() if len(open_) >= OPEN_AT_MOST}
        paused = self._consumer.paused()
        self._consumer.pause(*(full - paused))
        self._consumer.resume(*((paused - full) & set(self._open)))
        self.metrics.set("sayso_mails_open", sum(map(len, self._open.values())))

    async def _commit(self, partitions: Iterable[TopicPartition]) -> None:
        progress = {
            one: position
            for one in partitions
            if (position := self._open[one].find_progress()) is not None
        }
        if not progress:
            return
        try:
            await self._consumer.commit(progress)
        except KafkaError as error:
            log.warning("positions are not committed yet", problem=type(error).__name__)
            return
        for one, position in progress.items():
            self._open[one].record_commit(position)

    # --- one mail

    async def _finish(self, open_: OpenMails, record: Any) -> None:
        try:
            if record.value is None:
                raise ValueError("it has no value")
            request = MAIL_REQUESTS.decode(record.value)
        except (ValidationError, ValueError):
            self.metrics.count("sayso_mails_total", result="unreadable")
            cause = DeadLetterCause.INVALID if record.value else DeadLetterCause.TOMBSTONE
            await self._set_aside(record, cause, "it is no request for a mail: correct it")
        else:
            await self._send_until_taken(record, request)
        open_.finish(record.offset)

    async def _send_until_taken(self, record: Any, request: MailRequest) -> None:
        pauses = Pauses(self._first_pause)
        while True:
            try:
                await self._try(request)
            except MailRefused as error:
                await self._refuse(record, error)
                return
            except MailDeferred as error:
                self.metrics.count("sayso_mails_total", result="retried")
                if error.is_about_mail:
                    if datetime.now(UTC) - request.at > GIVE_UP:
                        await self._refuse(record, error)
                        return
                    await asyncio.sleep(pauses.next())
                else:
                    self._note_trouble(error)
            else:
                self.metrics.count("sayso_mails_total", result="sent")
                self._set_server_up(True)
                return

    async def _try(self, request: MailRequest) -> None:
        tenant = self._settings.current.tenants.get(request.tenant)
        message = compose_reply_mail(request, tenant, self._sender)
        async with self._connections:
            await asyncio.sleep(max(0.0, self._server_back_at - time.monotonic()))
            task = asyncio.current_task()
            self._exchanging.add(task)
            try:
                await deliver(self._server, message)
            finally:
                self._exchanging.discard(task)

    def _note_trouble(self, error: MailDeferred) -> None:
        """All mails wait together, so several failures at a time count as one."""
        if time.monotonic() < self._server_back_at:
            return
        pause = self._server_pauses.next()
        self._server_back_at = time.monotonic() + pause
        self.metrics.set("sayso_mail_server_up", 0)
        log.warning("no mail goes out", problem=str(error), again_in_seconds=round(pause, 1))

    def _set_server_up(self, up: bool) -> None:
        self._server_pauses.reset()
        self.metrics.set("sayso_mail_server_up", up)

    async def _refuse(self, record: Any, error: MailRefused | MailDeferred) -> None:
        self.metrics.count("sayso_mails_total", result="refused")
        code = f" ({error.code})" if isinstance(error, MailRefused) and error.code else ""
        reason = (
            f"no server takes this mail{code}: correct the address, in the case or in the tenant's"
            " settings, and replay it"
        )
        log.error("a mail is refused", offset=record.offset, partition=record.partition)
        await self._set_aside(record, DeadLetterCause.MAIL_REFUSED, reason)

    async def _set_aside(self, record: Any, cause: str, reason: str) -> None:
        letter = DeadLetter(
            room="notify",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            timestamp=datetime.fromtimestamp(record.timestamp / 1000, UTC),
            key=_base64(record.key),
            value=_base64(record.value),
            headers=tuple((name, _base64(value) or "") for name, value in record.headers),
            cause=cause,
            reason=reason,
            at=datetime.now(UTC),
        )
        pauses = Pauses(self._first_pause)
        while True:
            try:
                await self._publisher.publish(DEAD_LETTERS, letter)
                return
            except NotPublished as error:
                log.warning("a dead letter is not written yet", problem=str(error))
                await asyncio.sleep(pauses.next())

    # --- partitions come and go

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._open |= {one: OpenMails() for one in assigned}
        self._assigned.set()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        await self._release([one for one in revoked if one in self._open])

    async def _release(self, partitions: list[TopicPartition]) -> None:
        """Exchanges under way may end, the others begin anew with the next owner."""
        wanted = set(partitions)
        tasks = {task for task, partition in self._tasks.items() if partition in wanted}
        for task in tasks - self._exchanging:
            task.cancel()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=SETTLE)
            for task in late:
                task.cancel()
        await self._commit(partitions)
        for one in partitions:
            del self._open[one]


def _build_consumer(bootstrap: str, instance: str | None) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=MAIL_GROUP,
        group_instance_id=instance,
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        **security_options(),
    )


def _base64(raw: bytes | None) -> str | None:
    return None if raw is None else base64.b64encode(raw).decode()
