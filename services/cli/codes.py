"""`sayso codes`: what an error code means, who must act, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from services.cli import options
from services.cli.connection import read_ledger
from services.ledger.usage import count_unexplained_codes
from services.operations.explain_text import describe_code
from services.operations.validation import require_one_of
from services.terminal import console, print_json, table
from streams.error_codes import Owner, all_codes, lookup


def codes(
    wanted: Annotated[list[str] | None, typer.Argument(metavar="CODE", show_default=False)] = None,
    owner: Annotated[
        str | None,
        typer.Option("--class", metavar="CLASS", help="Only this class of codes, e.g. number."),
    ] = None,
    unknown: Annotated[
        bool,
        typer.Option(
            "--unknown",
            help="List codes on record that we cannot explain, with their number of messages.",
        ),
    ] = False,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Explain error codes: causes, what to do, and who must act.

    Example: [cyan]sayso codes 30005[/]
    """
    if unknown:
        _print_unknown(bootstrap, state, as_json)
        return
    require_one_of("--class", owner, Owner)
    listed = map(lookup, wanted) if wanted else all_codes().values()
    found = [code for code in listed if owner in (None, code.owner)]
    if as_json:
        print_json([code.as_data() for code in found])
        return
    screen = console()
    if not wanted:
        rows = [(code.code, code.owner, code.title, code.next_step) for code in found]
        screen.print(table(None, ("code", "class", "meaning", ""), rows))
        return
    for code in found:
        screen.print(Text.assemble(*describe_code(code)))


def _print_unknown(bootstrap: str | None, state: Path, as_json: bool) -> None:
    with read_ledger(bootstrap, state) as ledger:
        found = count_unexplained_codes(ledger)
    if as_json:
        print_json(
            [lookup(code).as_data() | {"messages": messages} for code, messages in found.items()]
        )
        return
    if not found:
        console().print("Every code on record is in the dictionary.")
        return
    rows = [(code, messages, lookup(code).url) for code, messages in found.items()]
    columns = ("code", "messages#", "provider's page")
    console().print(table("Codes that are not in the dictionary", columns, rows))
