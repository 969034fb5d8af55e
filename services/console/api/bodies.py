"""Bodies, read up to a limit and parsed strictly."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any, Final

from fastapi import Request
from pydantic import TypeAdapter, ValidationError
from starlette.requests import ClientDisconnect

from services.console.api import problems
from services.console.api.errors import explain_validation
from services.console.api.problems import Problem

READ_TIMEOUT: Final = 10.0
"""Seconds for the whole body."""
MAX_BODY: Final = 64 << 10
"""Bytes of one object."""
MAX_BATCH_BODY: Final = 2 << 20
MAX_DEPTH: Final = 32
"""Levels of objects and lists in one another."""
_OPENING: Final = re.compile(rb"[\[{]")


async def read_body(request: Request, limit: int) -> bytes:
    """Raises Problem."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        detail = "Send JSON, with `Content-Type: application/json`."
        raise Problem(problems.MEDIA, detail)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(READ_TIMEOUT):
            async for part in request.stream():
                size += len(part)
                if size > limit:
                    raise Problem(problems.TOO_LARGE, f"Send at most {limit} bytes.")
                parts.append(part)
    except (TimeoutError, ClientDisconnect):
        detail = "The body did not come in time: send it again."
        raise Problem(problems.TOO_SLOW, detail) from None
    return b"".join(parts)


def parse_json(body: bytes) -> Any:
    """Strictly: no NaN, no name twice, no half a character. Raises Problem."""
    detail = "The body is not JSON in UTF-8."
    if len(_OPENING.findall(body)) > MAX_DEPTH and _depth(body) > MAX_DEPTH:
        raise Problem(problems.MALFORMED, "The body is not JSON that anybody needs: too deep.")
    try:
        return json.loads(
            body.decode(), parse_constant=_refuse_constant, object_pairs_hook=_refuse_repeats
        )
    except (ValueError, RecursionError):
        raise Problem(problems.MALFORMED, detail) from None


def _depth(body: bytes) -> int:
    """At most; brackets inside of texts are left out."""
    depth = deepest = 0
    for byte in re.sub(rb'"(?:[^"\\]|\\.)*"', b"", body):
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _refuse_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def read_json(shape: TypeAdapter[Any], body: bytes) -> Any:
    """Raises Problem."""
    try:
        return shape.validate_json(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
    if any(one["type"] == "json_invalid" for one in found):
        raise Problem(problems.MALFORMED, "The body is not JSON in UTF-8.")
    raise explain_validation(found)
