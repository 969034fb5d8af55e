"""How a tenant wants to be served.  Broadcast to every worker; a decision names the version it was judged by."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, field_validator, model_validator

from schemas.base import Message, Slug
from schemas.consent_request import ConsentRequest
from schemas.keywords import LOCALES, OwnWords
from schemas.person import NumberType
from schemas.price import Price
from schemas.when import When

_zone_names = cache(available_timezones)
"""Walks the time zone database: once."""

LONGEST_TEXT = 1600
"""Characters in one text: Twilio's limit (error 21617)."""
ASKS_PER_HOUR = 500
"""Opt-in requests from one sender, where the tenant does not say."""


class ShortenerPolicy(StrEnum):
    REFUSE = "refuse"
    WARN = "warn"
    ALLOW = "allow"


class StopScope(StrEnum):
    """What a STOP is said to."""

    TENANT = "tenant"
    """All that the tenant texts from."""
    SENDER = "sender"
    """The sender that was answered, as far as the person had opted in."""


class Branch(Message):
    """Part of a tenant; what it leaves out is the tenant's."""

    name: str = ""
    sender: str | None = None
    send_immediately: bool | None = None


class TenantSettings(Message):
    """What is left out has a careful default; `sender` must be one of the senders declared for this tenant."""

    tenant: Slug
    name: str = Field(min_length=1)
    time_zone: str = "America/New_York"
    sender: str = Field(min_length=1, description="the default sender")
    regions: tuple[str, ...] = Field(
        default=("US", "CA"), description="ISO 3166 countries that may be texted"
    )
    shorteners: ShortenerPolicy = ShortenerPolicy.REFUSE
    branches: dict[Slug, Branch] = {}
    smart_encoding: bool = Field(
        default=False,
        description="send curly quotes, dashes and the like in plainer characters where that costs no more",
    )
    entitled: bool = Field(
        default=True, description="whether the tenant may text at all; opt-in requests neither"
    )
    contact: str = Field(
        default="", description="whom to call or where to look: told in answer to HELP"
    )
    consent_request: ConsentRequest = Field(
        default=ConsentRequest(), description="the text that asks for consent"
    )
    asks_per_hour: int = Field(
        default=ASKS_PER_HOUR,
        ge=1,
        le=1_000_000,
        description="opt-in requests an hour from one sender; the rest waits",
    )
    send_immediately: bool = Field(
        default=True, description="false: a text that may go waits until somebody has approved it"
    )
    stop_scope: StopScope = Field(default=StopScope.TENANT, description="what a STOP is said to")
    when: When = Field(default=When(), description="hours and caps, by the recipient's clock")
    number_types: tuple[NumberType, ...] = Field(
        default=(),
        description="types besides mobile that are texted where a request for a person names them",
    )
    locales: tuple[str, ...] = Field(
        default=("en",), description="whose keywords count; the English ones always do"
    )
    keywords: OwnWords = Field(
        default=OwnWords(), description="words added to the keywords, by meaning"
    )
    prices: tuple[Price, ...] = Field(
        default=(),
        max_length=2000,
        description="what a segment costs the tenant; none: by the list in Sayso",
    )

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name not in _zone_names():
            raise ValueError(
                f"unknown time zone {name!r}: use an IANA name such as America/Chicago"
            )
        return name

    @field_validator("locales")
    @classmethod
    def _known_locales(cls, locales: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [locale for locale in locales if locale not in LOCALES]:
            raise ValueError(
                f"there are no keywords for {unknown[0]!r}: locales are {', '.join(LOCALES)}"
            )
        return locales

    @field_validator("prices")
    @classmethod
    def _one_currency(cls, prices: tuple[Price, ...]) -> tuple[Price, ...]:
        if len(found := {price.currency for price in prices}) > 1:
            raise ValueError(
                f"prices are in one currency, not in {' and '.join(sorted(found))}: costs are added up"
            )
        return prices

    @model_validator(mode="after")
    def _can_be_sent(self) -> TenantSettings:
        size = len(self.opt_in_request)
        if size > LONGEST_TEXT:
            raise ValueError(
                f"the opt-in request has {size} characters; {LONGEST_TEXT} is the most"
            )
        return self

    @property
    def opt_in_request(self) -> str:
        """As the gate has it; smart encoding comes after."""
        return self.consent_request.text(self.name)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def version(self) -> str:
        """Names exactly these settings: the first 12 hex digits of their SHA-256."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]
