"""How API calls are answered, rightly and wrongly, and the error codes of Twilio's API."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Mapping
from typing import Any, Final

import orjson

from services.local.simulator.http_server import Request, Response
from services.local.simulator.script import ResponseKind, Scenario

_RESET: Final = struct.pack("ii", 1, 0)

ERRORS: Final[dict[int, tuple[int, str]]] = {
    20001: (400, "A parameter of this update is unknown or has a value that cannot be used"),
    20003: (401, "Authenticate"),
    20009: (409, "Delivery of this message has not been completed"),
    20404: (404, "The requested resource was not found"),
    20405: (405, "Method not allowed"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    21211: (400, "The 'To' number is not a valid phone number"),
    21212: (400, "The 'From' number is not a valid phone number, short code or sender ID"),
    21408: (
        400,
        "Permission to send an SMS has not been enabled for the region of the 'To' number",
    ),
    21602: (400, "Message body is required"),
    21603: (400, "A 'From' or 'MessagingServiceSid' parameter is required"),
    21604: (400, "A 'To' phone number is required"),
    21606: (400, "The 'From' number is not an SMS-capable number of this account"),
    21609: (400, "The 'StatusCallback' URL is not a valid URL"),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21611: (400, "This 'From' number has exceeded the maximum number of queued messages"),
    21612: (400, "The 'To' number cannot be reached with this 'From' number"),
    21614: (400, "The 'To' number is not a valid mobile number"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    21659: (400, "The 'From' number is not a Twilio phone number"),
    21701: (400, "The Messaging Service does not exist"),
    21705: (400, "The Messaging Service SID is invalid"),
    30409: (409, "This message can no longer be canceled"),
    35111: (400, "SendAt is required when ScheduleType is fixed"),
    35114: (400, "SendAt must be between 900 seconds and 35 days ahead"),
    35118: (400, "A MessagingServiceSid is required to schedule a message"),
}
"""HTTP status and message by code: of Twilio's error dictionary, in our own words."""


def json_response(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response:
    return Response(status, orjson.dumps(body), "application/json", headers or {})


def error_response(code: int, headers: Mapping[str, str] | None = None) -> Response:
    status, message = ERRORS.get(code, (400, "The request was refused"))
    body = {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return json_response(status, body, headers)


def rate_limit_response(retry_after: float | None) -> Response:
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    return error_response(20429, headers)


async def respond_as_scripted(
    request: Request, scenario: Scenario, status: int, body: Any
) -> Response | None:
    """The body with its status, unless the scenario says otherwise."""
    match scenario.call:
        case ResponseKind.RESET_BEFORE | ResponseKind.RESET_AFTER:
            reset_connection(request)
        case ResponseKind.HANG:
            await asyncio.Event().wait()  # until the caller hangs up, or the simulator stops
        case ResponseKind.TRUNCATED:
            _send_truncated(request, json_response(status, body))
        case ResponseKind.HTTP:
            return Response(scenario.code or 500, b"upstream error")
        case _:
            return json_response(status, body)
    return None


def reset_connection(request: Request) -> None:
    """By RST, not FIN: what a crashed proxy does."""
    if not request.transport.is_closing():
        request.transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, _RESET
        )
        request.transport.abort()


def _send_truncated(request: Request, response: Response) -> None:
    """Half of the body that the header announces, and then the end of the connection."""
    whole = response.encode()
    missing = len(response.body) - len(response.body) // 2
    request.transport.write(whole[: len(whole) - missing])
    request.transport.close()
