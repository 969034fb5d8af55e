"""The catalog of error codes: what each code means, who must act, and what to do.

The data is in the CSV files beside this module and is read when first needed; the words are our
own.  Twilio's whole list holds some 2,400 codes.  A code that is not in ours is shown with its
number and a link, and stops nothing.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final, NamedTuple

PROVIDER_PAGES: Final = "https://www.twilio.com/docs/api/errors/"
MIN_PROVIDER_DIGITS: Final = 5
"""A shorter code is an HTTP status."""


class Owner(StrEnum):
    """A code's class: who must act."""

    RECIPIENT = "recipient"
    NUMBER = "number"
    CONSENT = "consent"
    CONTENT = "content"
    SENDER = "sender"
    ACCOUNT = "account"
    PROVIDER = "provider"
    US = "us"


OWNERS: Final = {
    Owner.RECIPIENT: "the client, at their phone",
    Owner.NUMBER: "whoever keeps the client's number",
    Owner.CONSENT: "nobody of ours: only the client can say yes again",
    Owner.CONTENT: "whoever writes the text",
    Owner.SENDER: "whoever looks after the sender",
    Owner.ACCOUNT: "the owner of the provider account",
    Owner.PROVIDER: "the provider or a carrier",
    Owner.US: "whoever runs Sayso",
}


class Stage(StrEnum):
    """Where a code occurs."""

    CALL = "call"
    DISPATCH = "dispatch"
    DELIVERY = "delivery"
    INBOUND = "inbound"
    NOTICE = "notice"
    SETUP = "setup"
    """Never a text's: it belongs to registrations, senders or links."""


class Permanence(StrEnum):
    PERMANENT = "permanent"
    """Until something is changed."""
    TRANSIENT = "transient"
    """It passes by itself."""
    NOTICE = "notice"
    """Nothing has failed."""
    OBSOLETE = "obsolete"


class Retry(StrEnum):
    YES = "yes"
    """Sayso tries again by itself."""
    LATER = "later"
    """Worth one more try by hand."""
    AFTER_FIX = "after_fix"
    AMBIGUOUS = "ambiguous"
    """Only once it is certain that no text went out."""
    NO = "no"
    NONE = "none"


class Refusal(StrEnum):
    """What a refused call means for its text."""

    FINAL = "final"
    DEFERRABLE = "waits"
    """The text waits and is sent later."""


class Effect(StrEnum):
    """What the code tells about the recipient's number."""

    NONE = "none"
    SUPPRESS = "suppress"
    LANDLINE = "landline"
    DOUBTFUL = "doubtful"
    """It was not reached on that day; after several such days it counts as doubtful."""
    OPTED_OUT = "opted_out"
    """At that sender."""


class Code(NamedTuple):
    code: str
    title: str
    owner: Owner
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
    """It is in the catalog."""

    @property
    def url(self) -> str:
        """The provider's own page; codes of our own have none."""
        digits = self.code.isascii() and self.code.isdigit()
        is_providers = digits and len(self.code) >= MIN_PROVIDER_DIGITS
        return PROVIDER_PAGES + self.code if is_providers else ""

    def as_data(self) -> dict[str, Any]:
        fields = self._asdict()
        data = {"class" if name == "owner" else name: value for name, value in fields.items()}
        return data | {"causes": list(self.causes), "steps": list(self.steps), "url": self.url}


FILES: Final = ("delivery", "call", "own", "setup")
"""One file for each place where codes occur, with a line for each code."""


@cache
def all_codes() -> Mapping[str, Code]:
    """By code, in the files' order."""
    return MappingProxyType({code.code: code for name in FILES for code in _read_file(name)})


def _read_file(name: str) -> Iterator[Code]:
    text = files("streams.error_codes").joinpath(f"{name}.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(io.StringIO(text)):
        yield Code(
            code=row["code"],
            title=row["title"],
            owner=Owner(row["class"]),
            stage=Stage(row["stage"]),
            permanence=Permanence(row["permanence"]),
            retry=Retry(row["retry"]),
            refusal=Refusal(row["refusal"]),
            effect=Effect(row["effect"]),
            description=row["description"],
            causes=tuple(row["causes"].split("; ")),
            steps=tuple(row["steps"].split("; ")),
            next_step=row["next_step"],
        )


def lookup(code: str) -> Code:
    """Any code, also one that the catalog does not know."""
    return all_codes().get(code) or _unknown(code)


def is_deferrable(code: str) -> bool:
    """Whether a refusal with this code is about the sender or the account, and not about the text.
    Then the provider takes the text once that has passed or was put right.  Any other refusal is
    final, also one with an unknown code."""
    return lookup(code).refusal is Refusal.DEFERRABLE


def _unknown(code: str) -> Code:
    unknown = Code(
        code=code,
        title=f"Unknown code {code[:40]}",
        owner=Owner.US,
        stage=Stage.DELIVERY,
        permanence=Permanence.PERMANENT,
        retry=Retry.AFTER_FIX,
        refusal=Refusal.FINAL,
        effect=Effect.NONE,
        description="This code is not in our dictionary.",
        causes=("A new code, or one that is seldom met with texts",),
        steps=(
            "Read the provider's page on it",
            "Escalate if that does not help",
            "Have it added to the dictionary",
        ),
        next_step="Escalate: nobody has explained this code yet.",
        known=False,
    )
    next_step = f"Read the provider's page on it, {unknown.url}, and escalate if it does not help."
    return unknown._replace(next_step=next_step) if unknown.url else unknown
