"""`sayso doubt`: calls that were cut off, and nobody knows whether the text went out."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from schemas.numbers import mask_number, mask_text
from services.cli import options
from services.cli.connection import find_bootstrap, operate, read_ledger
from services.display_text import format_utc
from services.ledger.message_status import InDoubtAttempt, list_in_doubt
from services.masking import mask
from services.operations.in_doubt import Action, find_in_doubt, settle
from services.terminal import console, markup, print_json, table

app = typer.Typer(
    help="Texts in doubt: nobody knows whether they were sent. List, resend or drop them.",
    no_args_is_help=True,
    add_completion=False,
)
MessageId = Annotated[
    str, typer.Argument(metavar="MESSAGE_ID", help="Its id in `sayso doubt list`.")
]


@app.command("list")
def show(
    tenant: options.Tenant = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """List what is in doubt, why, and what the provider's list shows; the oldest first.

    Example: [cyan]sayso doubt list[/]
    """
    with read_ledger(bootstrap, state, tenant) as ledger:
        found = list_in_doubt(ledger, tenant)
    if as_json:
        plain = [one._asdict() for one in found]
        print_json(plain if unmask else mask(plain))
        return
    if not found:
        console().print("Nothing is in doubt.")
        return
    columns = ("message", "number", "sender", "since (UTC)", "because")
    console().print(table("In doubt", columns, [_cells(one, unmask) for one in found]))


def _cells(one: InDoubtAttempt, unmask: bool) -> tuple[str, ...]:
    found = f"found: {one.found}" if one.found else "nothing found out yet"
    return (
        f"{one.tenant}/{one.message_id}",
        one.to if unmask else mask_number(one.to),
        one.sender,
        format_utc(one.since)[:16],
        mask_text(f"{one.evidence}; {found}"),
    )


@app.command()
def resend(
    message_id: MessageId,
    tenant: options.Tenant = None,
    by: options.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Send it again, if the gate allows it: you accept that it may arrive twice.

    The gate evaluates it again, with today's consent, hours and caps. Exit code 1 if nobody
    answered.

    Example: [cyan]sayso doubt resend m-20261121-120000-7f3a9c[/]
    """
    _settle("resend", message_id, tenant, by, bootstrap, state, as_json)


@app.command()
def drop(
    message_id: MessageId,
    tenant: options.Tenant = None,
    by: options.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Give it up: it is not sent again.

    It counts as unknown until the provider reports it. Exit code 1 if nobody answered.

    Example: [cyan]sayso doubt drop m-20261121-120000-7f3a9c[/]
    """
    _settle("drop", message_id, tenant, by, bootstrap, state, as_json)


def _settle(
    action: Action,
    message_id: str,
    tenant: str | None,
    by: str | None,
    bootstrap: str | None,
    state: Path,
    as_json: bool,
) -> None:
    where = find_bootstrap(bootstrap, state)
    actor = options.read_actor(by, fallback="cli")
    with read_ledger(bootstrap, state, tenant) as ledger:
        message = find_in_doubt(ledger, message_id, tenant)
        settled = operate(
            where,
            lambda kafka: settle(kafka, ledger, message, action, actor, datetime.now(UTC)),
            waiting="waiting for an answer",
        )
    if as_json:
        print_json(
            {
                "tenant": message.tenant,
                "message_id": message_id,
                "action": action,
                "state": settled.state,
                "says": settled.sentence,
            }
        )
    else:
        same = options.repeat_options(state, bootstrap)
        name = f"{message.tenant}/{message_id}"
        console().print(markup("[bold]{}[/]: {}", name, settled.sentence))
        console().print(
            f"  sayso explain {message_id} --tenant {message.tenant}{same}", style="cyan"
        )
    raise typer.Exit(0 if settled.done else 1)
