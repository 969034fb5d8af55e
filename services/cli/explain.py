"""`sayso explain`: what became of a message, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli import options
from services.cli.refused import Refused

if TYPE_CHECKING:
    from rich.console import Console

    from services.ledger.explain import Explained


def explain(
    message_id: Annotated[str, typer.Argument(metavar="MESSAGE_ID")],
    tenant: options.Tenant = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """The life of one message: asked, judged, sent, reported; each step with its place on Kafka.

    Example: [cyan]sayso explain m-20261121-120000-7f3a9c[/]
    """
    from services.cli.masking import mask
    from services.cli.screen import console, print_json

    found = on_record(message_id, tenant, bootstrap, state)
    if as_json:
        print_json(as_data(found) if unmask else mask(as_data(found)))
    else:
        show(console(), found, unmask)


def on_record(message_id: str, tenant: str | None, bootstrap: str | None, state: Path) -> Explained:
    """Raises Refused where it is not known, or not whose it is."""
    from services.cli.kafka import ledger
    from services.ledger.explain import Ambiguous, Unknown
    from services.ledger.explain import explain as explained

    with ledger(bootstrap, state) as opened:
        match explained(opened, message_id, tenant):
            case Unknown():
                raise Refused(f"No message {message_id!r} is on record" + (f" at {tenant}" if tenant else ""))
            case Ambiguous(tenants=tenants):
                raise Refused(f"{', '.join(tenants)} each have a message {message_id!r}: say which with --tenant")
            case found:
                return found


def as_data(found: Explained) -> dict[str, Any]:
    return found._asdict() | {
        "events": [event._asdict() for event in found.events],
        "consent": [event._asdict() for event in found.consent],
    }


def show(screen: Console, found: Explained, unmask: bool = False) -> None:
    from services.cli.explained import headline, steps
    from services.cli.screen import table

    screen.print(headline(found, unmask))
    screen.print(table(None, ("at (UTC)", "what", ""), steps(found, unmask)))
