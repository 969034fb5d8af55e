"""What the states of the US ask of marketing: hours, Sundays, holidays, and how often.

The table is data: `marketing.csv`, with the law each line comes from.  Where its sources conflict, the strict one
counts.
"""

from __future__ import annotations

import csv
from functools import cache, reduce
from importlib.resources import files
from typing import Final, NamedTuple

from streams.gate.hours.hours import Hours, Minutes, both, minutes

EVERYWHERE: Final = "US-FED"
"""The line of the states that have none of their own."""


class StateRules(NamedTuple):
    """`per_day`: texts about one subject in 24 hours; we cannot tell subjects apart, so all count.  `law` is where it
    stands."""

    hours: Hours
    per_day: int | None
    law: str


@cache
def marketing(country: str, state: str) -> StateRules | None:
    """None: abroad, where none of these laws reaches.  Somebody who may be anywhere is given the strictest of all."""
    if country not in ("US", ""):
        return None
    return RULES.get(state, RULES[EVERYWHERE]) if state else strictest()


@cache
def strictest() -> StateRules:
    """Mondays to Fridays 10:00 to 18:00, Saturdays until 17:00, no Sunday, no holiday, three a day."""
    caps = [rules.per_day for rules in RULES.values() if rules.per_day is not None]
    hours = reduce(both, (rules.hours for rules in RULES.values()))
    return StateRules(hours, min(caps), "the strictest of all states, as theirs is not known")


def _rules(row: dict[str, str]) -> StateRules:
    days = (_span(row["mon_fri"]), _span(row["sat"]), _span(row["sun"]))
    closed = frozenset() if row["holidays"] == "allowed" else frozenset({row["state"]})
    cap = row["max_per_24h_same_subject"]
    return StateRules(Hours(*days, closed), int(cap) if cap else None, row["citation"])


def _span(written: str) -> Minutes | None:
    start, _, end = written.partition("-")
    return (minutes(start), minutes(end)) if end else None


def _read() -> dict[str, StateRules]:
    lines = (files(__package__) / "marketing.csv").read_text("utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return {row["state"]: _rules(row) for row in rows}


RULES: Final = _read()
