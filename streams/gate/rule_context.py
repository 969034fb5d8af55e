"""Everything that a rule may look at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from schemas.send_request import SendRequest, SystemKind
from schemas.sender import Sender
from schemas.tenant_settings import TenantSettings
from streams.encoding.body import encode_body
from streams.gate.messages import WITHOUT_OPT_IN
from streams.gate.number_validation import METADATA_VERSION, validate_number
from streams.gate.sender_selection import select_sender
from streams.gate.state import ApprovedBy, NumberState
from streams.local_time.locations import Location, locate
from streams.processing import Settings


class RuleContext(NamedTuple):
    request: SendRequest
    """With the text as it will be sent."""
    to: str
    """In E.164 if it can be."""
    number: NumberState
    tenant: TenantSettings | None
    sender: str
    """The sender that it would be sent from; empty: none."""
    senders: Mapping[str, Sender]
    received: datetime
    """When the gate first saw the request."""
    now: datetime
    location: Location
    """Where the recipient may be."""
    is_system: bool = False
    """Sayso sends it by itself."""
    approved: ApprovedBy | None = None
    undo_until: datetime | None = None

    @property
    def can_be_undone(self) -> bool:
        return self.undo_until is not None and self.now < self.undo_until

    @property
    def is_opt_in_request(self) -> bool:
        return self.is_system and self.request.kind == SystemKind.CONSENT_ASK

    @property
    def is_opt_in_hint(self) -> bool:
        return self.is_system and self.request.kind == SystemKind.OPT_IN_HINT

    @property
    def needs_no_opt_in(self) -> bool:
        """It is one of the few texts that need no opt-in; a producer cannot request one."""
        return self.is_system and self.request.kind in WITHOUT_OPT_IN


def build_context(
    request: SendRequest,
    number: NumberState,
    received: datetime,
    now: datetime,
    settings: Settings,
    is_system: bool = False,
    approved: ApprovedBy | None = None,
    undo_until: datetime | None = None,
) -> RuleContext:
    tenant = settings.tenants.get(request.tenant)
    to = request.number
    # What the request says counts before what is known of the number.
    zones = (request.time_zone, number.time_zone)
    regions = (request.postal_region, number.postal_region)
    return RuleContext(
        _encode(request, tenant),
        to,
        check_number(number, to),
        tenant,
        select_sender(request, number, tenant, settings.senders),
        settings.senders,
        received,
        now,
        locate(to, zones, regions),
        is_system,
        approved,
        undo_until,
    )


def _encode(request: SendRequest, tenant: TenantSettings | None) -> SendRequest:
    body = encode_body(request.body, tenant)
    return request if body == request.body else request.model_copy(update={"body": body})


def check_number(number: NumberState, to: str) -> NumberState:
    """Validate the digits, once per number and version of the metadata."""
    if number.checked_by == METADATA_VERSION:
        return number
    region, problem = validate_number(to)
    update = {"region": region, "problem": problem, "checked_by": METADATA_VERSION}
    return number.model_copy(update=update)
