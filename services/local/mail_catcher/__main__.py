"""`python -m services.local.mail_catcher`: take mails and keep them as files until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

from services.local.mail_catcher.store import MailStore
from services.parent_watch import watch_parent
from services.ports import LOOPBACK, CannotListen, announce_port, explain_bind_errors
from services.process import stop_on_signals
from services.settings import SettingsError, from_environment

PORT = 8440
MOST = 10 << 20
"""Bytes of one mail."""


class _Handler:
    """Of aiosmtpd, which knows it by the names of its methods."""

    def __init__(self, store: MailStore) -> None:
        self._store = store

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        number = self._store.add(envelope.content)
        return f"250 kept as number {number}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m services.local.mail_catcher", description=__doc__
    )
    parser.add_argument("--host", default=LOOPBACK, help="the address to listen on")
    parser.add_argument("--port", type=int, default=PORT, help="0: any that is free")
    parser.add_argument(
        "--port-file", "--ready-file", type=Path, help="the port is written here once it listens"
    )
    return parser.parse_args()


async def _run(given: argparse.Namespace, store: MailStore) -> None:
    stop = stop_on_signals()

    def serve() -> asyncio.Protocol:
        protocol: asyncio.Protocol = SMTP(
            _Handler(store), hostname="mail-catcher", data_size_limit=MOST, enable_SMTPUTF8=True
        )
        return protocol

    loop = asyncio.get_running_loop()
    with explain_bind_errors(given.host, given.port, "--port"):
        server = await loop.create_server(serve, given.host, given.port)
    async with server:
        port = server.sockets[0].getsockname()[1]
        print(f"mail catcher at {given.host}:{port}", flush=True)
        if given.port_file:
            announce_port(given.port_file, port)
        await stop.wait()


def main() -> int:
    given = _arguments()
    watch_parent()
    try:
        asyncio.run(_run(given, MailStore(from_environment().state)))
    except (SettingsError, CannotListen) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
