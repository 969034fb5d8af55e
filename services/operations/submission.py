"""Submit requests under ids that may have been used before.

A message id names a text for good.  The gate and people take the same id with the same text as a
repeat, and make another text under it a dead letter, which no caller sees.  So whoever has to
answer a caller asks the ledger first.  A request is known here as soon as the ledger has read it;
until then whoever has submitted it has to remember it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Final

from schemas.decision import Decision
from schemas.person import PersonRequest
from schemas.send_request import SendRequest
from schemas.topics import PERSON_REQUESTS, SEND_REQUESTS
from services.ledger import Ledger
from services.operations.session import Session
from streams.gate.messages import is_same_request

Request = SendRequest | PersonRequest
_Identity = tuple[str, str]

MAX_BATCH: Final = 500
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Known(Enum):
    NEW = auto()
    """Nothing is on record under its id."""
    SAME = auto()
    """It was requested before, word for word; who asked and when may differ."""
    ANOTHER = auto()
    """The id was used for another request."""


def compare_with_known(ledger: Ledger, requests: Sequence[Request]) -> list[Known]:
    """For each request what its id stands for, by the ledger and by the requests before it here."""
    before = _read_known(ledger, requests)
    found = []
    for request in requests:
        identity = (request.tenant, request.message_id)
        known = before.setdefault(identity, request)
        if known is request:
            found.append(Known.NEW)
        else:
            found.append(Known.SAME if _is_same(known, request) else Known.ANOTHER)
    return found


async def submit_requests(
    kafka: Session, ledger: Ledger, requests: Sequence[Request]
) -> list[Known]:
    """Publish those that are new, and return once Kafka has confirmed them all.

    Raises OperationError: then none, some or all of them are on Kafka, and to submit them again
    does no harm."""
    assert len(requests) <= MAX_BATCH
    known = compare_with_known(ledger, requests)
    new = [one for one, found in zip(requests, known, strict=True) if found is Known.NEW]
    if new:
        await kafka.require_tenants(*dict.fromkeys(one.tenant for one in new))
    if to_numbers := [one for one in new if isinstance(one, SendRequest)]:
        await kafka.publish(SEND_REQUESTS, to_numbers)
    if to_people := [one for one in new if isinstance(one, PersonRequest)]:
        await kafka.publish(PERSON_REQUESTS, to_people)
    return known


async def submit_request(kafka: Session, ledger: Ledger, request: Request) -> Known:
    """Raises OperationError."""
    [known] = await submit_requests(kafka, ledger, [request])
    return known


def _read_known(ledger: Ledger, requests: Iterable[Request]) -> dict[_Identity, Request | Decision]:
    """By tenant and id, what came first: what people were asked, else what the gate was asked, else
    a decision, where the request itself is no longer on record."""
    ids = json.dumps([one.message_id for one in requests])
    found: dict[_Identity, Request | Decision] = {}
    kinds: tuple[tuple[str, type[Request | Decision]], ...] = (
        ("person_requests", PersonRequest),
        ("requests", SendRequest),
        ("decisions", Decision),
    )
    for table, kind in kinds:
        sql = f"""SELECT tenant, message_id, json FROM {table}
            WHERE message_id IN (SELECT value FROM json_each(?)) ORDER BY part, off"""
        for row in ledger.rows(sql, ids):
            identity = (row["tenant"], row["message_id"])
            if identity not in found:
                found[identity] = kind.model_validate_json(row["json"])
    return found


def _is_same(known: Request | Decision, request: Request) -> bool:
    if isinstance(known, Decision):
        return isinstance(request, SendRequest) and is_same_request(known.fingerprint, request)
    return _strip(known) == _strip(request)


def _strip(request: Request) -> Request:
    """What a repeat has to have in common."""
    update = {"requested_at": _LONG_AGO, "requested_by": None}
    if isinstance(request, SendRequest):
        return request.model_copy(update=update | {"to": request.number})
    return request.model_copy(update=update)
