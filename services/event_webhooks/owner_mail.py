"""Tell the owner of an endpoint that nothing is delivered there any more.

The mail is written down in the transaction that pauses the endpoint, and sent after it: whatever
happens in between, the owner is told, at the worst twice."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import datetime
from email.message import EmailMessage
from typing import Final
from urllib.parse import urlsplit

import structlog

from services.event_webhooks.attempt import Answer
from services.event_webhooks.deliveries import KEPT
from services.event_webhooks.endpoints import Endpoint, EndpointState
from services.event_webhooks.store import Store, to_ms
from services.notify.mail import (
    DOMAIN,
    Mail,
    MailDeferred,
    MailRefused,
    Server,
    build_message,
    deliver,
)
from services.notify.pauses import FIRST_PAUSE, Pauses

LOOK_EVERY: Final = 1.0
"""Seconds."""

log = structlog.get_logger("sayso.event_webhooks")

_DEAD: Final = """\
Sayso has delivered nothing to your endpoint for a day, so it is paused.

  endpoint: {id} of {tenant}
  host: {host}
  failing since: {since} UTC
  last problem: {problem}
  waiting: {waiting}

Nothing is lost: what happens meanwhile waits for {kept} days.
When it works again, whoever runs Sayso resumes it:

  sayso event-webhooks endpoint resume {id}
"""
_GONE: Final = """\
Your endpoint answered 410 Gone, so Sayso delivers nothing there any more.

  endpoint: {id} of {tenant}
  host: {host}

What happens from now on is not kept for it.  If this is a mistake, whoever runs Sayso resumes it:

  sayso event-webhooks endpoint resume {id}
"""
_WORDS: Final = {
    EndpointState.DEAD: ("Your Sayso endpoint is paused", _DEAD),
    EndpointState.GONE: ("Your Sayso endpoint is disabled", _GONE),
}


class OwnerMails:
    def __init__(self, store: Store) -> None:
        self._store = store

    def add(
        self, endpoint: Endpoint, state: EndpointState, answer: Answer, waiting: int, now: datetime
    ) -> None:
        """In the caller's transaction.  The path of the URL is left out: it may hold a secret."""
        subject, words = _WORDS[state]
        since = endpoint.failing_since
        body = words.format(
            id=endpoint.id,
            tenant=endpoint.tenant,
            host=urlsplit(endpoint.url).hostname,
            since=f"{since:%Y-%m-%d %H:%M}" if since else "now",
            problem=f"{answer.problem}" + (f" {answer.status}" if answer.status else ""),
            waiting=waiting,
            kept=KEPT.days,
        )
        self._store.execute(
            "INSERT INTO mails (endpoint, recipient, subject, body, created_ms, state)"
            " VALUES (?, ?, ?, ?, ?, 'open')",
            endpoint.id,
            endpoint.owner,
            f"{subject}: {endpoint.id}",
            body,
            to_ms(now),
        )

    async def send_all(
        self,
        server: Server | None,
        sender: str,
        stop: asyncio.Event,
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        """Until told to stop.  Without a server they wait, and the log says so once."""
        pauses = Pauses(first_pause)
        is_silent = False
        while not stop.is_set():
            pause = LOOK_EVERY
            for row in self._store.rows("SELECT * FROM mails WHERE state = 'open' ORDER BY id"):
                if server is None:
                    if not is_silent:
                        log.error("no mail server: owners are not told", missing="SAYSO_SMTP_URL")
                    is_silent = True
                    break
                try:
                    await deliver(server, _build(sender, row))
                except MailDeferred as error:
                    log.warning("a mail to an owner waits", problem=str(error))
                    pause = pauses.next()
                    break
                except MailRefused as error:
                    log.error("a mail is refused", endpoint=row["endpoint"], code=error.code)
                    self._close(row["id"], "refused")
                else:
                    pauses.reset()
                    self._close(row["id"], "sent")
            await _sleep(stop, pause)

    def _close(self, identity: int, state: str) -> None:
        self._store.execute("UPDATE mails SET state = ? WHERE id = ?", state, identity)


def _build(sender: str, row: sqlite3.Row) -> EmailMessage:
    """Raises MailRefused.  If it goes twice, its Message-ID says so."""
    message = build_message(Mail(sender, row["recipient"], row["subject"], row["body"]))
    identity = f"<{row['endpoint']}.{row['created_ms']}.{row['id']}@{DOMAIN}>"
    message.replace_header("Message-ID", identity)
    return message


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass
