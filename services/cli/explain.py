"""`sayso explain` and `sayso escalate`: what became of a message, for yourself or for support."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from services.cli import options
from services.cli.connection import read_ledger
from services.ledger.explain import Event, Explanation
from services.masking import mask
from services.operations.explain_text import describe, describe_steps, find_explained
from services.operations.support_bundle import hide, mail_bundle, read_mailbox, write_bundle
from services.terminal import color_word, console, print_json, table


def explain(
    message_id: options.MessageId,
    tenant: options.Tenant = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_of: Annotated[
        datetime | None, typer.Option(help="Show what was known at that time.", **options.TIME)
    ] = None,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """Show the life of one message: what to do now, then each step with its place on Kafka.

    Steps are in order, oldest first, with the recipient's consent among them. TIME is a time with
    its zone: 2026-11-21T17:00Z.

    Example: [cyan]sayso explain m-20261121-120000-7f3a9c[/]
    """
    with read_ledger(bootstrap, state, tenant) as ledger:
        found = find_explained(ledger, message_id, tenant, as_of)
    if as_json:
        print_json(_as_data(found) if unmask else mask(_as_data(found)))
    else:
        _print(console(), found, unmask)


def _as_data(found: Explanation) -> dict[str, Any]:
    def add_place(event: Event) -> dict[str, Any]:
        return event._asdict() | {"place": event.place}

    return found._asdict() | {
        "events": [add_place(event) for event in found.events],
        "consent": [add_place(event) for event in found.consent],
        "usage": add_place(found.usage) if found.usage else None,
    }


def _print(screen: Console, found: Explanation, unmask: bool) -> None:
    headline = describe(found, unmask)
    screen.print(
        Text.assemble(
            ("Next: ", "bold"),
            headline.next_step,
            "\n",
            (headline.name, "bold"),
            " is ",
            color_word(headline.state),
            headline.details,
        )
    )
    rows = [
        (
            step.local,
            step.utc,
            Text.assemble(step.what, " " if step.result else "", color_word(step.result)),
            Text.assemble(step.words, "  ", (step.place, "dim")),
        )
        for step in describe_steps(found, unmask)
    ]
    screen.print(table(None, (f"at ({found.zone})", "UTC", "what", ""), rows))


def escalate(
    message_id: options.MessageId,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Write it here: JSON if the name ends in .json, else text.",
            show_default=False,
        ),
    ] = None,
    tenant: options.Tenant = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    numbers: Annotated[bool, typer.Option("--numbers", help="Include full phone numbers.")] = False,
    texts: Annotated[bool, typer.Option("--texts", help="Include the texts in full.")] = False,
) -> None:
    """Make a bundle for support: timeline, findings, attempts, receipts, error codes.

    Without --out it is mailed to the configured address. Numbers and texts are hidden unless you
    ask for them.

    Example: [cyan]sayso escalate m-20261121-120000-7f3a9c --out case.json[/]
    """
    mailbox = None if out else read_mailbox()
    with read_ledger(bootstrap, state, tenant) as ledger:
        found = hide(find_explained(ledger, message_id, tenant), numbers=numbers, texts=texts)
    where = f"in {out}"
    if out:
        write_bundle(out, found, datetime.now(UTC))
    if mailbox:
        mail_bundle(mailbox, found, datetime.now(UTC))
        where = f"mailed to {mailbox.to}"
    console().print(f"{found.tenant}/{found.message_id}: the bundle is {where}.")
