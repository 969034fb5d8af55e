"""One call: whose key, which scope, how often; its body, read and parsed strictly.

A route says what it needs: `call: Annotated[Call, reads(Scope.USAGE)]`. One without it is refused
when the application is built.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Annotated, Any, Final, NamedTuple

import structlog
from fastapi import Depends, Header, Request
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from schemas.base import IDENTITY
from services.console.api import problems
from services.console.api.api import Api
from services.console.api.bodies import MAX_BATCH_BODY, MAX_BODY, parse_json, read_body, read_json
from services.console.api.errors import explain_error
from services.console.api.keys import ApiKey, KeysError
from services.console.api.problems import Problem, unavailable
from services.console.api.scopes import Scope
from services.console.console import Console
from services.ledger import Ledger
from services.ledger.cases import find_settings
from services.operations.session import Session
from services.operations.validation import new_id

_AUTHENTICATE: Final = {"WWW-Authenticate": 'Bearer realm="sayso"'}
_CALL: Final = "sayso.call"
"""Of the ASGI scope."""

log = structlog.get_logger("sayso.api")


class Call(NamedTuple):
    """A call by a key that may make it."""

    api: Api
    key: ApiKey
    now: datetime
    route: str
    """Method and path."""
    idempotency_key: str | None

    @property
    def tenant(self) -> str:
        return self.key.tenant

    @property
    def by(self) -> str:
        """Stands in every record of what the key does."""
        return f"key:{self.key.id}"

    @property
    def zone(self) -> tzinfo:
        """The tenant's."""
        settings = find_settings(self.ledger, self.tenant)
        return settings.zone if settings else UTC

    @property
    def console(self) -> Console:
        return self.api.console

    @property
    def ledger(self) -> Ledger:
        return self.api.console.ledger

    @property
    def kafka(self) -> Session:
        return self.api.console.kafka

    def identity(self, prefix: str, part: str = "") -> str:
        """The id of a record that this call makes: of one key, always the same."""
        if self.idempotency_key is None:
            return new_id(prefix)
        told = f"{self.tenant}\n{self.route}\n{self.idempotency_key}\n{part}"
        return f"{prefix}-{hashlib.sha256(told.encode()).hexdigest()[:32]}"


class Need:
    """The dependency by which a route says what its key needs."""

    def __init__(self, scope: Scope, *, changes: bool) -> None:
        self.scope = scope
        self.changes = changes
        """It changes what is on record, so that no test key may use it."""


class _Reading(Need):
    def __call__(self, request: Request) -> Call:
        call: Call = request.scope[_CALL]
        return call


class _Writing(Need):
    def __call__(
        self,
        request: Request,
        idempotency_key: Annotated[
            str | None,
            Header(
                description="Names the call: the same key and body have the same answer.",
                pattern=f'^"?{IDENTITY.pattern}"?$',
                examples=["8e03978e-40d5-43dd-bc93-6894a57f9324"],
            ),
        ] = None,
    ) -> Call:
        call: Call = request.scope[_CALL]
        return call


def reads(scope: Scope) -> Any:
    """Of a route that reads."""
    return Depends(_Reading(scope, changes=False))


def changes(scope: Scope, *, named: bool = True) -> Any:
    """Of a route that changes what is on record: a test key may not use it.

    `named`: by the header Idempotency-Key, where it is there."""
    need = _Writing if named else _Reading
    return Depends(need(scope, changes=True))


def sends(scope: Scope) -> Any:
    """Of a route that a test key may use, although it makes a record."""
    return Depends(_Writing(scope, changes=False))


def find_need(route: APIRoute) -> Need | None:
    for dependency in route.dependant.dependencies:
        if isinstance(dependency.call, Need):
            return dependency.call
    return None


class ParsedRequest(Request):
    """Its body has been read and parsed."""

    def __init__(self, request: Request, body: bytes, parsed: Any) -> None:
        super().__init__(request.scope, request.receive)
        self._body = body
        self._parsed = parsed

    async def json(self) -> Any:
        return self._parsed


