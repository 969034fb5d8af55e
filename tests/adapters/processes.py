"""Services as processes of their own: started, waited for, ended by their id."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from tests.adapters.waiting import until

CREDENTIALS = {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "simulated-token"}


class Service(NamedTuple):
    process: asyncio.subprocess.Process
    url: str


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SAYSO_", "TWILIO_"))
    }
    return {**kept, **extra}


async def launch(module: str, *options: str, **extra: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *options,
        env=environment(extra),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@asynccontextmanager
async def service(module: str, folder: Path, *options: str, **extra: str) -> AsyncIterator[Service]:
    """Listening on a port of its own choosing; killed at the end if it still lives."""
    port_file = folder / f"{module}.port"
    process = await launch(module, "--port-file", str(port_file), *options, **extra)
    try:
        await until(lambda: port_file.exists() or process.returncode is not None)
        yield Service(process, f"http://127.0.0.1:{port_file.read_text()}")
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
