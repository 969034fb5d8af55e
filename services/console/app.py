"""Put the console together: routes, checks, errors."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from services.console.access import Public, Requirement, SignInRequired
from services.console.api.api import Api
from services.console.api.app import ApiMiddleware, build_api
from services.console.console import Console
from services.console.forms import StillUnderWay
from services.console.lag_watch import LagWatch
from services.console.live import Watch
from services.console.number_tokens import NumberTokens
from services.console.pages import ROUTERS
from services.console.pages.errors import draw_error, draw_fault, draw_invalid
from services.console.rendering import HERE, Renderer
from services.console.security import BodyTooLarge, SecurityMiddleware
from services.console.visitors import AddressLimit
from services.ledger import LedgerError
from services.operations.errors import InvalidRequest, OperationError

LEDGER_AWAY: Final = "The ledger cannot be read just now"


def build_app(console: Console, api: Api) -> FastAPI:
    """Raises ValueError for a route that does not say who may use it."""
    app = FastAPI(title="Sayso", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.console = console
    app.state.tokens = NumberTokens(console.store)
    app.state.lag = LagWatch(console.kafka.bootstrap)
    app.state.watch = Watch(lambda: console.ledger, console.clock)
    app.state.form_limit = AddressLimit(10, 60, console.clock)
    app.state.opt_out_limit = AddressLimit(30, 60, console.clock)
    app.state.renderer = Renderer(app.state.tokens)
    app.add_middleware(SecurityMiddleware, url=console.url, draw_fault=draw_fault)
    secure = console.url.startswith("https:")
    app.add_middleware(ApiMiddleware, api=build_api(api), secure=secure)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    for router in ROUTERS:
        _require_requirements(router)
        app.include_router(router)
    _add_error_handlers(app)
    return app


def _require_requirements(router: APIRouter) -> None:
    for route in router.routes:
        if isinstance(route, APIRoute) and find_requirement(route) is None:
            raise ValueError(f"{route.path} does not say who may use it")


def find_requirement(route: APIRoute) -> Requirement | Public | None:
    calls = [dependency.call for dependency in route.dependant.dependencies]
    return next((call for call in calls if isinstance(call, Requirement | Public)), None)


def _add_error_handlers(app: FastAPI) -> None:
    @app.exception_handler(SignInRequired)
    async def ask_to_sign_in(request: Request, _error: Exception) -> Response:
        if request.headers.get("hx-request"):
            return Response(status_code=401, headers={"HX-Refresh": "true"})
        url = request.url
        # What was posted is gone: the first page is a better place than none.
        asked = "/" if request.method != "GET" else url.path + (f"?{url.query}" * bool(url.query))
        return RedirectResponse(f"/sign-in?next={quote(asked)}", 303)

    @app.exception_handler(HTTPException)
    async def show_http_error(request: Request, error: HTTPException) -> Response:
        return draw_error(request, error.status_code, headers=error.headers)

    @app.exception_handler(LedgerError)
    async def show_ledger_error(request: Request, error: LedgerError) -> Response:
        return draw_error(request, 503, f"{LEDGER_AWAY}. {error}")

    @app.exception_handler(OperationError)
    async def show_operation_error(request: Request, error: OperationError) -> Response:
        return draw_error(request, 422 if isinstance(error, InvalidRequest) else 503, str(error))

    @app.exception_handler(StillUnderWay)
    async def show_under_way(request: Request, _error: Exception) -> Response:
        return draw_error(request, 409)

    @app.exception_handler(ValidationError)
    async def show_unfit(request: Request, error: ValidationError) -> Response:
        return draw_invalid(request, error.errors(include_url=False, include_input=False))

    @app.exception_handler(RequestValidationError)
    async def show_invalid(request: Request, error: RequestValidationError) -> Response:
        return draw_invalid(request, error.errors())

    @app.exception_handler(BodyTooLarge)
    async def show_too_large(_request: Request, _error: Exception) -> Any:
        return PlainTextResponse("That is more than anybody may send at once.\n", 413)
