"""Every command: its name, where it is, and its line of help.

`sayso --help` prints this table without importing any command.  A test holds each line equal to the docstring of its
command.  Modules are named here alone, and imported when their command is invoked or its own help is asked for."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command


class Entry(NamedTuple):
    """`target` is `module:name`, of a function or of a Typer app with commands of its own."""

    name: str
    target: str
    help: str


PANELS: Final = {
    "Run it": (
        Entry(
            "demo",
            "demo:demo",
            "Texts for people who said yes, no, STOP or nothing; what became of each; and the proof.",
        ),
        Entry(
            "up",
            "processes:up",
            "Start everything and keep it running; Ctrl-C stops it cleanly.",
        ),
    ),
    "Use it and look": (
        Entry("send", "send:send", "Ask for a text. The gate decides whether it goes out."),
        Entry(
            "cancel",
            "send:cancel",
            "Take a text back: one that waits at the gate, or that has been ordered and not been called for yet.",
        ),
        Entry(
            "doubt",
            "in_doubt:app",
            "Texts of which nobody knows whether they went out, and what to do with them.",
        ),
        Entry("consent", "consent:app", "Who has said yes, who has said no, and the proof."),
        Entry("people", "people:app", "People: who they are, and the numbers they are texted at."),
        Entry(
            "number",
            "people:number",
            "What is on record of a number: switched on or off, landline, not reached; and from which text that is"
            " known.",
        ),
        Entry(
            "tail",
            "topics:tail",
            "The last records of a topic; numbers and texts masked unless asked.",
        ),
        Entry(
            "explain",
            "explain:explain",
            "The life of one message: what to do now; then asked, judged, sent, reported, each step with its place on"
            " Kafka.",
        ),
        Entry(
            "usage",
            "usage:usage",
            "The usage report with its cost, its total, and whether the books balance; or each message of a period.",
        ),
        Entry(
            "codes", "codes:codes", "What error codes mean: causes, first steps, and who must act."
        ),
        Entry(
            "alerts",
            "mailbox:alerts",
            "What is at stake, now that a text has not arrived: the most urgent first.",
        ),
        Entry(
            "escalate",
            "explain:escalate",
            "A bundle for support: timeline, findings, attempts, receipts and what the codes mean. Without --out it is"
            " mailed to the configured address. Numbers and texts are hidden unless asked for.",
        ),
    ),
    "Approve, and mend what failed": (
        Entry(
            "box",
            "mailbox:box",
            "A mailbox: ready (to approve, with the texts), outbox (not gone yet, or failed before it could), sentbox.",
        ),
        Entry(
            "approve",
            "approve:approve",
            "Let texts go that wait for approval: those named, or all that match. Every other rule still counts.",
        ),
        Entry(
            "reject",
            "approve:reject",
            "Say no to texts that wait: those named, or all that match. They are never sent.",
        ),
        Entry(
            "send-now",
            "resend:send_now",
            "Judge texts that wait again, now, and ask again for those that failed: those named, or all that match in"
            " the outbox, and in the sentbox where they failed.",
        ),
        Entry(
            "resend",
            "resend:resend",
            "Ask again for a text that was sent, failed or was refused. It is a request of its own, judged like any"
            " other.",
        ),
        Entry(
            "dismiss",
            "resend:dismiss",
            "Take failed texts off the lists: out of the outbox, and no exclamation mark in the sentbox any more. What"
            " became of them stays on record.",
        ),
        Entry(
            "test",
            "send:send_test",
            "Send a test text to a person. It is judged by consent like any other, counted apart (kind test), and of no"
            " use after 15 minutes.",
        ),
    ),
    "Watch it": (
        Entry(
            "lag",
            "lag:lag",
            "What each room has still to judge: records, seconds, rates, time to drain, and a verdict over a few looks.",
        ),
        Entry(
            "waiting",
            "waiting:waiting",
            "What waits and why: consent, approval, the hour, its turn at the sender, a provider; the oldest of each.",
        ),
        Entry(
            "balance",
            "waiting:balance",
            "The books, hour by hour: requested = waiting + not sent + refused + out, and which messages are missing.",
        ),
        Entry(
            "dlq", "dead_letters:app", "Dead letters: look at them, mend them, replay or drop them."
        ),
    ),
    "Set it up": (
        Entry("topics", "topics:app", "The topics: declared once, created here."),
        Entry("tenants", "tenants:app", "Tenants and their settings, as every worker reads them."),
        Entry(
            "senders",
            "senders:app",
            "What we text from: how each sender is doing, at what pace, and whose it is.",
        ),
        Entry(
            "keywords",
            "keywords:keywords",
            "Words that are acted on, by meaning and locale, and the patterns that find a revocation in other words.",
        ),
        Entry(
            "keys",
            "keys:app",
            "API keys of those who report consent; the state folder has their hashes.",
        ),
    ),
    "One process at a time": (
        Entry("worker", "processes:worker", "Run one room's worker until SIGTERM."),
        Entry(
            "webhook",
            "processes:webhook",
            "Take the provider's signed callbacks and put them on Kafka.",
        ),
        Entry(
            "consents",
            "processes:consents",
            "Take consent from forms over HTTP, for callers with an API key.",
        ),
        Entry(
            "simulator",
            "processes:simulator",
            "Speak the provider's API on loopback, for trying things out: no text leaves the machine.",
        ),
        Entry("ledger", "processes:ledger", "Keep the ledger up with the topics."),
        Entry(
            "exporter",
            "processes:exporter",
            "Tell Prometheus of lag, of what waits, and of the books; on SAYSO_METRICS_PORT, or 9308.",
        ),
    ),
}
ENTRIES: Final = {entry.name: entry for panel in PANELS.values() for entry in panel}


class _Commands(dict[str, Any]):
    """`get` and `items` find a stand-in with a line of help, which is enough to list it; `[name]` the command."""

    def __init__(self) -> None:
        super().__init__(
            {
                entry.name: TyperCommand(entry.name, help=entry.help, rich_help_panel=panel)
                for panel, entries in PANELS.items()
                for entry in entries
            }
        )

    def __getitem__(self, name: str) -> Any:
        return load(ENTRIES[name])


class LazyGroup(TyperGroup):
    """The root of the command line: it imports the module of a command when that command is invoked."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _Commands()

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return name, self.commands[name] if name else command, rest


def load(entry: Entry) -> Any:
    """The command or group itself, as Click has it."""
    module, _, name = entry.target.partition(":")
    found = getattr(import_module(f"services.cli.{module}"), name)
    if isinstance(found, typer.Typer):
        app = found
    else:
        app = typer.Typer(add_completion=False, rich_markup_mode="rich")
        app.command(entry.name)(found)
    reflow(app)
    command = get_command(app)
    command.name = entry.name
    return command


def reflow(app: typer.Typer) -> None:
    """Help without the line ends of its docstring, which Typer would keep inside a narrower box."""
    for command in app.registered_commands:
        command.help = unwrap(command.help or inspect.getdoc(command.callback) or "")
    callback = app.registered_callback
    if callback is not None and callback.callback is not None:
        callback.help = unwrap(inspect.getdoc(callback.callback) or "")


def unwrap(doc: str) -> str:
    """One line for each paragraph."""
    return "\n\n".join(re.sub(r"\s+", " ", paragraph).strip() for paragraph in doc.split("\n\n"))
