"""`python -m services.observability`: export metrics of lag and waiting messages, until told to
stop."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from services.kafka.security import security_options
from services.ledger.location import locate_ledger
from services.observability.exporter import Exporter
from services.observability.health import serve_health
from services.observability.logs import set_up
from services.parent_watch import watch_parent
from services.ports import CannotListen, announce_port
from services.process import stop_on_signals
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
    security_options(settings)  # refuses what does not go together, before anything listens
    exporter = Exporter(settings.required_bootstrap, locate_ledger(settings))
    stop = stop_on_signals()
    wanted = settings.metrics_port if given.port is None else given.port
    wanted = PORT if wanted is None else wanted
    async with serve_health(given.host, wanted, exporter.metrics, exporter.ready) as port:
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
