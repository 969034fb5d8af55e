"""`python -m services.webhook`: take the provider's calls until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import signal
import sys
from pathlib import Path

from schemas.topics import DELIVERY_RECEIPTS
from services.kafka.batch_publisher import BatchPublisher
from services.kafka.publisher import NotPublished
from services.observability import health
from services.observability.logs import set_up
from services.parent_watch import watch_parent
from services.ports import CannotListen, announce_port, explain_bind_errors
from services.settings import ServiceSettings, SettingsError, from_environment
from services.webhook.app import Webhook
from services.webhook.server import serving
from services.webhook.signature import Signature
from streams.memory import GC_THRESHOLDS

CONFIRM_WITHIN = 5.0
"""Seconds for Kafka; Twilio waits 15 for us."""
WINDOWS = {DELIVERY_RECEIPTS.name: 0.1}
"""Seconds in which receipts come together: nobody waits for one, and a busy hour has hundreds a second."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m services.webhook", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument(
        "--port-file", "--ready-file", type=Path, help="the port is written here once it listens"
    )
    return parser.parse_args()


def _checked(settings: ServiceSettings) -> tuple[Signature, str]:
    """Raises SettingsError, one sentence."""
    if not settings.auth_token.get_secret_value():
        raise SettingsError(
            "TWILIO_AUTH_TOKEN is not set: without it anybody's callback would be believed"
        )
    if settings.bootstrap is None:
        raise SettingsError("SAYSO_BOOTSTRAP is not set: write the host:port of a Kafka broker")
    try:
        return Signature(settings.auth_token, settings.public_url), settings.bootstrap
    except ValueError as error:
        raise SettingsError(f"SAYSO_PUBLIC_URL is wrong: {error}") from None


async def _run(given: argparse.Namespace, settings: ServiceSettings) -> None:
    signature, bootstrap = _checked(settings)
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    publisher = BatchPublisher(bootstrap, source="webhook", timeout=CONFIRM_WITHIN, windows=WINDOWS)
    webhook = Webhook(signature, publisher, settings.account_sid)
    async with contextlib.AsyncExitStack() as open_until_the_end:
        open_until_the_end.push_async_callback(publisher.stop)
        with explain_bind_errors(given.host, settings.webhook_port, "SAYSO_WEBHOOK_PORT"):
            door = serving(webhook, given.host, settings.webhook_port, grace=CONFIRM_WITHIN)
            host, port = await open_until_the_end.enter_async_context(door)
        if (
            settings.metrics_port is not None
        ):  # not where the provider calls: what it counts is nobody else's
            watched = health.serving(
                settings.metrics_host,
                settings.metrics_port,
                webhook.meters,
                lambda: {"listening": True},
            )
            await open_until_the_end.enter_async_context(watched)
        print(f"webhook at http://{host}:{port}, for {settings.public_url}", flush=True)
        with contextlib.suppress(NotPublished):
            await publisher.start()
        if given.port_file:
            announce_port(given.port_file, port)
        await stop.wait()


def main() -> int:
    given = _arguments()
    watch_parent()
    gc.set_threshold(*GC_THRESHOLDS)
    set_up("webhook")
    try:
        asyncio.run(_run(given, from_environment()))
    except (SettingsError, CannotListen, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
