"""Endpoints that are told of events, and their deliveries."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, Field

from services.client.models.base import Input, Output, Page


class EndpointInput(Input):
    """All of an endpoint: what is left out is as the default says."""

    url: str
    """https, and a public address."""
    owner: str
    """The mail address of who is told when it is paused."""
    events: Annotated[tuple[str, ...], Field(min_length=1)]
    """Types such as `message.delivered`, or `message.*`."""
    about: str = ""
    include_numbers: bool = False
    """Events have phone numbers."""
    include_text: bool = False
    """Events have what people wrote."""


class DeliveryCounts(Output):
    pending: int
    delivered: int
    failed: int


class EndpointItem(Output):
    id: str
    url: str
    owner: str
    events: tuple[str, ...]
    about: str
    include_numbers: bool
    include_text: bool
    state: str
    """active, paused, dead or gone."""
    created_at: datetime
    failures: int
    """In a row."""
    failing_since: datetime | None
    succeeded_at: datetime | None
    deliveries: DeliveryCounts


class EndpointList(Output):
    items: tuple[EndpointItem, ...]


class NewSecret(EndpointItem):
    secret: Annotated[str, Field(repr=False)]
    """To verify signatures with. No other call shows it."""


class RotateSecret(Input):
    keep_hours: int = 24
    """For so long events are signed with the old secret as well."""


class Deleted(Output):
    id: str


class DeliveryItem(Output):
    id: int
    event_id: str
    """The header `webhook-id`."""
    type: str
    event_at: datetime | None
    created_at: datetime | None
    state: str
    """pending, delivered or failed."""
    failures: int
    next_at: datetime | None
    """When it is tried again."""
    tried_at: datetime | None
    done_at: datetime | None
    status: int | None
    """Of the last answer."""
    problem: str | None


class DeliveryPage(Page):
    items: tuple[DeliveryItem, ...]


class ReplayPeriod(Input):
    """Events that happened from `since` and before `until`."""

    since: AwareDatetime
    until: AwareDatetime
    every: bool = False
    """Also those that were delivered."""


class Replayed(Output):
    deliveries: int
