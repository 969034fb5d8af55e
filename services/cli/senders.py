"""`sayso senders`: what we text from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.cli import options

app = typer.Typer(help="What we text from, at what pace, and whose it is.", no_args_is_help=True)


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE.yaml")],
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Check a file of senders and publish it; workers follow at once.

    Example: [cyan]sayso senders apply senders.yaml[/]
    """
    from schemas.sender import Sender
    from schemas.topics import SENDERS
    from services.cli.declared import read
    from services.cli.kafka import bootstrap_of, publish
    from services.cli.screen import console

    senders = read(file, "senders", Sender)
    publish(bootstrap_of(bootstrap, state), SENDERS, senders)
    for sender in senders:
        pace = f"{sender.segments_per_second:g} segments/s"
        console().print(f"{sender.sender}: {sender.kind.value}, {pace}, for {', '.join(sender.tenants)}.")


@app.command("list")
def show(
    bootstrap: options.Bootstrap = None, state: options.State = options.STATE, as_json: options.Json = False
) -> None:
    """Every sender, its pace and its tenants.

    Example: [cyan]sayso senders list[/]
    """
    from schemas.sender import Sender
    from services.cli.kafka import ledger
    from services.cli.screen import console, print_json, table

    with ledger(bootstrap, state) as opened:
        found = [Sender.model_validate_json(row["json"])
                 for row in opened.rows("SELECT json FROM senders ORDER BY identity")]  # fmt: skip
    if as_json:
        print_json([sender.model_dump(mode="json") for sender in found])
        return
    rows = [(one.sender, one.kind.value, f"{one.segments_per_second:g}", " ".join(one.tenants),
             "the carrier" if one.carrier_answers else "Sayso", "yes" if one.hears else "no")
            for one in found]  # fmt: skip
    names = ("sender", "kind", "segments/s#", "tenants", "answers STOP", "hears")
    console().print(table("Senders", names, rows))


@app.command()
def check(
    bootstrap: options.Bootstrap = None, state: options.State = options.STATE, as_json: options.Json = False
) -> None:
    """Is each sender set up to hear what people answer?  Exit code 1 if one is not.

    Example: [cyan]sayso senders check[/]
    """
    from services.cli.kafka import ledger
    from services.cli.screen import console, print_json, table
    from services.ledger.hearing import hearing

    with ledger(bootstrap, state) as opened:
        found = hearing(opened)
    if as_json:
        print_json([one._asdict() for one in found])
    else:
        rows = [(one.sender, one.texted, one.heard, one.last or "", "yes" if one.sound else "no", one.says)
                for one in found]  # fmt: skip
        names = ("sender", "texts out#", "answers#", "last answer", "fine", "what is known")
        console().print(table("Do senders hear?", names, rows))
    if not all(one.sound for one in found):
        raise typer.Exit(1)
