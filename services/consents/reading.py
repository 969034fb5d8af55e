"""A call's body, read into a claim.  What is wrong with it comes back field by field, with what to do."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Annotated, Any, Final, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from schemas.base import Evidence, Slug, UtcTime
from schemas.consent import ConsentAction, ConsentEvent, ConsentSource
from schemas.numbers import e164
from streams.gate.number_validation import PROBLEMS, validate_number

CLOCKS_DIFFER: Final = timedelta(minutes=5)
"""How far ahead of ours the caller's clock may be."""
LONGEST_WORDING: Final = 4000
LONGEST_URL: Final = 2000


_OPT_IN: Final = "opt_in"
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")


class Problem(NamedTuple):
    """`field` is where in the body; `fix` says what to do, without the value: it may be somebody's number."""

    field: str
    fix: str


def _number(written: str, given: ValidationInfo) -> str:
    """Nobody opts in with a number that cannot be texted; a wish to hear no more is taken for any."""
    number = e164(written)
    problem = validate_number(number).problem if given.data.get("action") == _OPT_IN else ""
    if not problem and not _E164.fullmatch(number):
        problem = "unreadable"
    if problem:
        what, fix = PROBLEMS[problem]
        raise ValueError(f"{what}: {fix}")
    return number


def _address(written: str) -> str:
    """Without a zone, which may be any words: no browser's address has one here."""
    try:
        return str(ip_address("" if "%" in written else written))
    except ValueError:
        raise ValueError(
            "give the IP address of the person's browser, such as 192.0.2.44"
        ) from None


def _shown(wording: str) -> str:
    if not wording.strip():
        raise ValueError("give the words that the person saw")
    return wording


def _page(written: str) -> str:
    try:
        parts = urlsplit(written)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("give the whole address of the page, with https://")
    return written


class _Given(BaseModel):
    """The body.  An opt-in carries what the person saw and where; a person may leave without giving reasons."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    event_id: Slug
    action: Literal["opt_in", "opt_out"]
    number: Annotated[str, AfterValidator(_number)]
    at: UtcTime
    verified: bool = False
    sender: str | None = Field(default=None, min_length=1, max_length=128)
    wording: (
        Annotated[str, Field(min_length=1, max_length=LONGEST_WORDING), AfterValidator(_shown)]
        | None
    ) = None
    wording_version: str | None = Field(default=None, max_length=128)
    wording_sha256: str | None = None
    url: Annotated[str, Field(max_length=LONGEST_URL), AfterValidator(_page)] | None = None
    ip: Annotated[str, AfterValidator(_address)] | None = None

    @model_validator(mode="after")
    def _proves_it(self) -> _Given:
        lacking = [name for name in ("wording", "url", "ip") if getattr(self, name) is None]
        if self.action == _OPT_IN and lacking:
            raise ValueError(f"an opt-in needs its proof: give {', '.join(lacking)}")
        if self.wording_sha256 is not None and self.wording_sha256.lower() != _sha256(self.wording):
            raise ValueError(
                "wording_sha256 is not that of wording: send both from the same text, in UTF-8"
            )
        return self


def claim(tenant: str, body: Any, key_id: str, now: datetime) -> ConsentEvent | tuple[Problem, ...]:
    try:
        given = _Given.model_validate_json(json.dumps(body))
    except ValidationError as error:
        return tuple(_problem(one) for one in error.errors(include_url=False, include_input=False))
    except RecursionError:
        return (
            Problem(
                "body",
                "these are objects in objects without end: send the fields that the README names",
            ),
        )
    if given.at > now + CLOCKS_DIFFER:
        return (Problem("at", "this is in the future: send the time at which the person did it"),)
    evidence = Evidence(
        wording=given.wording,
        wording_version=given.wording_version,
        wording_sha256=_sha256(given.wording),
        url=given.url,
        ip=given.ip,
        key_id=key_id,
    )
    return ConsentEvent(
        event_id=given.event_id,
        tenant=tenant,
        number=given.number,
        sender=given.sender,
        action=ConsentAction(given.action),
        source=ConsentSource.FORM if given.verified else ConsentSource.WEB_FORM,
        at=given.at,
        evidence=evidence,
    )


def _sha256(wording: str | None) -> str | None:
    return None if wording is None else hashlib.sha256(wording.encode()).hexdigest()


_FIXES: Final = {
    "missing": "give it",
    "extra_forbidden": "this field is not known: leave it out, or correct its name",
    "string_pattern_mismatch": "use letters, digits and . _ : @ - (128 at most, no blank, no slash)",
}


def _problem(error: Any) -> Problem:
    said = str(error["msg"]).removeprefix("Value error, ")
    if error["type"].startswith(("datetime", "timezone")):
        said = "write a time with its zone, such as 2026-12-01T09:00:00-05:00"
    return Problem(".".join(map(str, error["loc"])) or "body", _FIXES.get(error["type"], said))
