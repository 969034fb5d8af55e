"""What an error is: a problem by RFC 9457, whose type is a page that says what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import orjson
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

MEDIA_TYPE: Final = "application/problem+json"
PAGES: Final = "/v1/problems/"
"""Where the page of each type is served."""
RETRY_AFTER: Final = "5"
"""Seconds."""


class ProblemType(NamedTuple):
    name: str
    status: int
    title: str
    advice: str
    """What it means and what to do, for its page."""

    @property
    def uri(self) -> str:
        """Relative to the server, with its whole path (RFC 9457, 3.1.1)."""
        return PAGES + self.name


_T = ProblemType
MALFORMED: Final = _T(
    "malformed-body",
    400,
    "The body cannot be read",
    "The body is no JSON in UTF-8, or is nested deeper than 32 levels, or is not the object that"
    " the route takes. Send JSON as the OpenAPI document describes it.",
)
IDEMPOTENCY_KEY: Final = _T(
    "idempotency-key",
    400,
    "The call needs an identity",
    "Name the call with the header `Idempotency-Key`, or with the id field of its body; if both"
    " are there, they have to be the same. A key has letters, digits and `. _ : @ -`, 128 at most."
    " A UUID is one.",
)
UNAUTHORIZED: Final = _T(
    "unauthorized",
    401,
    "There is no valid key",
    "Send `Authorization: Bearer sayso_...` with a key that holds. `sayso keys add` makes one;"
    " `sayso keys list` shows which were revoked.",
)
WRONG_TENANT: Final = _T(
    "wrong-tenant",
    403,
    "The key is another tenant's",
    "The address names a tenant, and the key was made for another one. Use a key of that tenant.",
)
SCOPE: Final = _T(
    "insufficient-scope",
    403,
    "The key may not do this",
    "The route needs a scope that the key does not have. Make a key with it:"
    " `sayso keys add -t TENANT --scope SCOPE`.",
)
TEST_KEY: Final = _T(
    "test-key",
    403,
    "A test key changes nothing",
    "A test key reads, previews, and sends texts that never leave. Use another key to change what"
    " is on record.",
)
NOT_FOUND: Final = _T(
    "not-found",
    404,
    "There is nothing here",
    "The address is mistyped, or what it names is not on record for the tenant of the key. What was"
    " accepted a moment ago may not be on record yet: ask again in a second.",
)
UNKNOWN_TENANT: Final = _T(
    "unknown-tenant",
    404,
    "The tenant has no settings",
    "The tenant of the key has no settings yet. Publish them with `sayso tenants apply`.",
)
METHOD: Final = _T(
    "method-not-allowed",
    405,
    "The address does not take this method",
    "The header `Allow` names the methods that it takes.",
)
TOO_SLOW: Final = _T(
    "too-slow",
    408,
    "The body did not come in time",
    "A whole body has to come within 10 seconds. Send it again.",
)
UNDER_WAY: Final = _T(
    "still-under-way",
    409,
    "The same call is still under way",
    "A call with this identity came before and has no answer yet. Wait for `Retry-After`, then send"
    " the same again.",
)
TOO_LARGE: Final = _T(
    "too-large",
    413,
    "The body is too large",
    "Send smaller bodies: 64 KiB for one object, 2 MiB for a batch.",
)
MEDIA: Final = _T(
    "unsupported-media-type",
    415,
    "The body has another type",
    "Send JSON, with `Content-Type: application/json`.",
)
INVALID: Final = _T(
    "invalid",
    422,
    "Something in the call is wrong",
    "`problems` names each field that is wrong and what to do. Nothing was done.",
)
REFUSED: Final = _T(
    "refused",
    422,
    "It cannot be done as things stand",
    "`detail` says what is in the way and what to do. Nothing was done.",
)
KEY_REUSED: Final = _T(
    "identity-reused",
    422,
    "The identity was used for something else",
    "This message id or `Idempotency-Key` came before with another body. Nothing was done. Give"
    " each call an identity of its own. At the address of consents the status is 409.",
)
RATE: Final = _T(
    "rate-limited",
    429,
    "Too many calls",
    "The key has made more calls than it may. Wait for `Retry-After` seconds. `RateLimit` tells"
    " how many are left; `sayso keys add --rate` makes a key with a higher limit.",
)
INTERNAL: Final = _T(
    "internal",
    500,
    "This is a fault of ours",
    "The call met a fault in Sayso, which is in its log. Sending the same again, under the same"
    " identity, is harmless.",
)
UNAVAILABLE: Final = _T(
    "unavailable",
    503,
    "It is not possible just now",
    "Kafka did not confirm, or the ledger or the keys cannot be read. What was sent may still"
    " arrive: send the same again, under the same identity, after `Retry-After` seconds.",
)
TYPES: Final = tuple(value for value in list(globals().values()) if isinstance(value, ProblemType))


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    model_config = ConfigDict(extra="forbid")

    field: str
    """Where in the call, as `requests.3.to`."""
    fix: str
    """What to do; never with the value, which may be a phone number."""


class ProblemDetails(BaseModel):
    """An error, by RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    """What is wrong here, and what to do."""
    problems: tuple[FieldProblem, ...] = ()
    """The fields that are wrong."""


class Problem(Exception):
    """Raised by whatever finds that a call cannot be done."""

    def __init__(
        self,
        kind: ProblemType,
        detail: str,
        problems: Iterable[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.status = kind.status
        self.detail = detail
        self.problems = tuple(problems)
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        return {
            "type": self.kind.uri,
            "title": self.kind.title,
            "status": self.status,
            "detail": self.detail,
            "problems": [one.model_dump() for one in self.problems],
        }

    def response(self) -> Response:
        return Response(orjson.dumps(self.body()), self.status, self.headers, MEDIA_TYPE)


def unavailable(detail: str) -> Problem:
    return Problem(UNAVAILABLE, detail, headers={"Retry-After": RETRY_AFTER})


def find_type(name: str) -> ProblemType | None:
    return next((kind for kind in TYPES if kind.name == name), None)
