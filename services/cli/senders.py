"""`sayso senders`: what we text from, and how it is doing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from services.cli import as_whom, options
from services.cli.refused import Refused

if TYPE_CHECKING:
    from services.ledger import Ledger
    from services.ledger.sender_lines import SenderLine

SILENT = timedelta(minutes=1)
"""A queue moves every second, and dispatch tells of it: who has not for so long does not run."""

NONE = "There are no senders yet: sayso senders apply FILE.yaml"

app = typer.Typer(invoke_without_command=True)
Name = Annotated[str, typer.Argument(metavar="SENDER", help="As in sayso senders.")]


@app.callback()
def now(
    context: typer.Context,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """What we text from: how each sender is doing, at what pace, and whose it is.

    Without a command: state, pace, queue in segments and minutes, calls in flight, doubts, last error. Exit code 0.

    Example: [cyan]sayso senders[/]
    """
    if context.invoked_subcommand is not None:
        _not_before(context)
        return
    from services.cli.kafka import ledger
    from services.cli.screen import console, print_json, table
    from services.ledger.sender_lines import sender_lines

    with ledger(bootstrap, state) as opened:
        found = sender_lines(opened)
    if as_json:
        print_json([_as_data(one) for one in found])
        return
    if not found:
        console().print(NONE)
        return
    names = (
        "sender",
        "state",
        "pace#",
        "queue#",
        "minutes#",
        "in flight#",
        "in doubt#",
        "last error",
    )
    console().print(
        table("Senders (pace and queue in segments)", names, [_cells(one) for one in found])
    )
    for one in found:
        for sentence in _remarks(one, datetime.now(UTC)):
            console().print(sentence)
    if any(one.status and one.status.in_doubt for one in found):
        console().print(
            f"What is in doubt: sayso doubt list{options.same(state, bootstrap)}", style="cyan"
        )


@app.command()
def pause(
    sender: Name,
    by: as_whom.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Let nothing leave from a sender until it is resumed. Its texts wait, in their order; calls under way end.

    Waits for dispatch to say so: exit code 1 if it does not.

    Example: [cyan]sayso senders pause 72976[/]
    """
    _tell("pause", sender, as_whom.whom(by), bootstrap, state)


