"""The command line: which commands there are, and how they end."""

from __future__ import annotations

import os
import re
import sys
from typing import Any

import typer

from services.cli import (
    alerts,
    approve,
    balance,
    boxes,
    cancel,
    codes,
    consent,
    demo,
    dismiss,
    dlq,
    doubt,
    escalate,
    explain,
    keys,
    keywords,
    lag,
    number,
    people,
    reach,
    resend,
    send,
    send_now,
    senders,
    tail,
    tenants,
    topics,
    up,
    usage,
    version,
    waiting,
    workers,
)
from services.cli.reflowed import reflow
from services.cli.refused import Refused

app = typer.Typer(
    name="sayso",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _sayso(_version: version.Option = False) -> None:
    """Text messages, on the recipient's say-so. Start with [bold]sayso demo[/] or [bold]sayso up[/].

    Exit codes: 0 done; 1 asked rightly, and it did not work out; 2 asked wrongly, also for what nobody knows; 130
    interrupted.
    """


_RUN, _ASK, _WATCH = "Run it", "Use it and look", "Watch it"
_MAIL = "Approve, and mend what failed"
_SET, _PARTS = "Set it up", "One process at a time"

app.command(rich_help_panel=_RUN)(demo.demo)
app.command(rich_help_panel=_RUN)(up.up)
app.command(rich_help_panel=_ASK)(send.send)
app.command(rich_help_panel=_ASK)(cancel.cancel)
app.add_typer(doubt.app, name="doubt", rich_help_panel=_ASK)
app.add_typer(consent.app, name="consent", rich_help_panel=_ASK)
app.add_typer(people.app, name="people", rich_help_panel=_ASK)
app.command(rich_help_panel=_ASK)(number.number)
app.command(rich_help_panel=_ASK)(tail.tail)
app.command(rich_help_panel=_ASK)(explain.explain)
app.command(rich_help_panel=_ASK)(usage.usage)
app.command(rich_help_panel=_ASK)(codes.codes)
app.command(rich_help_panel=_ASK)(alerts.alerts)
app.command(rich_help_panel=_ASK)(escalate.escalate)
app.command(rich_help_panel=_MAIL)(boxes.box)
app.command(rich_help_panel=_MAIL)(approve.approve)
app.command(rich_help_panel=_MAIL)(approve.reject)
app.command(rich_help_panel=_MAIL)(send_now.send_now)
app.command(rich_help_panel=_MAIL)(resend.resend)
app.command(rich_help_panel=_MAIL)(dismiss.dismiss)
app.command("test", rich_help_panel=_MAIL)(reach.reach)
app.command(rich_help_panel=_WATCH)(lag.lag)
app.command(rich_help_panel=_WATCH)(waiting.waiting)
app.command(rich_help_panel=_WATCH)(balance.balance)
app.add_typer(dlq.app, name="dlq", rich_help_panel=_WATCH)
app.add_typer(topics.app, name="topics", rich_help_panel=_SET)
app.add_typer(tenants.app, name="tenants", rich_help_panel=_SET)
app.add_typer(senders.app, name="senders", rich_help_panel=_SET)
app.command(rich_help_panel=_SET)(keywords.keywords)
app.add_typer(keys.app, name="keys", rich_help_panel=_SET)
for command in workers.COMMANDS:
    app.command(rich_help_panel=_PARTS)(command)
reflow(app)

_MISUSE: Any = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)
"""What Typer raises for an unknown option or a missing argument; it carries its own copy of Click."""


_PLAINER = (
    (r"\.$", ""),
    (r"\.? Did you mean", "; did you mean"),
    (r" \(Possible options: (.*)\)$", r"; is it one of \1?"),
    (r": (?:Value error, )?Input should be (a )?", r": it must be \1"),
    (r": Value error, ", ": "),
    (r", unable to parse string as an? \w+", ""),
    (r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)$", r"Not understood: \1"),
)
"""What Typer and Pydantic say, as we would."""


def run(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 done, 1 did not work out, 2 asked wrongly, 130 interrupted."""
    try:
        return int(app(arguments, prog_name="sayso", standalone_mode=False) or 0)
    except Refused as refused:
        return _say(str(refused), refused.code)
    except _MISUSE as misuse:
        context = getattr(misuse, "ctx", None)
        where = context.command_path if context else "sayso"
        sentence = misuse.format_message()
        return (
            _say(f"{_one(sentence)} (see: {where} --help)", misuse.exit_code)
            if sentence
            else misuse.exit_code
        )
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _one(sentence: str) -> str:
    """`No such option '--jsn'. Did you mean '--json'?` is two."""
    for pattern, ours in _PLAINER:
        sentence = re.sub(pattern, ours, sentence)
    return sentence


def _say(sentence: str, code: int) -> int:
    print(" ".join(sentence.split()), file=sys.stderr)
    return code
