"""What is said of one code."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final, NamedTuple

PAGES: Final = "https://www.twilio.com/docs/api/errors/"
SHORTEST: Final = 5
"""Digits of a code of the provider's; a shorter one is HTTP's."""


class Who(StrEnum):
    """A code's class: who must act."""

    RECIPIENT = "recipient"
    NUMBER = "number"
    CONSENT = "consent"
    CONTENT = "content"
    SENDER = "sender"
    ACCOUNT = "account"
    PROVIDER = "provider"
    US = "us"


WHO: Final = {
    Who.RECIPIENT: "the client, at their phone",
    Who.NUMBER: "whoever keeps the client's number",
    Who.CONSENT: "nobody of ours: only the client can say yes again",
    Who.CONTENT: "whoever writes the text",
    Who.SENDER: "whoever looks after the sender",
    Who.ACCOUNT: "the owner of the provider account",
    Who.PROVIDER: "the provider or a carrier",
    Who.US: "whoever runs Sayso",
}


class Stage(StrEnum):
    """Where a code is met.  `setup` codes are never a text's: they belong to registrations, senders and links."""

    CALL = "call"
    DISPATCH = "dispatch"
    DELIVERY = "delivery"
    INBOUND = "inbound"
    NOTICE = "notice"
    SETUP = "setup"


class Permanence(StrEnum):
    """`permanent`: until something is changed; `transient`: it passes; `notice`: nothing has failed."""

    PERMANENT = "permanent"
    TRANSIENT = "transient"
    NOTICE = "notice"
    OBSOLETE = "obsolete"


class Retry(StrEnum):
    """`yes`: Sayso does it by itself; `later`: worth one more try by hand; `ambiguous`: only once it is sure that none
    went out."""

    YES = "yes"
    LATER = "later"
    AFTER_FIX = "after_fix"
    AMBIGUOUS = "ambiguous"
    NO = "no"
    NONE = "none"


class Refusal(StrEnum):
    """What a refusal of the call is to a text: its end, or a wait."""

    FINAL = "final"
    WAITS = "waits"


class Effect(StrEnum):
    """What it tells of the number.  `doubtful`: it was not reached on that day; on several days, it is doubtful.
    `opted_out`: at that sender."""

    NONE = "none"
    SUPPRESS = "suppress"
    LANDLINE = "landline"
    DOUBTFUL = "doubtful"
    OPTED_OUT = "opted_out"


class Code(NamedTuple):
    """`who` is its class.  `known`: it is in the dictionary."""

    code: str
    title: str
    who: Who
    stage: Stage
    permanence: Permanence
    retry: Retry
    refusal: Refusal
    effect: Effect
    description: str
    causes: tuple[str, ...]
    steps: tuple[str, ...]
    next_step: str
    known: bool = True

    @property
    def url(self) -> str:
        """The provider's own page; our own words have none."""
        theirs = self.code.isascii() and self.code.isdigit() and len(self.code) >= SHORTEST
        return PAGES + self.code if theirs else ""

    def as_data(self) -> dict[str, Any]:
        said = {"class" if name == "who" else name: value for name, value in self._asdict().items()}
        return said | {"causes": list(self.causes), "steps": list(self.steps), "url": self.url}
