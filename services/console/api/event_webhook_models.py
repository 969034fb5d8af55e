"""What programs say of endpoints for events, and what they are told."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from schemas.base import Message, UtcTime
from services.console.api.paging import Next, PageQuery
from services.event_webhooks.addresses import LONGEST_URL
from services.event_webhooks.deliveries import DeliveryState
from services.event_webhooks.endpoints import EndpointState
from services.operations.endpoint_fields import LONGEST_ABOUT
from services.operations.event_webhooks import KEEP_OLD_SECRET, LONGEST_KEEP

HOUR: Final = timedelta(hours=1)


class EndpointInput(Message):
    """All of an endpoint: what is left out is as the default says."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(min_length=1, max_length=LONGEST_URL)]
    """https, and a public address."""
    owner: Annotated[str, Field(min_length=3, max_length=260)]
    """The mail address of who is told when it is paused."""
    events: Annotated[tuple[str, ...], Field(min_length=1, max_length=50)]
    """Types such as `message.delivered`, or `message.*`."""
    about: Annotated[str, Field(max_length=LONGEST_ABOUT)] = ""
    include_numbers: bool = False
    """Events have phone numbers."""
    include_text: bool = False
    """Events have what people wrote."""


class DeliveryCounts(BaseModel):
    pending: int
    delivered: int
    failed: int


class EndpointItem(BaseModel):
    id: str
    url: str
    owner: str
    events: list[str]
    about: str
    include_numbers: bool
    include_text: bool
    state: EndpointState
    created_at: datetime
    failures: int
    """In a row."""
    failing_since: datetime | None
    succeeded_at: datetime | None
    deliveries: DeliveryCounts


class EndpointList(BaseModel):
    items: list[EndpointItem]


class NewSecret(EndpointItem):
    secret: str
    """To verify signatures with. No other call shows it."""


class RotateSecret(Message):
    model_config = ConfigDict(extra="forbid")

    keep_hours: Annotated[int, Field(ge=0, le=LONGEST_KEEP // HOUR)] = KEEP_OLD_SECRET // HOUR
    """For so long events are signed with the old secret as well."""


class Deleted(BaseModel):
    id: str


class DeliveryQuery(PageQuery):
    state: DeliveryState | None = None


class DeliveryItem(BaseModel):
    id: int
    event_id: str
    """The header `webhook-id`."""
    type: str
    event_at: datetime | None
    created_at: datetime | None
    state: DeliveryState
    failures: int
    next_at: datetime | None
    """When it is tried again."""
    tried_at: datetime | None
    done_at: datetime | None
    status: int | None
    """Of the last answer."""
    problem: str | None


class DeliveryPage(BaseModel):
    items: list[DeliveryItem]
    next: Next


class ReplayPeriod(Message):
    """Events that happened from `since` and before `until`."""

    model_config = ConfigDict(extra="forbid")

    since: UtcTime
    until: UtcTime
    every: bool = False
    """Also those that were delivered."""


class Replayed(BaseModel):
    deliveries: int
