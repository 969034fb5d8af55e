"""Everything a rule may look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from schemas.decision import Finding
from schemas.send_request import SendRequest
from schemas.sender import Sender
from schemas.tenant_settings import TenantSettings
from streams.encoding.smart import outgoing
from streams.gate.choice import sender_of
from streams.gate.dialable import CHECKED_BY, dialable
from streams.gate.kinds import WITHOUT_OPT_IN
from streams.gate.state import Approved, NumberRow
from streams.gate.zones import Place, place
from streams.processing import Settings


class Case(NamedTuple):
    """`request` has its text as it goes out.  `number` is in E.164 if it can be; `sender` the one it would go from, ""
    for none; `received` is when the gate first saw the request, `now` when it judges: they differ for what was held or
    returned.  `place`: where the recipient may be.  `own`: Sayso has started it.  `approved`: somebody has approved
    the text."""

    request: SendRequest
    number: str
    standing: NumberRow
    tenant: TenantSettings | None
    sender: str
    senders: Mapping[str, Sender]
    received: datetime
    now: datetime
    place: Place
    own: bool = False
    approved: Approved | None = None

    @property
    def without_opt_in(self) -> bool:
        """One of the few texts that need no yes; a producer cannot ask for one."""
        return self.own and self.request.kind in WITHOUT_OPT_IN


Rule = Callable[[Case], Finding | None]


def case_of(
    request: SendRequest,
    standing: NumberRow,
    received: datetime,
    now: datetime,
    settings: Settings,
    own: bool = False,
) -> Case:
    tenant = settings.tenants.get(request.tenant)
    number, sender = request.number, sender_of(request, standing, tenant, settings.senders)
    row, where = checked(standing, number), place_of(request, number, standing)
    out = _as_it_goes_out(request, tenant)
    return Case(out, number, row, tenant, sender, settings.senders, received, now, where, own)


def _as_it_goes_out(request: SendRequest, tenant: TenantSettings | None) -> SendRequest:
    body = outgoing(request.body, tenant)
    return request if body == request.body else request.model_copy(update={"body": body})


def place_of(request: SendRequest, number: str, known: NumberRow) -> Place:
    """What the request says counts before what is known of the number."""
    zones, regions = (
        (request.time_zone, known.time_zone),
        (request.postal_region, known.postal_region),
    )
    return place(number, zones, regions)


def checked(row: NumberRow, number: str) -> NumberRow:
    """The row with what the digits tell, worked out once per number and metadata version."""
    if row.checked_by == CHECKED_BY:
        return row
    region, problem = dialable(number)
    return row.model_copy(update={"region": region, "problem": problem, "checked_by": CHECKED_BY})
