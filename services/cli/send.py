"""`sayso send`: ask for one text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from services.cli import moments, options
from services.cli.refused import Refused


def send(
    to: Annotated[
        str,
        typer.Option("--to", metavar="NUMBER", help="The recipient, with plus and country code."),
    ],
    body: Annotated[str, typer.Option("--body", help="The text.")],
    tenant: Annotated[str, typer.Option("--tenant", "-t", help="Who sends it.")],
    kind: Annotated[
        str,
        typer.Option(help="transactional, direct, reminder, alert, follow_up, marketing or test."),
    ] = "direct",
    sender: Annotated[
        str | None, typer.Option(help="Text from this; else the tenant's default sender.")
    ] = None,
    branch: Annotated[str | None, typer.Option(help="The tenant's branch.")] = None,
    message_id: Annotated[
        str | None,
        typer.Option(
            help="Its identity: a repeat with the same id is not sent again. Default: a new one."
        ),
    ] = None,
    not_before: Annotated[
        datetime | None,
        typer.Option(
            parser=moments.moment,
            metavar="TIME",
            help="Not earlier than, e.g. 2026-12-01T09:00:00-05:00.",
        ),
    ] = None,
    valid_until: Annotated[
        datetime | None,
        typer.Option(parser=moments.moment, metavar="TIME", help="Worthless after."),
    ] = None,
    person: Annotated[str | None, typer.Option(help="The person's id in your records.")] = None,
    case: Annotated[str | None, typer.Option(help="The case's id in your records.")] = None,
    event: Annotated[
        str | None, typer.Option(help="The id, in your records, of the event that it is about.")
    ] = None,
    event_at: Annotated[
        datetime | None,
        typer.Option(
            parser=moments.moment,
            metavar="TIME",
            help="When that is: staff hear of it if the text fails.",
        ),
    ] = None,
    event_title: Annotated[
        str | None, typer.Option(help="What it is, in a word or two: hearing.")
    ] = None,
    resend_of: Annotated[
        str | None, typer.Option(help="The message that this one repeats.")
    ] = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Ask for a text. The gate decides whether it goes out.

    Example: [cyan]sayso send -t harbor --to +12125550123 --body "Your documents are ready."[/]
    """
    from schemas.send_request import Kind, SendRequest
    from schemas.topics import SEND_REQUESTS
    from services.cli.input import identity, message, number, one_of
    from services.cli.kafka import bootstrap_of, publish
    from services.cli.known import must_know
    from services.cli.screen import console, print_json

    one_of("--kind", kind, Kind)
    if not body.strip():
        raise Refused("--body is empty: write the text to send")
    asked = message(
        SendRequest,
        message_id=message_id or identity("m"),
        tenant=tenant,
        branch=branch,
        to=number("--to", to),
        sender=sender,
        body=body,
        kind=kind,
        person_id=person,
        case_id=case,
        event_id=event,
        event_at=event_at,
        event_title=event_title,
        not_before=not_before,
        valid_until=valid_until,
        resend_of=resend_of,
        requested_at=datetime.now(UTC),
        requested_by="cli",
    )
    where = bootstrap_of(bootstrap, state)
    must_know(where, tenant)
    publish(where, SEND_REQUESTS, [asked])
    if as_json:
        print_json(asked.model_dump(mode="json", exclude_none=True))
        return
    console().print(f"Asked for [bold]{asked.message_id}[/]. What became of it:")
    console().print(
        f"  sayso explain {asked.message_id} --tenant {asked.tenant}{options.same(state, bootstrap)}",
        style="cyan",
    )
