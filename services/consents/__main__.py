"""`python -m services.consents`: take consents from forms until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sqlite3
import sys
from pathlib import Path
from typing import Final

from aiohttp import web

from services.consents.app import Consents, TenantDirectory
from services.consents.idempotency_store import IdempotencyStore
from services.consents.keys import ApiKeys
from services.kafka.publisher import NotPublished, Publisher
from services.observability.logs import set_up
from services.parent_watch import watch_parent
from services.ports import CannotListen, announce_port, explain_bind_errors
from services.process import stop_on_signals
from services.settings import ServiceSettings, SettingsError, from_environment

KAFKA_TIMEOUT: Final = 5.0
"""Seconds for Kafka to confirm."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m services.consents", description=__doc__)
    parser.add_argument(
        "--host", default="127.0.0.1", help="the address to listen on; put TLS before any other"
    )
    parser.add_argument(
        "--port-file", "--ready-file", type=Path, help="the port is written here once it listens"
    )
    return parser.parse_args()


async def _run(given: argparse.Namespace, settings: ServiceSettings) -> None:
    bootstrap = settings.required_bootstrap
    stop = stop_on_signals()
    publisher = Publisher(bootstrap, source="consents", timeout=KAFKA_TIMEOUT)
    ids = IdempotencyStore(settings.state)
    app = Consents(ApiKeys(settings.state), ids, TenantDirectory(settings.state), publisher).app()
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=KAFKA_TIMEOUT)
    await runner.setup()
    try:
        with explain_bind_errors(given.host, settings.consents_port, "SAYSO_CONSENTS_PORT"):
            await web.TCPSite(runner, given.host, settings.consents_port).start()
        host, port = runner.addresses[0][:2]
        print(f"consents at http://{host}:{port}", flush=True)
        with contextlib.suppress(NotPublished):
            await publisher.start()
        if given.port_file:
            announce_port(given.port_file, port)
        await stop.wait()
    finally:
        await runner.cleanup()
        await publisher.stop()
        ids.close()


def main() -> int:
    given = _arguments()
    watch_parent()
    set_up("consents")
    try:
        asyncio.run(_run(given, from_environment()))
    except (SettingsError, CannotListen, OSError, sqlite3.Error) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
