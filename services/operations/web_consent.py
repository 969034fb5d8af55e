"""What visitors of public pages say: that they want texts, or that they want none."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final, NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from schemas.base import Evidence
from schemas.consent import ConsentAction, ConsentEvent, ConsentSource
from schemas.numbers import e164
from schemas.tenant_settings import TenantSettings
from schemas.text_hash import sha256_hex
from streams.gate.number_validation import validate_number

FEWEST_DIGITS: Final = 7
LONGEST: Final = 60
"""Characters of a number as people write it."""


class WebVisit(NamedTuple):
    """Where something was said: for the evidence."""

    url: str
    ip: str | None
    key: str
    """Of the drawn form. What is sent twice under it is the same."""
    at: datetime


def read_visitor_number(written: str, regions: tuple[str, ...]) -> str | None:
    """The number in E.164; without a country code, as it is dialed in the first of these countries
    that has such a number. None: it is none that can be texted."""
    for number in (e164(written), *_read_national(written, regions)):
        if not validate_number(number).problem:
            return number
    return None


def build_web_opt_in(
    tenant: TenantSettings, form_name: str, number: str, visit: WebVisit
) -> ConsentEvent:
    """It is no consent yet: anybody may have typed the number. The gate asks whoever has it."""
    form = tenant.forms[form_name]
    wording = form.text(tenant.name, tenant.consent_request)
    evidence = Evidence(
        wording=wording,
        wording_version=form.version,
        wording_sha256=sha256_hex(wording),
        url=visit.url,
        ip=visit.ip,
    )
    return ConsentEvent(
        event_id=_event_id("form", visit, number),
        tenant=tenant.tenant,
        number=number,
        sender=form.sender,
        action=ConsentAction.OPT_IN,
        source=ConsentSource.WEB_FORM,
        at=visit.at,
        evidence=evidence,
    )


def build_web_opt_out(tenant: TenantSettings, written: str, visit: WebVisit) -> ConsentEvent | None:
    """Of any number, as far as there is one: a no is never held to what a yes must bring. What is
    no number in use goes to the gate as it was written, which blocks whatever it may mean.

    None: there are no digits to speak of."""
    if len(re.sub(r"\D", "", written)) < FEWEST_DIGITS:
        return None
    number = read_visitor_number(written, tenant.regions) or e164(written)[:LONGEST]
    return ConsentEvent(
        event_id=_event_id("opt-out", visit, number),
        tenant=tenant.tenant,
        number=number,
        action=ConsentAction.OPT_OUT,
        source=ConsentSource.WEB_FORM,
        at=visit.at,
        evidence=Evidence(url=visit.url, ip=visit.ip),
    )


def _read_national(written: str, regions: tuple[str, ...]) -> list[str]:
    found = []
    for region in regions:
        try:
            parsed = phonenumbers.parse(written, region)
        except NumberParseException:
            continue
        if phonenumbers.is_valid_number_for_region(parsed, region):
            found.append(e164(phonenumbers.format_number(parsed, PhoneNumberFormat.E164)))
    return found


def _event_id(kind: str, visit: WebVisit, number: str) -> str:
    return f"{kind}-{sha256_hex(f'{visit.key}/{number}')[:32]}"
