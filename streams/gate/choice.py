"""Which sender a text goes from.

Senders are the platform's; each is one tenant's own or shared by several, down to one number for all.  People keep the
number that they know, the last that texted them for this tenant, so that what one firm writes them stays one
conversation.  One that they, or their carrier, have stopped alone is not kept: a STOP to one sender leaves the others
(see `opted_out`, `blocked_by_carrier`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from schemas.send_request import SendRequest
from schemas.sender import Sender
from schemas.tenant_settings import TenantSettings
from streams.gate.state import NumberRow

GONE: Final = "does not exist any more"
NOT_THEIRS: Final = "is not for this tenant to use any more"
DEAF: Final = "is not set up to receive answers any more"


def sender_of(
    request: SendRequest,
    row: NumberRow,
    tenant: TenantSettings | None,
    senders: Mapping[str, Sender],
) -> str:
    """The request's own, allowed or not; else the one they know; else the branch's; else the tenant's."""
    if request.sender or tenant is None:
        return request.sender or ""
    if row.sender and not _stopped(row) and against(row.sender, tenant.tenant, senders) is None:
        return row.sender
    branch = tenant.branches.get(request.branch) if request.branch else None
    return (branch.sender if branch else None) or tenant.sender


def against(name: str, tenant: str, senders: Mapping[str, Sender]) -> str | None:
    """Why a tenant can no longer text from a sender; None: it can."""
    sender = senders.get(name)
    if sender is None:
        return GONE
    if tenant not in sender.tenants:
        return NOT_THEIRS
    return None if sender.hears else DEAF


def _stopped(row: NumberRow) -> bool:
    return row.sender in (row.out or {}) or row.sender in (row.blocked or {})
