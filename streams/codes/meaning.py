"""What error codes mean and what to do about them: data in `codes.csv`, words our own.

The provider's codes first, then our own words (`stopped`, `id_reused`, ...).  Twilio's whole dictionary holds some
2,400 codes; one that is not in the file is shown with its number and a link, and stops nothing.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final, NamedTuple

PAGE: Final = "https://www.twilio.com/docs/api/errors/"


class Code(NamedTuple):
    """`stage`: where it is noticed; `fault`: whose it is; `retry`: yes, later, after_fix, ambiguous, no or n/a;
    `suppress_number`: whether the number should not be texted again (`consent`: it has opted out)."""

    code: str
    title: str
    description: str
    causes: str
    stage: str
    fault: str
    permanence: str
    retry: str
    suppress_number: str
    next_step: str
    url: str = ""
    known: bool = True


@cache
def all_codes() -> Mapping[str, Code]:
    """Read when first asked for, in the file's order."""
    text = files("streams.codes").joinpath("codes.csv").read_text(encoding="utf-8")
    rows = csv.reader(io.StringIO(text))
    next(rows)
    return MappingProxyType({row[0]: Code._make((*row, True)) for row in rows})


def meaning(code: str) -> Code:
    """Of any code, also of one nobody has heard of."""
    return all_codes().get(code) or Code(
        code=code,
        title=f"Unknown code {code[:40]}",
        description="This code is not in our dictionary.",
        causes="",
        stage="unknown",
        fault="unknown",
        permanence="unknown",
        retry="no",
        suppress_number="no",
        next_step="Read the provider's page on this code, and escalate if it does not help.",
        url=PAGE + code if code.isascii() and code.isdigit() else "",
        known=False,
    )


def waits(code: str) -> bool:
    """Whether a refusal with this code says nothing of the text: the provider did not take it, would not have taken any
    other of this sender either, and takes it once that has passed or been put right.  Any other refusal is final, that
    with an unknown code too."""
    known = meaning(code)
    if known.retry == "ambiguous" or known.stage not in {"api", "dispatch"}:
        return False
    return known.fault == "rate" or code in {"10001", "20003", "20005", "20006", "20010", "20403"}
