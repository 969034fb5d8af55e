"""`python -m services.webhook`: take the provider's callbacks until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import sys
from pathlib import Path
from typing import Final

from schemas.topics import DELIVERY_RECEIPTS
from services.kafka.batch_publisher import BatchPublisher
from services.kafka.publisher import NotPublished
from services.observability.health import serve_health
from services.observability.logs import set_up
from services.parent_watch import watch_parent
from services.ports import CannotListen, announce_port, explain_bind_errors
from services.process import stop_on_signals
from services.settings import ServiceSettings, SettingsError, from_environment
from services.webhook.app import Webhook
from services.webhook.server import serve
from services.webhook.signature import Signature
from streams.memory import GC_THRESHOLDS

KAFKA_TIMEOUT: Final = 5.0
"""Seconds for Kafka to confirm. Twilio waits 15 s for our answer."""
BATCH_WINDOWS: Final = {DELIVERY_RECEIPTS.name: 0.1}
"""Seconds in which receipts are gathered: nobody waits for one, and a busy hour has hundreds per
second."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m services.webhook", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument(
        "--port-file", "--ready-file", type=Path, help="the port is written here once it listens"
    )
    return parser.parse_args()


def _signature(settings: ServiceSettings) -> Signature:
    """Raises SettingsError."""
    if not settings.auth_token.get_secret_value():
        raise SettingsError(
            "TWILIO_AUTH_TOKEN is not set: without it anybody's callback would be believed"
        )
    try:
        return Signature(settings.auth_token, settings.public_url)
    except ValueError as error:
        raise SettingsError(f"SAYSO_PUBLIC_URL is wrong: {error}") from None


async def _run(given: argparse.Namespace, settings: ServiceSettings) -> None:
    signature = _signature(settings)
    stop = stop_on_signals()
    publisher = BatchPublisher(
        settings.required_bootstrap, source="webhook", timeout=KAFKA_TIMEOUT, windows=BATCH_WINDOWS
    )
    webhook = Webhook(signature, publisher, settings.account_sid)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(publisher.stop)
        with explain_bind_errors(given.host, settings.webhook_port, "SAYSO_WEBHOOK_PORT"):
            server = serve(webhook, given.host, settings.webhook_port, grace=KAFKA_TIMEOUT)
            host, port = await stack.enter_async_context(server)
        if settings.metrics_port is not None:
            # On a port of its own: the provider, who can reach the other one, must not see our
            # metrics.
            health = serve_health(
                settings.metrics_host,
                settings.metrics_port,
                webhook.metrics,
                lambda: {"listening": True},
            )
            await stack.enter_async_context(health)
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
