"""Public pages: ask for texts, and opt out of them. They need no script and set no cookie.

What visitors are told never depends on what is on record of a number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Query, Request
from pydantic import AfterValidator, BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from schemas.consent import ConsentEvent
from schemas.consent_form import LANGUAGES, ConsentForm
from schemas.sender import is_messaging_service
from schemas.tenant_settings import TenantSettings
from services.console.access import PUBLIC, Allow, Visit
from services.console.console import Console
from services.console.form_words import words_of
from services.console.rendering import draw, draw_public
from services.console.viewer import Permission
from services.console.visitors import AddressLimit, visitor_address
from services.ledger.cases import find_settings
from services.operations.consent import record_consent
from services.operations.errors import OperationError
from services.operations.web_consent import (
    WebVisit,
    build_web_opt_in,
    build_web_opt_out,
    read_visitor_number,
)

router = APIRouter(include_in_schema=False)
FORM: Final = "/forms/{tenant}/{form}"
OPT_OUT: Final = "/opt-out/{tenant}"
_LONGEST: Final = 500
"""Characters of anything that a visitor sends."""

_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors {}"
)

Text = Annotated[str, AfterValidator(lambda written: written[:_LONGEST])]


def _settings(console: Console, tenant: str) -> TenantSettings:
    settings = find_settings(console.ledger, tenant)
    if settings is None:
        raise HTTPException(404)
    return settings


class _FormPage:
    """One form, asked for by one visitor."""

    def __init__(self, console: Console, request: Request, tenant: str, name: str) -> None:
        """Raises HTTPException for a form that is not there."""
        self.console = console
        self.request = request
        self.settings = _settings(console, tenant)
        if name not in self.settings.forms:
            raise HTTPException(404)
        self.name = name
        self.form: ConsentForm = self.settings.forms[name]
        self.words = words_of(self.form.language)
        self.url = f"{console.url}/forms/{tenant}/{name}"

    def draw(self, status: int = 200, **shown: Any) -> Response:
        title = self.form.title or self.words["title"].format(name=self.settings.name)
        context: dict[str, Any] = {
            "lang": self.form.language,
            "words": self.words,
            "title": title,
            "wording": self.form.text(self.settings.name, self.settings.consent_request),
            "opt_out": f"/opt-out/{self.settings.tenant}?lang={self.form.language}",
            "page": self.find_page(self.request.headers.get("referer", "")),
            "number": "",
            "agreed": False,
            "problems": {},
            "done": False,
        }
        answer = draw_public(self.request, "consent_form.html", status=status, **context | shown)
        return _framed(answer, self.form.frame_origins)

    def find_page(self, page: str) -> str:
        """The page that shows the form inside of it; empty: none that may."""
        try:
            parts = urlsplit(page)
        except ValueError:
            return ""
        origin = f"{parts.scheme}://{parts.netloc}".lower()
        return page[:_LONGEST] if origin in self.form.frame_origins else ""


@router.get(FORM)
def show_form(
    console: Annotated[Console, PUBLIC], request: Request, tenant: str, form: str
) -> Response:
    return _FormPage(console, request, tenant, form).draw()


class _Given(BaseModel):
    """What a visitor sends. Too much is no error of the form: it is only looked at so far."""

    number: Text = ""
    agree: Text = ""
    page: Text = ""
    website: Text = ""
    """A field that people do not see: only programs fill it in."""
    form_key: Text = ""


@router.post(FORM)
async def take_form(
    console: Annotated[Console, PUBLIC],
    request: Request,
    tenant: str,
    form: str,
    given: Annotated[_Given, Form()],
) -> Response:
    drawn = _FormPage(console, request, tenant, form)
    words, page = drawn.words, drawn.find_page(given.page)
    known = read_visitor_number(given.number, drawn.settings.regions)

    def answer(status: int = 200, **shown: Any) -> Response:
        typed = {"number": given.number, "agreed": bool(given.agree), "page": page}
        return drawn.draw(status, **{**typed, **shown})

    problems = {} if known else {"number": words["bad_number"]}
    if not given.agree:
        problems["agree"] = words["agree"]
    if known is None or problems:
        return answer(422, problems=problems)
    if given.website:
        return answer(done=True)
    address = visitor_address(request, console)
    limit: AddressLimit = request.app.state.form_limit
    if not limit.take(address):
        return answer(429, problems={"form": words["limited"]})
    visit = WebVisit(page or drawn.url, address, given.form_key, console.clock())
    event = build_web_opt_in(drawn.settings, drawn.name, known, visit)
    if not await _is_published(console, event):
        return answer(503, problems={"form": words["away"]})
    return answer(done=True)


@router.get(OPT_OUT)
def show_opt_out(
    console: Annotated[Console, PUBLIC],
    request: Request,
    tenant: str,
    lang: Annotated[str, Query(max_length=10)] = "en",
) -> Response:
    return _draw_opt_out(request, _settings(console, tenant), lang)


@router.post(OPT_OUT)
async def opt_out(
    console: Annotated[Console, PUBLIC],
    request: Request,
    tenant: str,
    given: Annotated[_Given, Form()],
    lang: Annotated[str, Query(max_length=10)] = "en",
) -> Response:
    """It asks for no proof: a no counts, whoever says it."""
    settings = _settings(console, tenant)
    words = words_of(lang)
    address = visitor_address(request, console)
    number = given.number
    visit = WebVisit(f"{console.url}/opt-out/{tenant}", address, given.form_key, console.clock())
    event = build_web_opt_out(settings, number, visit)
    if event is None:
        return _draw_opt_out(request, settings, lang, 422, number=number, problem=words["out_bad"])
    limit: AddressLimit = request.app.state.opt_out_limit
    if not limit.take(address):
        problem = words["limited"]
        return _draw_opt_out(request, settings, lang, 429, number=number, problem=problem)
    if not await _is_published(console, event):
        problem = words["away"]
        return _draw_opt_out(request, settings, lang, 503, number=number, problem=problem)
    return _draw_opt_out(request, settings, lang, number=number, done=True)


def _draw_opt_out(
    request: Request, settings: TenantSettings, lang: str, status: int = 200, **shown: Any
) -> Response:
    language = lang if lang in LANGUAGES else "en"
    has_number = not is_messaging_service(settings.sender)
    context: dict[str, Any] = {
        "lang": language,
        "words": words_of(language),
        "name": settings.name,
        "sender": settings.sender if has_number else "",
        "number": "",
        "problem": "",
        "done": False,
    }
    return _framed(draw_public(request, "opt_out.html", status=status, **context | shown), ())


async def _is_published(console: Console, event: ConsentEvent) -> bool:
    try:
        await record_consent(console.kafka, event)
    except OperationError:
        return False
    return True


def _framed(answer: Response, origins: tuple[str, ...]) -> Response:
    """Only these sites may show the page inside of theirs."""
    allowed = " ".join(("'self'", *origins)) if origins else "'none'"
    answer.headers["Content-Security-Policy"] = _POLICY.format(allowed)
    return answer


# For staff: which forms there are, and how to show one on a site.


@router.get("/t/{tenant}/people/-/forms")
def list_forms(visit: Annotated[Visit, Allow(Permission.READ)]) -> Response:
    settings = _settings(visit.console, visit.tenant)
    url = visit.console.url
    forms = [_describe(settings, name, form, url) for name, form in settings.forms.items()]
    opt_out_url = f"{url}/opt-out/{visit.tenant}"
    return draw(visit, "consent_forms.html", forms=forms, opt_out=opt_out_url)


def _describe(
    settings: TenantSettings, name: str, form: ConsentForm, url: str
) -> Mapping[str, Any]:
    address = f"{url}/forms/{settings.tenant}/{name}"
    title = form.title or words_of(form.language)["title"].format(name=settings.name)
    quoted = title.replace("&", "&amp;").replace('"', "&quot;")
    return {
        "name": name,
        "title": title,
        "wording": form.text(settings.name, settings.consent_request),
        "version": form.version,
        "language": form.language,
        "origins": form.frame_origins,
        "address": address,
        "snippet": f'<iframe src="{address}" title="{quoted}" width="100%" height="560"'
        ' style="border:0" loading="lazy" referrerpolicy="strict-origin-when-cross-origin">'
        "</iframe>",
    }
