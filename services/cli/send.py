"""`sayso send`, `sayso cancel` and `sayso test`: ask for one text, or take it back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from schemas.blank_text import is_blank
from schemas.person import PersonRequest
from schemas.send_request import Kind, SendRequest
from services.cli import options
from services.cli.connection import find_bootstrap, operate, read_ledger
from services.cli.text_preview import print_text_preview
from services.ledger.cases import find_settings
from services.operations import requests
from services.operations.errors import InvalidRequest
from services.operations.requests import build_test_request, request_person_text, request_text
from services.operations.text_preview import preview_text
from services.operations.validation import build_message, new_id, parse_recipient, require_one_of
from services.terminal import console, markup, print_json


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
        str | None, typer.Option(help="Send from this. Default: the tenant's sender.")
    ] = None,
    branch: Annotated[str | None, typer.Option(help="The tenant's branch.")] = None,
    message_id: Annotated[
        str | None,
        typer.Option(
            help="Its id: a repeat with the same id is not sent again. Default: a new one."
        ),
    ] = None,
    not_before: Annotated[
        datetime | None,
        typer.Option(
            parser=options.parse_time,
            metavar="TIME",
            help="Do not send before, e.g. 2026-12-01T09:00:00-05:00.",
        ),
    ] = None,
    valid_until: Annotated[
        datetime | None,
        typer.Option(parser=options.parse_time, metavar="TIME", help="Do not send after."),
    ] = None,
    person: Annotated[str | None, typer.Option(help="The person's id in your records.")] = None,
    case: Annotated[str | None, typer.Option(help="The case's id in your records.")] = None,
    event: Annotated[
        str | None, typer.Option(help="The id, in your records, of the event that it is about.")
    ] = None,
    event_at: Annotated[
        datetime | None,
        typer.Option(
            parser=options.parse_time,
            metavar="TIME",
            help="When the event is: staff are alerted if the text fails.",
        ),
    ] = None,
    event_title: Annotated[
        str | None, typer.Option(help="What the event is, in a word or two: hearing.")
    ] = None,
    resend_of: Annotated[
        str | None, typer.Option(help="The message that this one repeats.")
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            metavar="NAME",
            help="Who wrote this one text by hand. It may go while a reply that may be an opt-out"
            " has not been read.",
        ),
    ] = None,
    undo_for: options.UndoFor = None,
    test_mode: Annotated[
        bool, typer.Option("--test-mode", help="Evaluate it as any text, and never send it.")
    ] = False,
    preview: Annotated[
        bool,
        typer.Option("--preview", help="Say what would become of it, when, and at what price."),
    ] = False,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Ask for a text. The gate decides whether it goes out.

    With --preview nothing is sent. The gate's own rules answer, from what is on record.

    Example: [cyan]sayso send -t harbor --to +12125550123 --body "Your documents are ready."[/]
    """
    require_one_of("--kind", kind, Kind)
    if is_blank(body):
        raise InvalidRequest("--body is empty", "write the text to send")
    author = None if by is None or is_blank(by) else by.strip()
    request = build_message(
        SendRequest,
        message_id=message_id or new_id("m"),
        tenant=tenant,
        branch=branch,
        to=parse_recipient("--to", to),
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
        requested_by=author or "cli",
        written_by=author,
        undo_seconds=undo_for,
        test_mode=test_mode or None,
    )
    if preview:
        _preview(request, bootstrap, state, as_json)
        return
    operate(find_bootstrap(bootstrap, state), lambda kafka: request_text(kafka, request))
    if as_json:
        print_json(request.model_dump(mode="json", exclude_none=True))
        return
    print_requested(request, options.repeat_options(state, bootstrap))


def _preview(request: SendRequest, bootstrap: str | None, state: Path, as_json: bool) -> None:
    with read_ledger(bootstrap, state, request.tenant) as ledger:
        found = preview_text(ledger, request, datetime.now(UTC))
        settings = find_settings(ledger, request.tenant)
    zone = settings.zone if settings else ZoneInfo("UTC")
    print_text_preview(found, zone, as_json=as_json)


def send_test(
    person: options.PersonId,
    tenant: options.Tenant = None,
    number: Annotated[
        str | None,
        typer.Option("--number", metavar="NUMBER", help="Send to this one of their numbers."),
    ] = None,
    body: Annotated[
        str | None, typer.Option("--body", help="Text to send. Default: a standard one.")
    ] = None,
    by: options.By = None,
    undo_for: options.UndoFor = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Send a test text to a person, to find out whether they can be reached.

    Consent applies as for any text. It is counted apart (kind test) and expires after 15 minutes.

    Example: [cyan]sayso test crm-20417 --tenant harbor[/]
    """
    with read_ledger(bootstrap, state, tenant) as ledger:
        to = parse_recipient("--number", number) if number else None
        actor = options.read_actor(by)
        now = datetime.now(UTC)
        request = build_test_request(ledger, person, tenant, to, body, actor, now, undo_for)
    operate(find_bootstrap(bootstrap, state), lambda kafka: request_person_text(kafka, request))
    if as_json:
        print_json(request.model_dump(mode="json", exclude_none=True, exclude={"to"}))
        return
    print_requested(request, options.repeat_options(state, bootstrap))


def cancel(
    message_id: options.MessageId,
    tenant: options.Tenant = None,
    reason: Annotated[str, typer.Option(help="Why; goes on record.")] = "",
    by: options.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Cancel a text that has not been sent: it waits at the gate or in a sender's queue.

    A text that was sent with --undo-for is withdrawn if its time is not over. Says what came of
    it. Exit code 0: it will not be sent. 1: it was too late, it is in doubt, or nobody answered.

    Example: [cyan]sayso cancel m-20261121-120000-7f3a9c --reason "closing moved"[/]
    """
    where = find_bootstrap(bootstrap, state)
    actor = options.read_actor(by, fallback="cli")
    with read_ledger(bootstrap, state, tenant) as ledger:
        found = requests.find_cancelable(ledger, message_id, tenant)
        result = operate(
            where,
            lambda kafka: requests.cancel(kafka, ledger, found, reason, actor, datetime.now(UTC)),
            waiting="waiting for an answer",
        )
    if as_json:
        print_json(
            {
                "tenant": found.tenant,
                "message_id": message_id,
                "result": result.result,
                "says": result.sentence,
            }
        )
    else:
        name = f"{found.tenant}/{message_id}"
        console().print(markup("[bold]{}[/]: {}", name, result.sentence))
    raise typer.Exit(0 if result.is_stopped else 1)


def print_requested(request: SendRequest | PersonRequest, same: str) -> None:
    """`same`: the options that name the stack."""
    print_where_to_look(request.message_id, request.tenant, request.undo_seconds, same)


def print_where_to_look(message_id: str, tenant: str, undo: int | None, same: str) -> None:
    screen = console()
    screen.print(markup("Requested [bold]{}[/]. To see what became of it:", message_id))
    screen.print(f"  sayso explain {message_id} --tenant {tenant}{same}", style="cyan")
    if undo is not None:
        screen.print(f"To withdraw it within {undo} s:")
        screen.print(f"  sayso cancel {message_id} --tenant {tenant}{same}", style="cyan")
