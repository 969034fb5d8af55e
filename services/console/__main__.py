"""`python -m services.console`: serve the pages and the API until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sqlite3
import sys
from pathlib import Path
from typing import Final

from services.console.accounts.identity_provider import read_provider_settings
from services.console.accounts.store import Store
from services.console.api.api import open_api
from services.console.app import build_app
from services.console.console import Console, LedgerSession
from services.console.server import serve, spare_collector
from services.kafka.security import security_options
from services.ledger import Ledger, LedgerError
from services.ledger.location import locate_ledger
from services.observability.logs import set_up
from services.parent_watch import watch_parent
from services.ports import CannotListen, announce_port, explain_bind_errors
from services.process import stop_on_signals
from services.settings import ServiceSettings, SettingsError, from_environment

GRACE: Final = 5.0
"""Seconds that a request in progress has at the end."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m services.console", description=__doc__)
    parser.add_argument(
        "--host", default="127.0.0.1", help="the address to listen on; put TLS before any other"
    )
    parser.add_argument(
        "--port-file", "--ready-file", type=Path, help="the port is written here once it listens"
    )
    return parser.parse_args()


async def _run(given: argparse.Namespace, settings: ServiceSettings) -> None:
    bootstrap = settings.required_bootstrap
    security_options()  # wrong ones are named now, not at the first text
    stop = stop_on_signals()
    Ledger.open(locate_ledger(settings)).close()  # the ledger's process may not have made it yet
    read_provider_settings(settings)
    store = Store(settings.state)
    url = settings.console_url or f"http://{given.host}:{settings.console_port}"
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(store.close)
        kafka = await stack.enter_async_context(LedgerSession(bootstrap, lambda: console.ledger))
        console = Console(settings, url.rstrip("/"), store, kafka)
        api = await stack.enter_async_context(open_api(console))
        with explain_bind_errors(given.host, settings.console_port, "SAYSO_CONSOLE_PORT"):
            app = build_app(console, api)
            spare_collector()
            server = serve(app, given.host, settings.console_port, grace=GRACE)
            host, port = await stack.enter_async_context(server)
        stack.push_async_callback(app.state.lag.close)
        stack.push_async_callback(app.state.watch.close)  # before the server waits for its streams
        print(f"console at http://{host}:{port}, for {console.url}", flush=True)
        if given.port_file:
            announce_port(given.port_file, port)
        await stop.wait()


def main() -> int:
    given = _arguments()
    watch_parent()
    set_up("console")
    try:
        asyncio.run(_run(given, from_environment()))
    except (SettingsError, CannotListen, LedgerError, OSError, sqlite3.Error) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
