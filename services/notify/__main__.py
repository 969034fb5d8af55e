"""`python -m services.notify`: mail staff about replies until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from aiokafka.errors import KafkaConnectionError

from services.kafka.broker_wait import wait_for_broker
from services.kafka.security import unreachable_message
from services.notify.mail import MailError, Server, deliver, server_of
from services.notify.mail_loop import MailLoop
from services.notify.returned_mail_server import ReturnedMails, receive_returned_mails
from services.observability.health import serve_health
from services.observability.logs import set_up
from services.parent_watch import watch_parent
from services.ports import CannotListen
from services.process import stop_on_signals
from services.settings import ServiceSettings, SettingsError, from_environment


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m services.notify", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="the address to take returned mails on")
    parser.add_argument(
        "--instance", help="a stable name of this replica, so that a restart keeps its partitions"
    )
    parser.add_argument(
        "--ready-file", type=Path, help="created once Kafka has given us our partitions"
    )
    return parser.parse_args()


def read_mail_settings(settings: ServiceSettings) -> tuple[Server, str]:
    """The server, and our address. Raises SettingsError."""
    if not settings.smtp_url.get_secret_value():
        raise SettingsError(
            "SAYSO_SMTP_URL is not set: write smtp://user:password@host:587 of a mail server"
        )
    sender = settings.mail_from or settings.support_address
    if not sender:
        raise SettingsError("SAYSO_MAIL_FROM is not set: write the address that our mails are from")
    try:
        return server_of(settings.smtp_url), sender
    except MailError as error:
        raise SettingsError(f"SAYSO_SMTP_URL cannot be used: {error}") from None


async def _run(given: argparse.Namespace, settings: ServiceSettings) -> None:
    bootstrap = settings.required_bootstrap
    server, sender = read_mail_settings(settings)
    stop = stop_on_signals()
    if not await wait_for_broker(settings, stop):
        return
    loop = MailLoop(bootstrap, server, sender, instance=given.instance)
    ready: Path | None = given.ready_file
    async with AsyncExitStack() as stack:
        if settings.metrics_port is not None:
            health = serve_health(
                settings.metrics_host, settings.metrics_port, loop.metrics, loop.ready
            )
            await stack.enter_async_context(health)
        if settings.returned_mail_port is not None:
            handler = ReturnedMails(sender, partial(deliver, server), loop.metrics)
            receiver = receive_returned_mails(handler, given.host, settings.returned_mail_port)
            port = await stack.enter_async_context(receiver)
            print(f"returned mails at {given.host}:{port}", flush=True)
        await loop.run(stop, ready.touch if ready else str)


def main() -> int:
    given = _arguments()
    watch_parent()
    set_up("notify")
    settings = None
    try:
        settings = from_environment()
        asyncio.run(_run(given, settings))
    except (SettingsError, CannotListen) as error:
        print(f"sayso: {error}", file=sys.stderr)
        return 2
    except KafkaConnectionError:
        where = settings.bootstrap if settings else ""
        print(f"sayso: {unreachable_message(where or '')}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
