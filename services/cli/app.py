"""The command line: what it is called, how it ends, and how it says what is wrong."""

from __future__ import annotations

import os
import re
import sys
from typing import Annotated, Any, Final

import typer

from schemas.visible_text import ON_ONE_LINE
from services.cli.commands import LazyGroup, reflow
from services.operations.errors import InvalidRequest, OperationError

app = typer.Typer(
    name="sayso",
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from services.cli.version import describe_version  # noqa: PLC0415 - it reads package data

        print(describe_version())
        raise typer.Exit(0)


@app.callback()
def _sayso(
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Show which versions these are and exit.",
        ),
    ] = False,
) -> None:
    """Text messages, on the recipient's say-so.

    Start with [bold]sayso demo[/] or [bold]sayso up[/].

    Exit codes: 0 done; 1 the operation failed; 2 invalid usage or unknown name; 130
    interrupted."""


reflow(app)

_UsageError: Any = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)
"""What Typer raises for an unknown option or a missing argument.  It carries its own copy of Click.
"""


_REWORDING: Final = (
    (r"\.$", ""),
    (r"\.? Did you mean", "; did you mean"),
    (r" \(Possible options: (.*)\)$", r"; is it one of \1?"),
    (r": (?:Value error, )?Input should be (a )?", r": it must be \1"),
    (r": Value error, ", ": "),
    (r", unable to parse string as an? \w+", ""),
    (r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)$", r"Not understood: \1"),
)
"""What Typer and Pydantic say, and how we say it: in one sentence."""


def run(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0 done, 1 the operation failed, 2 invalid usage or unknown name, 130
    interrupted."""
    given = sys.argv[1:] if arguments is None else arguments
    if unreadable := [one for one in given if not _is_utf8(one)]:
        return _print_error(f"{unreadable[0]!r} is not UTF-8: no name of ours is written so", 2)
    try:
        return int(app(arguments, prog_name="sayso", standalone_mode=False) or 0)
    except OperationError as error:
        return _print_error(str(error), 2 if isinstance(error, InvalidRequest) else 1)
    except _UsageError as error:
        message = error.format_message()
        if not message:
            return int(error.exit_code)
        for pattern, ours in _REWORDING:
            message = re.sub(pattern, ours, message)
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "sayso"
        return _print_error(f"{message} (see: {command} --help)", error.exit_code)
    except RecursionError:
        return _print_error("Something in the data is nested too deeply to be read", 1)
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _is_utf8(argument: str) -> bool:
    """Bytes that are not arrive as lone surrogates, which no database and no message takes."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True


def _print_error(sentence: str, code: int) -> int:
    print(" ".join(sentence.split()).translate(ON_ONE_LINE), file=sys.stderr)
    return code
