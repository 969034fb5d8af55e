"""Prism in front of a server: every answer that breaks the description becomes a 500 that says
how."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.contracts.node import HERE, installed

COMMAND = "@stoplight/prism-cli/dist/index.js"
DESCRIPTION = HERE / "twilio_messages_openapi.json"
"""From Twilio's OpenAPI definitions 2.6.7 (MIT), the paths about messages.  Two things are put
right: `encoding` of `MediaUrl`, which Prism needs to take it several times, and `uri-reference`
where Twilio writes `uri` although its own examples, and its servers, give addresses without a
host."""

_LISTENING = re.compile(rb"listening on (http://\S+)")


@asynccontextmanager
async def prism(upstream: str) -> AsyncIterator[str]:
    """`prism proxy --errors` on a port of its own."""
    command = await installed(COMMAND, "check the simulator against Twilio's description")
    process = await asyncio.create_subprocess_exec(
        "node",
        str(command),
        "proxy",
        "--errors",
        "-h",
        "127.0.0.1",
        "-p",
        "0",
        str(DESCRIPTION),
        upstream,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        url, said = "", b""
        while not url:
            line = await process.stdout.readline()
            assert line, f"prism ended: {said.decode()[-2000:]}"
            said += line
            if found := _LISTENING.search(line):
                url = found[1].decode()
        rest = asyncio.create_task(process.stdout.read())
        yield url
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
    await rest
