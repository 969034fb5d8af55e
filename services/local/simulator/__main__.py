"""`python -m services.local.simulator`: run it until a signal ends it."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import sys
from pathlib import Path

from services.local.simulator import Script, Simulator, read_script
from services.parent_watch import watch_parent
from services.ports import CannotListen, announce_port


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m services.local.simulator",
        description="A Twilio of our own on 127.0.0.1. TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"
        " say who may call.",
        epilog="example: python -m services.local.simulator --port 8420"
        " --public-url http://127.0.0.1:8410",
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument(
        "--port-file", "--ready-file", type=Path, help="the port is written here once it listens"
    )
    parser.add_argument(
        "--log", type=Path, help="a journal of JSON lines; one that exists is continued"
    )
    parser.add_argument("--seed", default="0")
    parser.add_argument("--script", type=Path, help="YAML or JSON: what happens to which number")
    parser.add_argument("--public-url", help="the webhook's public URL, for inbound texts")
    parser.add_argument(
        "--deliver-to",
        help="where the webhook listens, if its public URL cannot be reached from here",
    )
    parser.add_argument(
        "--speed", type=float, default=1.0, help="simulated seconds in a real second"
    )
    return parser.parse_args()


async def _run(arguments: argparse.Namespace, script: Script) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    simulator = Simulator(
        script,
        seed=arguments.seed,
        account_sid=os.environ["TWILIO_ACCOUNT_SID"],
        auth_token=_read_token(),
        public_url=arguments.public_url,
        deliver_to=arguments.deliver_to,
        journal=arguments.log,
        host=arguments.host,
        port=arguments.port,
        speed=arguments.speed,
    )
    async with simulator:
        print(f"simulator at {simulator.url}", flush=True)
        if arguments.port_file:
            announce_port(arguments.port_file, simulator.port)
        await stop.wait()


def _read_token() -> str:
    """Raises OSError."""
    if path := os.environ.get("TWILIO_AUTH_TOKEN_FILE"):
        return Path(path).read_text("utf-8").strip()
    return os.environ.get("TWILIO_AUTH_TOKEN", "")


def main() -> int:
    arguments = _parse_arguments()
    watch_parent()
    try:
        credentials = {
            "TWILIO_ACCOUNT_SID": os.environ.get("TWILIO_ACCOUNT_SID"),
            "TWILIO_AUTH_TOKEN": _read_token(),
        }
    except OSError as error:
        print(f"TWILIO_AUTH_TOKEN_FILE cannot be read: {error}", file=sys.stderr)
        return 2
    missing = [name for name, value in credentials.items() if not value]
    if missing:
        print(
            f"{' and '.join(missing)} must be set: the simulator signs and checks with them",
            file=sys.stderr,
        )
        return 2
    try:
        script = read_script(arguments.script) if arguments.script else Script()
        # every text is kept, so looking for garbage among them brings little
        gc.set_threshold(20_000, 20, 20)
        asyncio.run(_run(arguments, script))
    except (CannotListen, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
