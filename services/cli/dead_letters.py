"""`sayso dlq`: records that could not be read or placed; look, mend, replay or drop."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import ValidationError

from schemas.dead_letter import DeadLetter
from schemas.numbers import mask_text
from schemas.visible_text import ON_ONE_LINE
from services.cli import options
from services.cli.connection import find_bootstrap, operate, read_ledger, run
from services.cli.progress_bar import progress_bar
from services.display_text import format_utc
from services.ledger import Ledger
from services.ledger.dead_letters import DeadLetterEntry, count_dead_letters, list_dead_letters
from services.operations import dead_letters
from services.operations.errors import InvalidRequest, OperationError, OperationFailed
from services.operations.session import Session
from services.terminal import console, note, print_json, table

app = typer.Typer(
    help="Dead letters: list, mend, replay or drop them.",
    no_args_is_help=True,
    add_completion=False,
)
Name = Annotated[
    str, typer.Argument(metavar="LETTER", help="Its name in `sayso dlq list`, e.g. 2-17.")
]
Names = Annotated[
    list[str] | None, typer.Argument(metavar="LETTER", help="Their names in `sayso dlq list`.")
]
Cause = Annotated[str | None, typer.Option(help="Only this cause, e.g. invalid.")]
OfTopic = Annotated[
    str | None, typer.Option("--topic", help="Only this topic, e.g. send-requests.")
]
Why = Annotated[str, typer.Option("--reason", help="Why; goes on record.")]
Every = Annotated[bool, typer.Option("--all", help="All that match --cause and --topic.")]
_MARK: Final = "#! "
"""Begins a line that we write above the text in the editor."""


@app.command("list")
def show_all(
    cause: Cause = None,
    topic: OfTopic = None,
    resolved: Annotated[
        bool, typer.Option("--resolved", help="Also show those replayed or dropped.")
    ] = False,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """List what could not be read, by cause and topic, then letter by letter.

    Example: [cyan]sayso dlq list --cause invalid[/]
    """
    with read_ledger(bootstrap, state) as ledger:
        found = list_dead_letters(ledger, dead_letters.build_filter(ledger, cause, topic, resolved))
        counts = count_dead_letters(ledger)
    if as_json:
        print_json([dead_letters.describe_letter(one, unmask=unmask) for one in found])
        return
    if not found:
        words = "None." if cause or topic else "No dead letters are open."
        console().print(words, style="green")
        return
    by_cause = [
        (topic_name, name, dead_letters.CAUSES.get(name, ""), *many)
        for topic_name, name, *many in counts
    ]
    causes = ("topic", "cause", "meaning", "open#", "all#")
    console().print(table("By cause", causes, by_cause))
    rows = [
        (
            one.name,
            format_utc(one.letter.at.isoformat()),
            one.letter.room,
            dead_letters.name_place(one.letter),
            one.letter.cause,
            one.letter.reason if unmask else mask_text(one.letter.reason),
            one.resolution.action if one.resolution else "open",
        )
        for one in found
    ]
    columns = ("letter", "at (UTC)", "room", "stood at", "cause", "because", "")
    console().print(table("Letters", columns, rows))


@app.command()
def show(
    name: Name,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """Show one letter and its value; numbers and texts are masked unless you ask.

    Example: [cyan]sayso dlq show 2-17[/]
    """
    with read_ledger(bootstrap, state) as ledger:
        one = dead_letters.find_letter(ledger, name)
    data = dead_letters.describe_letter(one, unmask=unmask)
    if as_json:
        print_json(data)
        return
    screen = console()
    for field in (
        "letter",
        "stood_at",
        "written",
        "room",
        "cause",
        "reason",
        "key",
        "headers",
        "resolution",
    ):
        if data[field]:
            words = f"{field.replace('_', ' '):>10}  {data[field]}"
            screen.print(words.translate(ON_ONE_LINE))
    print_json(data["value"])
    if not one.resolution:
        screen.print(
            f"Mend and replay it: sayso dlq fix {name}    Or: sayso dlq drop {name} --reason ...",
            style="dim",
        )


@app.command()
def fix(
    name: Name,
    by: options.By = None,
    reason: Why = "",
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Open a letter's value in $EDITOR, and replay it to its own topic once it fits the schema.

    Example: [cyan]sayso dlq fix 2-17[/]
    """
    actor = options.read_actor(by)
    with read_ledger(bootstrap, state) as ledger:
        one = dead_letters.find_open_letter(ledger, name)
        dead_letters.refuse_standstill(one)
        value = edit(one.letter)
        if value is None:
            raise OperationFailed("Nothing was changed, so nothing was replayed")
        where = find_bootstrap(bootstrap, state)
        operate(where, lambda kafka: dead_letters.replay(kafka, ledger, one, value, actor, reason))
    note(
        f"Replayed to {one.letter.topic}, once. If it is set aside again it comes back under a new"
        " name."
    )
    if one.letter.topic in dead_letters.BLOCKING:
        note(
            "Its number is blocked until somebody says what was meant:"
            " `sayso consent resolve NUMBER`."
        )


