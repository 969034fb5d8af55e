"""`sayso resend`: a text that failed once more, to a corrected number."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from services.cli import options, picking
from services.cli.refused import Refused


def resend(
    message_id: Annotated[str, typer.Argument(metavar="MESSAGE_ID")],
    number: Annotated[
        str | None,
        typer.Option(
            "--number",
            metavar="NUMBER",
            help="To this number instead, which is corrected on their record.",
        ),
    ] = None,
    tenant: options.Tenant = None,
    by: picking.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Ask again for a text that was sent, failed or was refused. It is a request of its own, judged like any other.

    Where the person is on record, the new number takes the place of the old one there, and later texts go to it too.

    Example: [cyan]sayso resend m-20261121-120000-7f3a9c --number +12125550123[/]
    """
    from services.cli.input import number as clean
    from services.cli.kafka import ledger
    from services.cli.resending import Cannot, again, publish_again
    from services.cli.screen import console, print_json

    to = clean("--number", number) if number else None
    now, name = datetime.now(UTC), picking.who(by)
    with ledger(bootstrap, state, tenant) as opened:
        (item,) = picking.picked(opened, picking.Pick([message_id], tenant), (), now)
        found = again(opened, item, to, name, now)
    if isinstance(found, Cannot):
        raise Refused(found.why, 1)
    publish_again([found], bootstrap, state)
    new = found.request.message_id
    if as_json:
        print_json(
            {
                "tenant": item.tenant,
                "message_id": new,
                "resend_of": message_id,
                "record_corrected": found.event is not None,
            }
        )
        return
    if found.event is not None:
        console().print(
            f"The number is corrected on the record of [bold]{found.event.person_id}[/]."
        )
    console().print(f"Asked for again as [bold]{new}[/]. What became of it:")
    console().print(
        f"  sayso explain {new} --tenant {item.tenant}{options.same(state, bootstrap)}",
        style="cyan",
    )
