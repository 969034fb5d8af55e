"""`sayso explain`: what became of a message, and why."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli import moments, options
from services.cli.refused import Refused

if TYPE_CHECKING:
    from rich.console import Console

    from services.ledger.explain import Event, Explained


def explain(
    message_id: Annotated[str, typer.Argument(metavar="MESSAGE_ID")],
    tenant: options.Tenant = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            parser=moments.moment, metavar="TIME", show_default=False, help="As it was known then."
        ),
    ] = None,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """The life of one message: what to do now; then asked, judged, sent, reported, each step with its place on Kafka.

    Oldest first, the recipient's consent among the rest. TIME is a time with its zone: 2026-11-21T17:00Z.

    Example: [cyan]sayso explain m-20261121-120000-7f3a9c[/]
    """
    from services.cli.masking import mask
    from services.cli.screen import console, print_json

    found = on_record(message_id, tenant, bootstrap, state, as_of)
    if as_json:
        print_json(as_data(found) if unmask else mask(as_data(found)))
    else:
        show(console(), found, unmask)


def on_record(
    message_id: str,
    tenant: str | None,
    bootstrap: str | None,
    state: Path,
    as_of: datetime | None = None,
) -> Explained:
    """Raises Refused where it is not known, or not whose it is."""
    from services.cli.kafka import ledger
    from services.ledger.explain import Ambiguous, Unknown
    from services.ledger.explain import explain as explained

    with ledger(bootstrap, state, tenant) as opened:
        match explained(opened, message_id, tenant, as_of):
            case Unknown():
                raise Refused(
                    f"No message {message_id!r} is on record"
                    + (f" at {tenant}" if tenant else "")
                    + (f" as of {as_of:%Y-%m-%d %H:%M:%S} UTC" if as_of else "")
                )
            case Ambiguous(tenants=tenants):
                raise Refused(
                    f"{', '.join(tenants)} each have a message {message_id!r}: say which with --tenant"
                )
            case found:
                return found


def as_data(found: Explained) -> dict[str, Any]:
    def placed(event: Event) -> dict[str, Any]:
        return event._asdict() | {"place": event.place}

    return found._asdict() | {
        "events": [placed(event) for event in found.events],
        "consent": [placed(event) for event in found.consent],
        "usage": placed(found.usage) if found.usage else None,
    }


def show(screen: Console, found: Explained, unmask: bool = False) -> None:
    from services.cli.explained import headline, steps
    from services.cli.screen import table

    screen.print(headline(found, unmask))
    screen.print(table(None, (f"at ({found.zone})", "UTC", "what", ""), steps(found, unmask)))
