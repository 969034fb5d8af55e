"""`sayso senders`: what we text from, and how it is doing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from schemas.sender import Sender
from schemas.topics import SENDERS
from services.cli import options
from services.cli.connection import find_bootstrap, operate, read_ledger
from services.display_text import format_utc
from services.ledger.sender_overview import SenderOverview, check_inbound, list_senders
from services.operations.errors import InvalidRequest
from services.operations.senders import (
    describe_sender,
    describe_state,
    list_remarks,
    publish_senders,
    set_paused,
)
from services.operations.yaml_settings import read_settings
from services.terminal import console, print_json, table

NONE: Final = "There are no senders yet: sayso senders apply FILE.yaml"

app = typer.Typer(invoke_without_command=True, add_completion=False)
Name = Annotated[str, typer.Argument(metavar="SENDER", help="Its name in `sayso senders`.")]


@app.callback()
def now(
    context: typer.Context,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Show each sender: its state, pace, queue, calls in flight and last error.

    Example: [cyan]sayso senders[/]
    """
    if context.invoked_subcommand is not None:
        _refuse_options(context)
        return
    with read_ledger(bootstrap, state) as ledger:
        found = list_senders(ledger)
    if as_json:
        print_json([describe_sender(one) for one in found])
        return
    if not found:
        console().print(NONE)
        return
    columns = (
        "sender",
        "state",
        "pace#",
        "queue#",
        "minutes#",
        "in flight#",
        "in doubt#",
        "last error",
    )
    rows = [_cells(one) for one in found]
    console().print(table("Senders (pace and queue in segments)", columns, rows))
    for one in found:
        for sentence in list_remarks(one, datetime.now(UTC)):
            console().print(sentence)
    if any(one.status and one.status.in_doubt for one in found):
        same = options.repeat_options(state, bootstrap)
        console().print(f"What is in doubt: sayso doubt list{same}", style="cyan")


def _refuse_options(context: typer.Context) -> None:
    """An option before the command would be lost, and the command would act on another stack."""
    for name in context.params:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            option = "--json" if name == "as_json" else f"--{name}"
            raise InvalidRequest(
                f"Put {option} behind the command",
                f"sayso senders {context.invoked_subcommand} ... {option}",
            )


@app.command()
def pause(
    sender: Name,
    by: options.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Pause a sender. Its texts wait, in their order; calls under way end.

    Waits for dispatch to confirm: exit code 1 if it does not.

    Example: [cyan]sayso senders pause 72976[/]
    """
    _set_paused(sender, True, by, bootstrap, state)


@app.command()
def resume(
    sender: Name,
    by: options.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Let a paused sender go on.

    Waits for dispatch to confirm: exit code 1 if it does not.

    Example: [cyan]sayso senders resume 72976[/]
    """
    _set_paused(sender, False, by, bootstrap, state)


def _set_paused(
    sender: str, paused: bool, by: str | None, bootstrap: str | None, state: Path
) -> None:
    where = find_bootstrap(bootstrap, state)
    actor = options.read_actor(by, fallback="cli")
    with read_ledger(bootstrap, state) as ledger:
        change = operate(
            where,
            lambda kafka: set_paused(kafka, ledger, sender, paused, actor, datetime.now(UTC)),
            waiting="waiting for an answer",
        )
    line = change.sender
    words = f"{sender} is {describe_state(line)}"
    if not change.changed:
        console().print(f"{words}: nothing to do.")
        return
    console().print(f"{words}: {line.messages:,} texts ({line.segments:,} segments) are queued.")


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE.yaml")],
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Check a file of senders and publish it; workers follow at once.

    Example: [cyan]sayso senders apply senders.yaml[/]
    """
    senders = read_settings(file, "senders", Sender)
    operate(find_bootstrap(bootstrap, state), lambda kafka: publish_senders(kafka, senders))
    for sender in senders:
        pace = f"{sender.segments_per_second:g} segments/s"
        console().print(
            f"{sender.sender}: {sender.kind.value}, {pace}, for {', '.join(sender.tenants)}."
        )


@app.command("list")
def show(
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """List every sender, its pace and its tenants.

    Example: [cyan]sayso senders list[/]
    """
    with read_ledger(bootstrap, state) as ledger:
        found = [
            SENDERS.decode(row["json"].encode())
            for row in ledger.rows("SELECT json FROM senders ORDER BY identity")
        ]
    if as_json:
        print_json([sender.model_dump(mode="json") for sender in found])
        return
    if not found:
        console().print(NONE)
        return
    rows = [
        (
            one.sender,
            one.kind.value,
            f"{one.segments_per_second:g}",
            " ".join(one.tenants),
            "the carrier" if one.carrier_answers else "Sayso",
            "yes" if one.hears else "no",
        )
        for one in found
    ]
    columns = ("sender", "kind", "segments/s#", "tenants", "answers STOP", "hears")
    console().print(table("Senders", columns, rows))


@app.command()
def check(
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Check that each sender receives what people answer. Exit code 1 if one does not.

    Example: [cyan]sayso senders check[/]
    """
    with read_ledger(bootstrap, state) as ledger:
        found = check_inbound(ledger)
    if as_json:
        print_json([one._asdict() for one in found])
    else:
        rows = [
            (
                one.sender,
                one.texted,
                one.heard,
                format_utc(one.last or ""),
                "yes" if one.sound else "no",
                one.says,
            )
            for one in found
        ]
        columns = (
            "sender",
            "texts out#",
            "answers#",
            "last answer (UTC)",
            "fine",
            "what is known",
        )
        console().print(table("Do senders hear?", columns, rows))
    if not all(one.sound for one in found):
        raise typer.Exit(1)


def _cells(line: SenderOverview) -> tuple[Any, ...]:
    pace = "" if line.pace is None else f"{line.pace:g}"
    status = line.status
    if status is None:
        return line.sender, line.state, pace, 0, "", 0, 0, ""
    error = status.last_error
    return (
        line.sender,
        line.state,
        pace,
        line.segments,
        "" if status.drain_seconds is None else f"{status.drain_seconds / 60:.1f}",
        status.in_flight,
        status.in_doubt,
        f"{error.code} at {error.at:%m-%d %H:%M}" if error else "",
    )
