"""`python -m services.observability`: export lag and what waits, until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from services.observability.exporter import Exporter
from services.observability.health import serving
from services.observability.logs import set_up
from services.parent_watch import watch_parent
from services.ports import CannotListen, announce_port
from services.settings import ServiceSettings, SettingsError, from_environment

PORT = 9308


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m services.observability", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument(
        "--port", type=int, help=f"SAYSO_METRICS_PORT, else {PORT}; 0: any that is free"
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
    exporter = Exporter(settings.bootstrap, settings.state)
    wanted = settings.metrics_port if given.port is None else given.port
    async with serving(
        given.host, PORT if wanted is None else wanted, exporter.meters, exporter.ready
    ) as port:
        if given.port_file:
            announce_port(given.port_file, port)
        await exporter.run(stop)


def main() -> int:
    given = _arguments()
    watch_parent()
    set_up("exporter")
    try:
        asyncio.run(_run(given, from_environment()))
    except (SettingsError, CannotListen) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
