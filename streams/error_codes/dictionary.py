"""The dictionary, read from its data when first asked for.

Twilio's whole list holds some 2,400 codes; one that is not in ours is shown with its number and a link, and stops
nothing.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from streams.error_codes.code import Code, Effect, Permanence, Refusal, Retry, Stage, Who

FILES: Final = ("delivery", "call", "own", "setup")
"""One file for each place where codes are met; in each, a line for each code."""


@cache
def all_codes() -> Mapping[str, Code]:
    """By code, in the files' order."""
    return MappingProxyType({code.code: code for name in FILES for code in _read(name)})


def _read(name: str) -> Iterator[Code]:
    text = files("streams.error_codes").joinpath(f"{name}.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(io.StringIO(text)):
        yield Code(
            code=row["code"],
            title=row["title"],
            who=Who(row["class"]),
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


def meaning(code: str) -> Code:
    """Of any code, also of one nobody has heard of."""
    return all_codes().get(code) or _unknown(code)


def waits(code: str) -> bool:
    """Whether a refusal with this code says nothing of the text: the provider did not take it, would not have taken any
    other of this sender either, and takes it once that has passed or been put right.  Any other refusal is final, that
    with an unknown code too."""
    return meaning(code).refusal is Refusal.WAITS


def _unknown(code: str) -> Code:
    unknown = Code(
        code=code,
        title=f"Unknown code {code[:40]}",
        who=Who.US,
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
    page = f"Read the provider's page on it, {unknown.url}, and escalate if it does not help."
    return unknown._replace(next_step=page) if unknown.url else unknown