class ApiRoute(APIRoute):
    """A route of the API. The key comes first, then the body, then everything else."""

    max_body = MAX_BODY

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        need = find_need(self)

        async def handle_call(request: Request) -> Response:
            limits: Mapping[str, str] = {}
            try:
                if need is not None:
                    limits = identify(request, need)
                if self.body_field is not None:
                    request = await self._parse(request)
                answer = await self._handle(handle, request)
            except Problem as problem:
                answer = problem.response()
            answer.headers.update(limits)
            return answer

        return handle_call

    async def _parse(self, request: Request) -> Request:
        body = await read_body(request, self.max_body)
        return ParsedRequest(request, body, parse_json(body))

    async def _handle(
        self, handle: Callable[[Request], Awaitable[Response]], request: Request
    ) -> Response:
        try:
            return await handle(request)
        except (Problem, HTTPException):
            raise
        except Exception as error:  # noqa: BLE001  # the caller gets an answer, whatever it was
            raise explain_error(error) from None


class HotRoute(ApiRoute):
    """The endpoint is `(call, body)`. FastAPI describes it, and we read the body and call it: that
    costs half."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        need = find_need(self)
        assert need is not None
        assert self.body_field is not None
        shape: TypeAdapter[Any] = TypeAdapter(self.body_field.field_info.annotation or Any)

        async def handle_call(request: Request) -> Response:
            limits: Mapping[str, str] = {}
            try:
                limits = identify(request, need)
                body = read_json(shape, await read_body(request, self.max_body))
                answer: Response = await self._handle(
                    lambda request: self.endpoint(request.scope[_CALL], body), request
                )
            except Problem as problem:
                answer = problem.response()
            answer.headers.update(limits)
            return answer

        self.handle_call = handle_call
        return handle_call


class HotBatchRoute(HotRoute):
    max_body = MAX_BATCH_BODY


def identify(request: Request, need: Need) -> Mapping[str, str]:
    """Note the call in the request's scope. Returns what the key's limit says.

    Raises Problem."""
    api: Api = request.app.state.api
    key = _find_key(api, request)
    allowance = api.rate_limit.take(key, api.monotonic())
    if not allowance.allowed:
        detail = f"This key may make {key.rate} calls a second: wait, then send it again."
        raise Problem(problems.RATE, detail, headers=allowance.headers)
    try:
        _authorize(api, key, need, request.path_params.get("tenant", key.tenant))
        given = read_idempotency_key(request) if isinstance(need, _Writing) else None
    except Problem as problem:
        problem.headers |= allowance.headers
        raise
    route = f"{request.method} {request.url.path}"
    request.scope[_CALL] = Call(api, key, api.now(), route, given)
    return allowance.headers


def _find_key(api: Api, request: Request) -> ApiKey:
    scheme, _, written = request.headers.get("Authorization", "").partition(" ")
    try:
        key = api.keys.find(written.strip()) if scheme.lower() == "bearer" else None
    except KeysError as error:
        log.error("no keys", problem=str(error))
        raise unavailable("The keys cannot be read just now: try again.") from None
    if key is None:
        detail = (
            "Send a key that holds, as `Authorization: Bearer sayso_...`;"
            " `sayso keys add` makes one."
        )
        raise Problem(problems.UNAUTHORIZED, detail, headers=_AUTHENTICATE)
    return key


def _authorize(api: Api, key: ApiKey, need: Need, tenant: str) -> None:
    if tenant != key.tenant:
        detail = (
            "This key is another tenant's: use one that was made for the tenant of the address."
        )
        raise Problem(problems.WRONG_TENANT, detail)
    if need.scope not in key.scopes:
        detail = f"This key does not have the scope `{need.scope}`: make one that has it."
        raise Problem(problems.SCOPE, detail)
    if key.test and need.changes:
        raise Problem(problems.TEST_KEY, "This is a test key: use another one to change anything.")
    if not api.tenants.has(key.tenant):
        detail = (
            "This tenant has no settings: publish them with `sayso tenants apply`, then try again."
        )
        raise Problem(problems.UNKNOWN_TENANT, detail)


def read_idempotency_key(request: Request) -> str | None:
    """The header holds a string in quotes (RFC 9651), or the same without them."""
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return None
    key = given[1:-1] if len(given) > 1 and given[0] == given[-1] == '"' else given
    if IDENTITY.fullmatch(key) is None:
        detail = "Use letters, digits and . _ : @ - in Idempotency-Key, 128 at most."
        raise Problem(problems.IDEMPOTENCY_KEY, detail)
    return key
