"""`python -m services.consents`: take consent from forms until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sqlite3
import sys
from pathlib import Path

from aiohttp import web

from services.consents.app import Consents
from services.consents.ids import Ids
from services.consents.keys import Keys
from services.consents.tenants import Tenants
from services.kafka.publisher import NotPublished, Publisher
from services.observability.logs import set_up
from services.parent_watch import watch_parent
from services.ports import CannotListen, announce_port, explain_bind_errors
from services.settings import ServiceSettings, SettingsError, from_environment

CONFIRM_WITHIN = 5.0
"""Seconds for Kafka."""


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
    if settings.bootstrap is None:
        raise SettingsError("SAYSO_BOOTSTRAP is not set: write the host:port of a Kafka broker")
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    publisher = Publisher(settings.bootstrap, source="consents", timeout=CONFIRM_WITHIN)
    ids = Ids(settings.state)
    app = Consents(Keys(settings.state), ids, Tenants(settings.state), publisher).app()
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=CONFIRM_WITHIN)
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
