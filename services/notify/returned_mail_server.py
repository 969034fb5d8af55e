"""Take mail that comes back to our address, and answer each person once for each mail.

It stores nothing and passes nothing on.  Whom it has answered it keeps in memory: after a restart
somebody may be told once more, and no loop can come of it, for no program is ever answered."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from typing import Any, Final

import structlog
from aiosmtpd.smtp import SMTP

from services.notify.mail import MailError
from services.notify.returned_mail import (
    ReturnedMail,
    classify_returned_mail,
    compose_answer,
    find_answered_mail,
)
from services.observability.registry import MetricRegistry
from services.ports import explain_bind_errors

MOST: Final = 1 << 20
"""Bytes of one mail."""
REMEMBERED: Final = 10_000
"""Answers."""
ANSWERS_AN_HOUR: Final = 100
"""An address may be forged, so we never answer without bound."""

log = structlog.get_logger("sayso.notify")
Deliver = Callable[[EmailMessage], Awaitable[None]]


class ReturnedMails:
    """A handler of aiosmtpd, which knows it by the names of its methods."""

    def __init__(
        self,
        our_address: str,
        deliver: Deliver,
        metrics: MetricRegistry,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._our_address = our_address
        self._deliver = deliver
        self._metrics = metrics
        self._now = now
        self._answered = OrderedDict[tuple[str, str], None]()
        self._times: deque[datetime] = deque(maxlen=ANSWERS_AN_HOUR)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        answer = self._choose_answer(envelope)
        if answer is not None:
            try:
                await self._deliver(answer)
            except MailError as error:
                log.warning("an answer to a mail did not go", problem=str(error))
                answer = None
        result = "ignored" if answer is None else "answered"
        self._metrics.count("sayso_returned_mails_total", result=result)
        return "250 taken"

    def _choose_answer(self, envelope: Any) -> EmailMessage | None:
        headers = message_from_bytes(envelope.content)

        def get_header(name: str) -> str | None:
            value = headers[name]
            return None if value is None else str(value)

        sender = str(envelope.mail_from or "")
        answered = find_answered_mail(get_header)
        if classify_returned_mail(get_header, sender) is ReturnedMail.NOTHING or answered is None:
            return None
        now = self._now()
        name = (sender.lower(), answered)
        if name in self._answered or self._is_too_much(now):
            return None
        try:
            answer = compose_answer(self._our_address, sender, answered, now)
        except (ValueError, IndexError):
            return None
        self._answered[name] = None
        self._times.append(now)
        if len(self._answered) > REMEMBERED:
            self._answered.popitem(last=False)
        return answer

    def _is_too_much(self, now: datetime) -> bool:
        return len(self._times) == ANSWERS_AN_HOUR and now - self._times[0] < timedelta(hours=1)


@asynccontextmanager
async def receive_returned_mails(
    handler: ReturnedMails, host: str, port: int
) -> AsyncIterator[int]:
    """Yields the port it listens on.  Raises CannotListen."""

    def serve() -> asyncio.Protocol:
        protocol: asyncio.Protocol = SMTP(handler, hostname="sayso", data_size_limit=MOST)
        return protocol

    with explain_bind_errors(host, port, "SAYSO_RETURNED_MAIL_PORT"):
        server = await asyncio.get_running_loop().create_server(serve, host, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
