"""Parse a call's body into a consent claim, or into problems: field by field, with what to do."""

from __future__ import annotations

import json
from datetime import datetime
from ipaddress import ip_address
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from schemas.base import Evidence, Message, Slug, UtcTime
from schemas.blank_text import is_blank
from schemas.consent import ConsentAction, ConsentEvent, ConsentSource
from schemas.consent_dates import CLOCK_SKEW, why_no_proof
from schemas.numbers import E164, e164
from schemas.text_hash import sha256_hex
from services.console.api.errors import explain_field
from services.console.api.problems import FieldProblem
from streams.gate.number_validation import PROBLEMS, validate_number
from streams.inbound_keywords import Meaning, classify_reply

MAX_WORDING: Final = 4000
MAX_URL: Final = 2000

_OPT_IN: Final = "opt_in"
_HASH: Final = "wording_sha256"
"""What else the whole of an opt-out is checked for."""


def _parse_number(written: str, given: ValidationInfo) -> str:
    """A number that cannot be texted cannot opt in. An opt-out is accepted for any number."""
    number = e164(written)
    problem = validate_number(number).problem if given.data.get("action") == _OPT_IN else ""
    if not problem and not E164.fullmatch(number):
        problem = "unreadable"
    if problem:
        what, fix = PROBLEMS[problem]
        raise ValueError(f"{what}: {fix}")
    return number


def _parse_ip(written: str) -> str:
    """An IPv6 zone is refused: it can be any text, and a browser's address has none here."""
    try:
        return str(ip_address("" if "%" in written else written))
    except ValueError:
        raise ValueError(
            "give the IP address of the person's browser, such as 192.0.2.44"
        ) from None


def _check_wording(wording: str) -> str:
    if is_blank(wording):
        raise ValueError("give the words that the person saw")
    return wording


def _check_url(written: str) -> str:
    try:
        parts = urlsplit(written)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("give the whole address of the page, with https://")
    return written


class ConsentClaim(Message):
    """An opt-in has to carry what the person saw, and where. An opt-out needs no evidence."""

    model_config = ConfigDict(extra="forbid")

    event_id: Slug
    action: Literal["opt_in", "opt_out"]
    number: Annotated[str, AfterValidator(_parse_number)]
    at: UtcTime
    verified: bool = False
    sender: str | None = Field(default=None, min_length=1, max_length=128)
    wording: (
        Annotated[str, Field(min_length=1, max_length=MAX_WORDING), AfterValidator(_check_wording)]
        | None
    ) = None
    wording_version: str | None = Field(default=None, max_length=128)
    wording_sha256: str | None = None
    url: Annotated[str, Field(max_length=MAX_URL), AfterValidator(_check_url)] | None = None
    ip: Annotated[str, AfterValidator(_parse_ip)] | None = None

    @model_validator(mode="after")
    def _check_proof(self) -> ConsentClaim:
        missing = [name for name in ("wording", "url", "ip") if getattr(self, name) is None]
        if self.action == _OPT_IN and missing:
            raise ValueError(f"an opt-in needs its proof: give {', '.join(missing)}")
        given = self.wording_sha256
        if given is not None and given.lower() != _hash_wording(self.wording):
            raise ValueError(
                "wording_sha256 is not that of wording: send both from the same text, in UTF-8"
            )
        return self


def parse_claim(
    tenant: str, body: Any, key_id: str, now: datetime
) -> ConsentEvent | tuple[FieldProblem, ...]:
    try:
        given = ConsentClaim.model_validate_json(json.dumps(body))
    except ValidationError as error:
        no = read_opt_out(body, now)
        if no is not None:
            return _build_event(tenant, no, key_id)
        return tuple(
            explain_field(one) for one in error.errors(include_url=False, include_input=False)
        )
    except RecursionError:
        fix = "these are objects in objects without end: send the fields that are documented"
        return (FieldProblem(field="body", fix=fix),)
    at = given.at
    if given.action == _OPT_IN:  # a no counts, whatever its caller's clock says
        if at > now + CLOCK_SKEW:
            fix = "this is in the future: send the time at which the person did it"
            return (FieldProblem(field="at", fix=fix),)
        if problem := why_no_proof(at, now, ahead=CLOCK_SKEW):
            fix = f"this {problem}: send the time at which the person did it"
            return (FieldProblem(field="at", fix=fix),)
    return _build_event(tenant, given, key_id)


def _build_event(tenant: str, given: ConsentClaim, key_id: str) -> ConsentEvent:
    evidence = Evidence(
        wording=given.wording,
        wording_version=given.wording_version,
        wording_sha256=_hash_wording(given.wording),
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


def read_opt_out(body: Any, now: datetime) -> ConsentClaim | None:
    """A no is never held to the proof of a yes: what is wrong beside its number is left out."""
    action = body.get("action") if isinstance(body, dict) else None
    if not isinstance(action, str) or not _is_no(action):
        return None
    told = json.dumps(body, sort_keys=True)
    given = {name: _drop_halves(body[name]) for name in ConsentClaim.model_fields if name in body}
    given = {name: value for name, value in given.items() if isinstance(value, str | bool)}
    instead = {
        "action": ConsentAction.OPT_OUT,
        "event_id": f"opt-out-{sha256_hex(told)[:32]}",
        "at": now.isoformat(),
    }
    given["action"] = instead["action"]
    for _ in range(len(ConsentClaim.model_fields)):
        try:
            return ConsentClaim.model_validate_json(json.dumps(given))
        except ValidationError as error:
            wrong = {str(one["loc"][0]) if one["loc"] else _HASH for one in error.errors()}
            if "number" in wrong:
                return None
            given = {name: value for name, value in given.items() if name not in wrong}
            given |= {name: value for name, value in instead.items() if name in wrong}
    return None


def _is_no(action: str) -> bool:
    """Also in the words in which people text it."""
    is_named = action == ConsentAction.OPT_OUT
    return is_named or classify_reply(action).meaning in (Meaning.STOP, Meaning.REVOKE)


def _drop_halves(value: Any) -> Any:
    """Half a character is in no JSON."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else value


def _hash_wording(wording: str | None) -> str | None:
    return None if wording is None else sha256_hex(wording)
