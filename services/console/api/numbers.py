"""The consent of a number, and its history."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path
from pydantic import BaseModel

from schemas.consent import ConsentChange, ConsentStatus
from services.console.api.calls import ApiRoute, Call, reads
from services.console.api.paging import not_found, parse_number
from services.console.api.scopes import Scope
from services.ledger.consent import ConsentRecord, read_consent

router = APIRouter(route_class=ApiRoute, tags=["consents"])
Number = Annotated[
    str, Path(max_length=64, description="With plus and country code, as %2B12125550123.")
]


class ConsentHistory(BaseModel):
    number: str
    entries: list[ConsentChange]
    """The oldest first: a hash chain."""


@router.get("/v1/consents/{number}")
def get_consent(call: Annotated[Call, reads(Scope.CONSENTS)], number: Number) -> ConsentStatus:
    """Where a number's consent stands."""
    record = _find(call, number)
    if record.status is None:
        raise not_found("consent")
    return ConsentStatus.model_validate_json(_dump(record.status))


@router.get("/v1/consents/{number}/history")
def get_consent_history(
    call: Annotated[Call, reads(Scope.CONSENTS)], number: Number
) -> ConsentHistory:
    """What changed a number's consent, each time with its evidence."""
    record = _find(call, number)
    entries = [ConsentChange.model_validate_json(_dump(one)) for one in record.log]
    return ConsentHistory(number=record.number, entries=entries)


def _find(call: Call, written: str) -> ConsentRecord:
    """Raises Problem."""
    found = read_consent(call.ledger, parse_number(written), call.tenant)
    if not found:
        raise not_found("number")
    return found[0]


def _dump(record: Any) -> bytes:
    return orjson.dumps(record)
