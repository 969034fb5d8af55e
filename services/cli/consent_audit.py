"""`sayso consent audit`: whether the record of consent holds what it should, and whether we kept to it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import options
from services.cli.refused import Refused

if TYPE_CHECKING:
    from services.ledger.audit import Found


def audit(
    tenant: options.Tenant = None,
    pending_days: Annotated[
        int, typer.Option(min=1, max=36_600, help="How long an answer may take before it is named.")
    ] = 7,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead of tables.")] = False,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """Who is opted in without evidence, who has not answered for long, who was texted after an opt-out, who was asked
    too often: of these two there must be none, exit code 1 if there is one. And whose opt-in requests wait because the
    hour's are used up.

    Example: [cyan]sayso consent audit -t harbor --csv > audit.csv[/]
    """
    from datetime import UTC, datetime, timedelta

    from services.cli.kafka import ledger
    from services.ledger.audit import CHECKS, Since
    from services.ledger.audit import audit as audited

    if as_csv and as_json:
        raise Refused("Say --csv or --json, not both")
    with ledger(bootstrap, state, tenant) as opened:
        found = audited(opened, tenant, Since(datetime.now(UTC), timedelta(days=pending_days)))
    shown = _print_json if as_json else _print_csv if as_csv else _print
    shown(found, unmask)
    raise typer.Exit(1 if any(found[name] for name, kind in CHECKS.items() if kind.none) else 0)


def _print(found: Mapping[str, list[Found]], unmask: bool) -> None:
    from services.cli.screen import clock, console, table
    from services.ledger.audit import CHECKS

    screen = console()
    for name, kind in CHECKS.items():
        if kind.quiet and not found[name]:
            continue
        colour = "red" if found[name] and kind.none else "yellow" if found[name] else "green"
        must = " (must be none)" if kind.none else ""
        screen.print(f"[bold]{kind.title}[/]{must}: [{colour}]{len(found[name]):,}[/]")
        rows = [
            (one.tenant, _number(one, unmask), clock(one.at), one.words, one.place)
            for one in found[name]
        ]
        if rows:
            screen.print(table(None, ("tenant", "number", "at (UTC)", "because", "record"), rows))


def _print_json(found: Mapping[str, list[Found]], unmask: bool) -> None:
    from services.cli.screen import print_json

    print_json(
        {
            name: [one._replace(number=_number(one, unmask))._asdict() for one in rows]
            for name, rows in found.items()
        }
    )


def _print_csv(found: Mapping[str, list[Found]], unmask: bool) -> None:
    import csv

    written = csv.writer(sys.stdout, lineterminator="\n")
    written.writerow(("check", "tenant", "number", "at", "place", "words"))
    for rows in found.values():
        written.writerows(one._replace(number=_number(one, unmask)) for one in rows)


def _number(one: Found, unmask: bool) -> str:
    from schemas.numbers import mask_number

    return one.number if unmask else mask_number(one.number)
