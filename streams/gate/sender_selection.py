"""Which sender a text is sent from.

Senders belong to the platform; each is for one tenant or shared by several.  Recipients keep the
number that they know, the last that texted them for this tenant, so that one firm's texts stay one
conversation.  A sender that the recipient or their carrier has stopped is not kept: a STOP to one
sender may leave the others (see `check_opted_out` and `check_blocked_by_carrier`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from schemas.send_request import SendRequest
from schemas.sender import Sender
from schemas.tenant_settings import TenantSettings
from streams.gate.state import NumberState

GONE: Final = "does not exist any more"
NOT_THEIRS: Final = "is not for this tenant to use any more"
NO_INBOUND: Final = "is not set up to receive answers any more"


def select_sender(
    request: SendRequest,
    number: NumberState,
    tenant: TenantSettings | None,
    senders: Mapping[str, Sender],
) -> str:
    """The request's own, allowed or not; else the one they know; else the branch's; else the
    tenant's."""
    if request.sender or tenant is None:
        return request.sender or ""
    known = number.sender
    if (
        known
        and known not in (number.stopped_senders or ())
        and known not in (number.blocked_senders or ())
        and why_unavailable(known, tenant.tenant, senders) is None
    ):
        return known
    branch = tenant.branches.get(request.branch) if request.branch else None
    return (branch.sender if branch else None) or tenant.sender


def why_unavailable(name: str, tenant: str, senders: Mapping[str, Sender]) -> str | None:
    """Why a tenant can no longer text from a sender; None: it can."""
    sender = senders.get(name)
    if sender is None:
        return GONE
    if tenant not in sender.tenants:
        return NOT_THEIRS
    return None if sender.hears else NO_INBOUND
