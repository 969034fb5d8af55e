"""Draw pages: Jinja2, autoescaped and strict, with our filters."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from schemas.numbers import mask_number
from schemas.time_zones import is_place
from services.console.access import Visit
from services.console.forms import new_key
from services.console.languages import Languages
from services.console.navigation import navigation
from services.console.number_tokens import NumberTokens
from services.console.scope import name_case
from services.ledger.change_feed import position
from streams.reasons import format_duration

HERE: Final = Path(__file__).parent
ZONE_COOKIE: Final = "zone"
"""The browser's time zone, which a script writes."""


class Renderer:
    """`_()` marks every sentence that people see, so that one catalogue holds them all
    (`services.console.catalogue`)."""

    def __init__(self, tokens: NumberTokens) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        self.languages = languages = Languages()
        self._environment.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
            languages.gettext, languages.ngettext, newstyle=True
        )
        self._environment.filters["masked"] = mask_number
        self._environment.globals |= {
            "icon": icon,
            "form_key": new_key,
            "language": languages.current,
        }
        self._tokens = tokens

    def render(self, visit: Visit, template: str, **context: Any) -> str:
        """A page, or a part of one, for somebody who has signed in."""
        self.languages.choose(visit.request.headers.get("accept-language", ""))
        zone = read_zone(visit.request)
        names: dict[str, Any] = {
            "visit": visit,
            "viewer": visit.viewer,
            "tenant": visit.tenant,
            "now": visit.now,
            "path": visit.request.url.path,
            "navigation": navigation(visit),
            "position": position(visit.console.ledger),
            "duration": format_duration,
            "when": partial(show_time, zone=zone, now=visit.now),
            "case_name": cache(partial(name_case, visit)),
            "thread_url": partial(self.thread_url, visit.tenant),
        }
        return self._environment.get_template(template).render(names | context)

    def render_public(self, template: str, **context: Any) -> str:
        """A page for somebody who has not signed in."""
        return self._environment.get_template(template).render(context)

    def thread_url(self, tenant: str, number: str) -> str:
        return f"/t/{tenant}/threads/{self._tokens.write(tenant, number)}"


def draw(visit: Visit, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    renderer: Renderer = visit.request.app.state.renderer
    return HTMLResponse(renderer.render(visit, template, **context), status)


def draw_public(
    request: Request, template: str, *, status: int = 200, **context: Any
) -> HTMLResponse:
    renderer: Renderer = request.app.state.renderer
    renderer.languages.choose(request.headers.get("accept-language", ""))
    return HTMLResponse(renderer.render_public(template, **context), status)


@cache
def icon(name: str) -> Markup:
    """Decoration: the words beside it say the same."""
    return Markup(
        '<svg class="icon" aria-hidden="true"><use href="/static/icons.svg#{}"/></svg>'
    ).format(name)


def read_zone(request: Request) -> ZoneInfo:
    """The viewer's, by their browser; UTC while it has not said."""
    name = unquote(request.cookies.get(ZONE_COOKIE, "UTC"))
    return ZoneInfo(name if is_place(name) else "UTC")


def show_time(
    at: datetime | str | None, zone: ZoneInfo, now: datetime, *, seconds: bool = False
) -> Markup:
    """A time by the viewer's clock, and UTC on hover. The year only where it is another one."""
    if at is None or at == "":
        return Markup("")
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    local, today = moment.astimezone(zone), now.astimezone(zone)
    words = f"{local:%H:%M:%S}" if seconds else f"{local:%H:%M}"
    if local.year != today.year:
        words = f"{local:%-d %b %Y}, {words}"
    elif local.date() != today.date():
        words = f"{local:%a %-d %b}, {words}"
    utc = moment.astimezone(UTC)
    # Digits, names of months and days: nothing in it needs escaping.
    return Markup(  # noqa: S704 - see above
        f'<time datetime="{utc.isoformat()}" title="{utc:%Y-%m-%d %H:%M:%S} UTC">{words}</time>'
    )