@app.command()
def resume(
    sender: Name,
    by: as_whom.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Let a paused sender go on.

    Waits for dispatch to say so: exit code 1 if it does not.

    Example: [cyan]sayso senders resume 72976[/]
    """
    _tell("resume", sender, as_whom.whom(by), bootstrap, state)


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
        console().print(
            f"{sender.sender}: {sender.kind.value}, {pace}, for {', '.join(sender.tenants)}."
        )


@app.command("list")
def show(
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Every sender, its pace and its tenants.

    Example: [cyan]sayso senders list[/]
    """
    from schemas.sender import Sender
    from services.cli.kafka import ledger
    from services.cli.screen import console, print_json, table

    with ledger(bootstrap, state) as opened:
        found = [
            Sender.model_validate_json(row["json"])
            for row in opened.rows("SELECT json FROM senders ORDER BY identity")
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
    names = ("sender", "kind", "segments/s#", "tenants", "answers STOP", "hears")
    console().print(table("Senders", names, rows))


@app.command()
def check(
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Is each sender set up to hear what people answer?  Exit code 1 if one is not.

    Example: [cyan]sayso senders check[/]
    """
    from services.cli.kafka import ledger
    from services.cli.screen import clock, console, print_json, table
    from services.ledger.hearing import hearing

    with ledger(bootstrap, state) as opened:
        found = hearing(opened)
    if as_json:
        print_json([one._asdict() for one in found])
    else:
        rows = [
            (
                one.sender,
                one.texted,
                one.heard,
                clock(one.last or ""),
                "yes" if one.sound else "no",
                one.says,
            )
            for one in found
        ]
        names = ("sender", "texts out#", "answers#", "last answer (UTC)", "fine", "what is known")
        console().print(table("Do senders hear?", names, rows))
    if not all(one.sound for one in found):
        raise typer.Exit(1)


def _not_before(context: typer.Context) -> None:
    """An option that stands before the command would be lost, and the command done in another house."""
    for name in context.params:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            option = "--json" if name == "as_json" else f"--{name}"
            raise Refused(
                f"Put {option} behind the command: sayso senders {context.invoked_subcommand} ... {option}"
            )


def _as_data(line: SenderLine) -> dict[str, Any]:
    told = line.status.model_dump(mode="json") if line.status else {}
    return told | {
        "sender": line.sender,
        "state": line.state,
        "pace": line.pace,
        "queued_messages": line.messages,
        "queued_segments": line.segments,
    }


def _cells(line: SenderLine) -> tuple[Any, ...]:
    pace = "" if line.pace is None else f"{line.pace:g}"
    told = line.status
    if told is None:
        return line.sender, line.state, pace, 0, "", 0, 0, ""
    minutes = "" if told.drain_seconds is None else f"{told.drain_seconds / 60:.1f}"
    error = f"{told.last_error.code} at {told.last_error.at:%m-%d %H:%M}" if told.last_error else ""
    return (
        line.sender,
        line.state,
        pace,
        line.segments,
        minutes,
        told.in_flight,
        told.in_doubt,
        error,
    )


def _remarks(line: SenderLine, now: datetime) -> Iterator[str]:
    told = line.status
    if told is None:
        return
    if line.state == "paused":
        yield f"{line.sender} is {_said(line)}: sayso senders resume {line.sender}"
    if told.later:
        yield f"{told.later:,} texts of {line.sender} wait for a time of their own."
    if line.state == "running" and line.segments and now - told.at > SILENT:
        yield f"Dispatch has not told of {line.sender} since {told.at:%H:%M:%S} UTC: is its worker running? (sayso lag)"


def _tell(
    what: Literal["pause", "resume"], sender: str, by: str, bootstrap: str | None, state: Path
) -> None:
    from schemas.controls import Pause, Resume
    from schemas.topics import DISPATCH_CONTROLS
    from services.cli.awaited import awaited
    from services.cli.kafka import bootstrap_of, ledger, publish
    from services.cli.screen import console

    where, wanted = bootstrap_of(bootstrap, state), what == "pause"
    with ledger(bootstrap, state) as opened:
        before = _line(opened, sender)
        if _stands(before, opened, wanted):
            console().print(f"{sender} is {_said(before)}: nothing to do.")
            return
        control = Pause if wanted else Resume
        publish(where, DISPATCH_CONTROLS, [control(sender=sender, by=by, at=datetime.now(UTC))])
        after = awaited(
            opened,
            where,
            lambda ledger: line if _done(line := _line(ledger, sender), wanted) else None,
        )
    if after is None:
        raise Refused(
            f"Asked for it, but dispatch has not said that {sender} did {what}: is its worker running? (sayso lag)",
            1,
        )
    console().print(
        f"{sender} is {_said(after)}: {after.messages:,} texts ({after.segments:,} segments) are queued."
    )


def _line(opened: Ledger, sender: str) -> SenderLine:
    """Raises Refused where there is no such sender: an order to one that nobody knows would wait for ever."""
    from services.ledger.sender_lines import sender_lines

    lines = {line.sender: line for line in sender_lines(opened)}
    if sender not in lines:
        known = (
            f"it is one of {', '.join(lines)}"
            if lines
            else "there are none yet: sayso senders apply FILE"
        )
        raise Refused(f"There is no sender {sender!r}: {known}")
    return lines[sender]


def _stands(line: SenderLine, opened: Ledger, paused: bool) -> bool:
    """It is so already, and nothing else has been ordered since."""
    from services.ledger.sender_lines import last_word

    last = last_word(opened, line.sender)
    return _done(line, paused) and (last is None or last.paused is paused)


def _done(line: SenderLine, paused: bool) -> bool:
    return line.status is not None and (line.state == "paused") is paused


def _said(line: SenderLine) -> str:
    by = line.status.paused_by if line.status else None
    return f"paused by {by}" if line.state == "paused" and by else line.state
