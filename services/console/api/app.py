"""Put the API together: its routes, and what answers where there is none."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.console.api import (
    approvals,
    case_parts,
    cases,
    consents,
    event_webhooks,
    message_actions,
    messages,
    numbers,
    people,
    problems,
    reports,
    send_requests,
    threads,
)
from services.console.api.api import Api
from services.console.api.calls import HotRoute, find_need
from services.console.api.openapi import describe
from services.console.api.problems import Problem

PREFIX: Final = "/v1/"
HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""Of every answer."""
ROUTERS: Final = (
    *send_requests.routers,
    consents.router,
    messages.router,
    message_actions.router,
    approvals.router,
    numbers.router,
    people.router,
    cases.router,
    case_parts.router,
    threads.router,
    reports.router,
    event_webhooks.router,
)
"""The hot path first: routes are tried in this order."""


def build_api(api: Api) -> FastAPI:
    """Raises ValueError for a route that does not say what its key needs."""
    app = FastAPI(
        title="Sayso", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False
    )
    app.state.api = api
    routes = list_routes()
    for route in routes:
        if find_need(route) is None:
            raise ValueError(f"{route.path} does not say what its key needs")
    app.router.routes.extend(routes)
    app.add_exception_handler(HTTPException, _explain)
    app.add_route("/v1/openapi.json", _show_openapi, ["GET"])
    app.add_route("/v1/problems/{name}", _show_problem, ["GET"])
    return app


def list_routes() -> list[APIRoute]:
    return [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


def _show_openapi(_request: Request) -> Response:
    return Response(describe(list_routes()), media_type="application/json")


def _show_problem(request: Request) -> Response:
    kind = problems.find_type(request.path_params["name"])
    if kind is None:
        raise HTTPException(404)
    return PlainTextResponse(f"{kind.title} ({kind.status})\n\n{kind.advice}\n")


def _explain(request: Request, error: Exception) -> Response:
    """What the framework refuses by itself."""
    assert isinstance(error, HTTPException)
    allowed = _allowed_methods(request)
    if error.status_code == 405 and allowed:
        detail = f"This address takes {allowed}."
        return Problem(problems.METHOD, detail, headers={"Allow": allowed}).response()
    if error.status_code in (404, 405):
        detail = f"There is nothing at this address: see {PREFIX}openapi.json."
        return Problem(problems.NOT_FOUND, detail).response()
    return Problem(problems.MALFORMED, "The call cannot be read.").response()


def _allowed_methods(request: Request) -> str:
    """Of all routes of the address."""
    found: set[str] = set()
    for route in request.app.routes:
        match, _ = route.matches(request.scope)
        if match is not Match.NONE:
            found |= getattr(route, "methods", None) or set()
    return ", ".join(sorted(found))


class ApiMiddleware:
    """Hands calls to the API before anything of the pages looks at them."""

    def __init__(self, app: ASGIApp, api: FastAPI, secure: bool) -> None:
        self._app = app
        self._api = api
        self._hot = {
            (method, route.path): route
            for route in api.router.routes
            if isinstance(route, HotRoute)
            for method in route.methods or ()
        }
        """Their addresses have no parameters, so that no router need look for them."""
        self._headers = dict(HEADERS)
        if secure:
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return

        hot = self._hot.get((scope["method"], scope["path"]))

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers: Any = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        if hot is None:
            await self._api(scope, receive, send_with_headers)
        else:
            scope["app"] = self._api
            answer = await hot.handle_call(Request(scope, receive))
            await answer(scope, receive, send_with_headers)
