"""A tenant's settings.  Every worker reads them; a decision names the version that it was made
by."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationInfo, field_validator, model_validator

from schemas.base import Day, Message, Slug, is_kept
from schemas.blank_text import is_blank
from schemas.consent_form import ConsentForm
from schemas.consent_request import ConsentRequest
from schemas.countries import require_country
from schemas.keywords import LOCALES, OwnWords
from schemas.person import NumberType
from schemas.recipe import MailSettings, Recipe, Template
from schemas.sender import SenderAddress, SenderKind
from schemas.time_zones import list_zones, require_place
from schemas.when import When

LONGEST_TEXT = 1600
"""Characters in one text: Twilio's limit (error 21617)."""
ASKS_PER_HOUR = 500
"""Opt-in requests from one sender, where the tenant does not say."""


class ShortenerPolicy(StrEnum):
    REFUSE = "refuse"
    WARN = "warn"
    ALLOW = "allow"


class StopScope(StrEnum):
    """What a STOP ends."""

    TENANT = "tenant"
    """All that the tenant texts from."""
    SENDER = "sender"
    """The sender that was answered, as far as the person had opted in."""


class Branch(Message):
    """Part of a tenant.  What it leaves out is the tenant's."""

    name: str = ""
    sender: SenderAddress | None = None
    send_immediately: bool | None = None


class Price(Message):
    """What one segment costs, for requests of this day (the tenant's) and later, until a later
    price begins.  What is left out holds for all that no other price names."""

    since: Day
    country: str | None = None
    """ISO 3166 country of the recipient; left out, any other."""
    sender_kind: SenderKind | None = None
    """Left out, any other."""
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    """ISO 4217."""
    micros: int = Field(ge=0, le=10**9)
    """Millionths of the currency: 8300 is 0.0083."""

    @field_validator("country")
    @classmethod
    def _known_country(cls, country: str | None, info: ValidationInfo) -> str | None:
        return country if country is None or is_kept(info) else require_country(country)


class TenantSettings(Message):
    """How a tenant wants to be served.  What is left out has a careful default."""

    tenant: Slug
    name: str = Field(min_length=1)
    time_zone: str = "America/New_York"
    sender: SenderAddress = Field(min_length=1)
    """The default sender; it must be declared for this tenant."""
    regions: tuple[str, ...] = ("US", "CA")
    """ISO 3166 countries that may be texted."""
    shorteners: ShortenerPolicy = ShortenerPolicy.REFUSE
    """What to do with a link by a public link shortener."""
    branches: dict[Slug, Branch] = {}
    smart_encoding: bool = False
    """Send curly quotes, dashes and the like as plainer characters where that costs no more."""
    entitled: bool = True
    """Whether the tenant may text at all; without it, there are no opt-in requests either."""
    contact: str = ""
    """Whom to call or where to look: the answer to HELP."""
    consent_request: ConsentRequest = ConsentRequest()
    """The text of the opt-in request."""
    forms: dict[Slug, ConsentForm] = {}
    """Public pages on which people ask for texts, by name."""
    asks_per_hour: int = Field(default=ASKS_PER_HOUR, ge=1, le=1_000_000)
    """Opt-in requests an hour from one sender; the others wait."""
    send_immediately: bool = True
    """False: a text that may go waits until somebody has approved it."""
    four_eyes: bool = False
    """Nobody approves a text that they have asked for or written themselves."""
    stop_scope: StopScope = StopScope.TENANT
    """What a STOP ends."""
    when: When = When()
    """Hours and caps, by the recipient's clock."""
    number_types: tuple[NumberType, ...] = ()
    """Types besides mobile that are texted where a request for a person names them."""
    locales: tuple[str, ...] = ("en",)
    """Whose keywords count; the English ones always do."""
    keywords: OwnWords = OwnWords()
    """Words added to the keywords, by meaning."""
    templates: dict[Slug, Template] = {}
    """Words that recipes and tasks use, by name."""
    recipes: dict[Slug, Recipe] = {}
    """Reminders of all cases, by name."""
    reminder_template: Slug | None = None
    """The template of reminders that an event itself asks for; left out, the one in Sayso."""
    mail: MailSettings = MailSettings()
    """Mails to staff about replies."""
    unmonitored: bool = False
    """Nobody reads replies to this tenant's senders: they are answered once a day with `contact`.
    """
    prices: tuple[Price, ...] = Field(default=(), max_length=2000)
    """What a segment costs the tenant; left out, the list in Sayso holds."""

    @field_validator("name")
    @classmethod
    def _name_shows(cls, name: str, info: ValidationInfo) -> str:
        if is_blank(name) and not is_kept(info):
            raise ValueError("the name shows nothing: people must see who texts them")
        return name

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str, info: ValidationInfo) -> str:
        is_known = is_kept(info) and name in list_zones()
        return name if is_known else require_place(name)

    @field_validator("regions")
    @classmethod
    def _known_regions(cls, regions: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if is_kept(info):
            return tuple(region.upper() for region in regions)
        return tuple(require_country(region) for region in regions)

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
                f"prices are in one currency, not in {' and '.join(sorted(found))}:"
                " costs are added up"
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