@app.command()
def replay(
    names: Names = None,
    cause: Cause = None,
    topic: OfTopic = None,
    everything: Every = False,
    by: options.By = None,
    reason: Why = "",
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Write letters to their own topics again, unchanged, once each.

    Use it for what this version can read by now.

    Example: [cyan]sayso dlq replay --topic send-requests --cause invalid --all[/]
    """
    actor = options.read_actor(by)
    failures = 0
    with read_ledger(bootstrap, state) as ledger:
        chosen = dead_letters.choose_letters(ledger, names, cause, topic, everything)
        where = find_bootstrap(bootstrap, state)
        with progress_bar("replaying", len(chosen)) as on_progress:
            for done, one in enumerate(chosen, 1):
                try:
                    run(_replay(where, ledger, one, actor, reason))
                except OperationError as why:
                    failures += 1
                    note(f"{one.name}: {why}")
                on_progress(done)
    note(f"Replayed {len(chosen) - failures} of {len(chosen)}.")
    raise typer.Exit(1 if failures else 0)


@app.command()
def drop(
    names: Names = None,
    cause: Cause = None,
    topic: OfTopic = None,
    everything: Every = False,
    by: options.By = None,
    reason: Why = "",
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Mark letters as not needed. They stay on their topic for as long as it keeps them.

    Example: [cyan]sayso dlq drop 2-17 --reason "a test of the old importer"[/]
    """
    if not reason:
        raise InvalidRequest(
            "Give --reason", "whoever looks at it later wants to know why it was dropped"
        )
    actor = options.read_actor(by)
    with read_ledger(bootstrap, state) as ledger:
        chosen = dead_letters.choose_letters(ledger, names, cause, topic, everything)
        where = find_bootstrap(bootstrap, state)
        with progress_bar("dropping", len(chosen)) as on_progress:
            for done, one in enumerate(chosen, 1):
                run(_drop(where, ledger, one, actor, reason))
                on_progress(done)
    note(f"Dropped {len(chosen)}.")


async def _replay(
    bootstrap: str, ledger: Ledger, one: DeadLetterEntry, by: str, reason: str
) -> None:
    async with Session(bootstrap) as kafka:
        await dead_letters.replay(kafka, ledger, one, None, by, reason)


async def _drop(bootstrap: str, ledger: Ledger, one: DeadLetterEntry, by: str, reason: str) -> None:
    async with Session(bootstrap) as kafka:
        await dead_letters.drop(kafka, ledger, one, by, reason)


def edit(letter: DeadLetter) -> bytes | None:
    """Open its value in the editor until it fits its schema; None where it was left as it was, or
    emptied.

    What is wrong is written above the text, and the editor opens again.  Raises OperationError.
    """
    command = _find_editor()
    text = before = dead_letters.lay_out(letter)
    problem = " ".join(letter.reason.split())
    with tempfile.TemporaryDirectory(prefix="sayso-") as folder:
        file = Path(folder) / f"{letter.topic}.json"
        file.touch(mode=0o600)
        while True:
            head = (
                f"{_MARK}{letter.topic}: {problem}\n"
                f"{_MARK}Mend the JSON below and save; empty the file to give up.\n"
            )
            file.write_bytes((head + text).encode())  # line ends as they are
            _run_editor(command, file)
            new = _remove_marks(file.read_bytes().decode(errors="surrogateescape"))
            if not new.strip() or (new == text and new == before):
                return None
            if new == text:
                raise OperationFailed(f"It still does not fit {letter.topic}: {problem}")
            text = new
            try:
                value = text.strip().encode()
                dead_letters.require_valid(letter.topic, value)
            except (ValidationError, UnicodeEncodeError) as error:
                problem = dead_letters.describe_error(error)
                continue
            return value


def _find_editor() -> list[str]:
    name = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with contextlib.suppress(ValueError):
        if command := shlex.split(name):
            return command
    raise InvalidRequest(f"EDITOR is {name!r}, which is no command", "set EDITOR")


def _remove_marks(text: str) -> str:
    lines = text.split("\n")  # a value may hold what Unicode calls a line end
    return "\n".join(line for line in lines if not line.startswith(_MARK.rstrip()))


def _run_editor(command: list[str], file: Path) -> None:
    try:
        done = subprocess.run([*command, str(file)], check=False)
    except OSError:
        raise InvalidRequest(f"There is no editor {command[0]!r}", "set EDITOR") from None
    if done.returncode:
        raise OperationFailed(f"{command[0]} ended with {done.returncode}; nothing was replayed")
