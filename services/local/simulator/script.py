"""What happens to whom: data, so that a run can be read, kept and repeated.

    numbers:
      "+14155550100": delivered
      "+1415555*": undelivered:30003            # a prefix, or a suffix: "*0006"
      "+14155550101": [rate-limit, delivered]   # first text, then every later one
      "+14155550102": {fate: delivered, receipts: [late, duplicated], replies: [{after_texts: 1, body: STOP}]}
    otherwise: {mix: {delivered: 95, "failed:30006": 5}}
    senders:
      "24365": {pace: 100}
    faults:
      storm: {does: rate-limit, share: 0.2}   # see `faults.py`

The first pattern that fits decides, an exact number before any pattern.  Times in simulated seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.local.simulator.chance import Chance
from services.local.simulator.fate import Fate, spelled_out
from services.local.simulator.faults import Fault

T = TypeVar("T")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Says(_Strict):
    """The person answers: `delay` after the text number `after_texts` has reached the phone."""

    after_texts: int = Field(default=1, ge=1)
    body: str
    delay: float = Field(default=0.2, ge=0)


class Person(_Strict):
    """`fates`: the n-th text takes the n-th, later ones the last.  `mix`: each text draws one by weight instead."""

    fates: tuple[Fate, ...] = (Fate(),)
    mix: dict[str, float] = {}
    replies: tuple[Says, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, given: Any) -> Any:
        if isinstance(given, str):
            return {"fates": (given,)}
        if isinstance(given, list | tuple):
            return {"fates": given}
        if isinstance(given, dict) and not {"fates", "mix"} & given.keys():
            person = {key: value for key, value in given.items() if key == "replies"}
            fate = {key: value for key, value in given.items() if key != "replies"}
            return {**person, "fates": (fate,)}
        return given

    @model_validator(mode="after")
    def _can_be_drawn(self) -> Person:
        for word, weight in self.mix.items():
            spelled_out(word)
            if weight <= 0:
                raise ValueError(f"the weight of {word} must be above 0")
        return self

    def fate(self, ordinal: int, chance: Chance, number: str) -> Fate:
        if self.mix:
            return Fate.model_validate(chance.pick(self.mix, "fate", number, ordinal))
        return self.fates[min(ordinal, len(self.fates)) - 1]


class Line(_Strict):
    """A sender of ours.  None: what Twilio does for its kind (see `senders.py`)."""

    pace: float | None = Field(default=None, gt=0, description="segments per second")
    queue: float = Field(default=36_000, gt=0, description="seconds of texts that may wait")
    stop_list: bool | None = None
    pool: str = "+15005550006"
    """The number a messaging service sends from."""


class Script(_Strict):
    numbers: dict[str, Person] = {}
    otherwise: Person = Person()
    senders: dict[str, Line] = {"*": Line()}
    """Whoever fits none of them is not ours: 21659, or 21701 for a messaging service."""
    faults: dict[str, Fault] = {}
    sent_after: tuple[float, float] = (0.01, 0.05)
    delivered_after: tuple[float, float] = (0.05, 0.3)
    answer_after: tuple[float, float] = (0.0, 0.0)
    """How long the API takes to answer a create."""
    concurrency: int | None = Field(default=None, ge=1)
    per_second: float | None = Field(default=None, gt=0)
    """Creates under way at once, and per second, before 20429."""
    retry_after: float | None = 1.0
    longest_page: int = Field(default=1000, ge=1, le=1000)
    """Of the list, whatever is asked for."""
    webhook_rule: str = "rc=1&rp=ct"
    """How callbacks are tried again, unless their URL says (docs: "Webhooks configuration API").  `rc=5&rp=all`: up to
    five times within 15 s, whatever went wrong."""

    def person(self, number: str) -> Person:
        return _fitting(self.numbers, number) or self.otherwise

    def line(self, sender: str) -> Line | None:
        return _fitting(self.senders, sender)


def _fitting(patterns: Mapping[str, T], written: str) -> T | None:
    exact = patterns.get(written)
    if exact is not None:
        return exact
    for pattern, value in patterns.items():
        if "*" in pattern and fnmatchcase(written, pattern):
            return value
    return None


def read_script(path: Path) -> Script:
    """YAML, or JSON, which is YAML.  Raises ValueError that names the entry."""
    try:
        return Script.model_validate(yaml.safe_load(path.read_text("utf-8")) or {})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{path}: {place}: {first['msg']}") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not YAML: {error}") from None
