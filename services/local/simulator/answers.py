"""The ways in which a create call is answered, and the ways in which it is not."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Mapping
from typing import Any

import orjson

from services.local.simulator.errors import refusal
from services.local.simulator.fate import Call, Fate
from services.local.simulator.http_messages import Request, Response

JSON = "application/json"
_RESET = struct.pack("ii", 1, 0)


def answered(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response:
    return Response(status, orjson.dumps(body), JSON, headers or {})


def refused(code: int, headers: Mapping[str, str] | None = None) -> Response:
    return answered(*refusal(code), headers)


def limited(retry_after: float | None) -> Response:
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    return refused(20429, headers)


async def whole_or_not(request: Request, fate: Fate, status: int, body: Any) -> Response | None:
    """`body` with its status, unless the fate says otherwise."""
    match fate.call:
        case Call.RESET_BEFORE | Call.RESET_AFTER:
            reset(request)
        case Call.HANG:
            await asyncio.Event().wait()  # until the caller hangs up, or the simulator stops
        case Call.TRUNCATED:
            truncate(request, answered(status, body))
        case Call.HTTP:
            return Response(fate.code or 500, b"upstream error")
        case _:
            return answered(status, body)
    return None


def reset(request: Request) -> None:
    """RST, not FIN: what a crashed proxy does."""
    if not request.transport.is_closing():
        request.transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, _RESET
        )
        request.transport.abort()


def truncate(request: Request, response: Response) -> None:
    """Half of the body that the header announces, and then the end of the connection."""
    whole = response.encode()
    request.transport.write(whole[: len(whole) - len(response.body) + len(response.body) // 2])
    request.transport.close()
