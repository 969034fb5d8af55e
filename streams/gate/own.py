"""Texts that Sayso starts: requests of its own, judged like any other."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import Final, NamedTuple

from schemas.base import Evidence
from schemas.send_request import SendRequest
from schemas.system_kind import SystemKind
from streams.gate.follow import Pending
from streams.gate.identity import fingerprint
from streams.gate.state import MessageRow

BY: Final = "sayso"
"""Who has requested it."""

WORDS: Final = {
    SystemKind.CONSENT_ASK: "ask",
    SystemKind.STOP_CONFIRMATION: "stop",
    SystemKind.START_CONFIRMATION: "start",
    SystemKind.HELP_ANSWER: "help",
}
"""What their message ids begin with."""

_OURS: Final = re.compile(rf"({'|'.join(WORDS.values())})-[0-9a-f]{{16}}-[0-9]+")


class Draft(NamedTuple):
    """`ordinal` counts the texts of this kind to this number, so that the same one has the same id whenever it is
    begun."""

    kind: SystemKind
    ordinal: int
    tenant: str
    number: str
    sender: str | None
    body: str
    valid_until: datetime | None = None
    branch: str | None = None
    time_zone: str | None = None
    postal_region: str | None = None


def own_id(kind: SystemKind, tenant: str, number: str, ordinal: int) -> str:
    digest = hashlib.sha256(f"{tenant}/{number}".encode()).hexdigest()[:16]
    return f"{WORDS[kind]}-{digest}-{ordinal}"


def is_ours(message_id: str) -> bool:
    """Whether an id is one that only Sayso gives."""
    return _OURS.fullmatch(message_id) is not None


def pending(draft: Draft, place: Evidence, now: datetime) -> Pending:
    request = SendRequest(
        message_id=own_id(draft.kind, draft.tenant, draft.number, draft.ordinal),
        tenant=draft.tenant,
        branch=draft.branch,
        to=draft.number,
        sender=draft.sender,
        body=draft.body,
        kind=draft.kind,
        time_zone=draft.time_zone,
        postal_region=draft.postal_region,
        valid_until=draft.valid_until,
        requested_at=now,
        requested_by=BY,
    )
    message = MessageRow(fingerprint=fingerprint(request), received=now, own=True)
    return Pending(request, message, place)
