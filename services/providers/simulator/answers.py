"""The ways in which a create call is answered, and the ways in which it is not."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from services.providers.simulator.errors import refusal
from services.providers.simulator.fate import Call, Fate

_RESET = struct.pack("ii", 1, 0)


def answered(status: int, body: Any, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json", headers=headers)


def refused(code: int, headers: Mapping[str, str] | None = None) -> web.Response:
    return answered(*refusal(code), headers)


def limited(retry_after: float | None) -> web.Response:
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    return refused(20429, headers)


async def whole_or_not(request: web.Request, fate: Fate, status: int, body: Any) -> web.StreamResponse:
    """`body` with its status, unless the fate says otherwise."""
    match fate.call:
        case Call.RESET_BEFORE | Call.RESET_AFTER:
            return reset(request)
        case Call.HANG:
            return await never()
        case Call.HTTP:
            return web.Response(status=fate.code or 500, text="upstream error")
        case Call.TRUNCATED:
            return await truncated(request, status, body)
    return answered(status, body)


async def written(request: web.Request, response: web.StreamResponse) -> bool:
    """Sends it now, and says whether all of it was put on a connection that was open until then.  (That it was read
    nobody on this side can know.)"""
    try:
        if not response.prepared:
            await response.prepare(request)
        await response.write_eof()
    except OSError:
        return False
    return request.transport is not None and not request.transport.is_closing()


async def never() -> web.Response:
    """Until the caller hangs up, or the simulator stops."""
    await asyncio.Event().wait()
    raise AssertionError("nobody sets it")


def reset(request: web.Request) -> web.Response:
    """RST, not FIN: what a crashed proxy does."""
    transport = request.transport
    if transport is not None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()
    return web.Response()


async def truncated(request: web.Request, status: int, body: Any) -> web.StreamResponse:
    """Half of the body that the header announces, and then the end of the connection."""
    whole = orjson.dumps(body)
    response = web.StreamResponse(status=status, headers={"Content-Type": "application/json"})
    response.content_length = len(whole)
    await response.prepare(request)
    await response.write(whole[: len(whole) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
