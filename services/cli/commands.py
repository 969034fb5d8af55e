"""Every command: its name, where it is, and its line of help.

`sayso --help` prints this table without importing any command.  A test holds each line equal to the
docstring of its command.  Modules are named here alone, and imported when their command is invoked
or its own help is asked for."""

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
            "Text fictional people who said yes, no, STOP or nothing; show and prove the result.",
        ),
        Entry(
            "up", "processes:up", "Start everything and keep it running; Ctrl-C stops it cleanly."
        ),
    ),
    "Send and look up": (
        Entry("send", "send:send", "Ask for a text. The gate decides whether it goes out."),
        Entry(
            "cancel",
            "send:cancel",
            "Cancel a text that has not been sent: it waits at the gate or in a sender's queue.",
        ),
        Entry(
            "doubt",
            "in_doubt:app",
            "Texts in doubt: nobody knows whether they were sent. List, resend or drop them.",
        ),
        Entry(
            "case",
            "case:app",
            "Cases: their parties, tasks and events, and what each of them will be texted.",
        ),
        Entry("consent", "consent:app", "Who opted in, who opted out, and the proof."),
        Entry(
            "text",
            "text:text",
            "Text one party of a case by hand, at the number tied to them. Consent applies as"
            " always.",
        ),
        Entry(
            "inbox",
            "inbox:inbox",
            "Show who waits for an answer, the longest first. Looking at it changes nothing.",
        ),
        Entry(
            "thread",
            "thread:thread",
            "Show a conversation, everything in one order; or record what you did about it.",
        ),
        Entry("people", "people:app", "People, and the numbers that we text them at."),
        Entry(
            "number",
            "people:number",
            "Show what is on record of a number: on or off, landline, unreachable; and since when.",
        ),
        Entry(
            "tail",
            "topics:tail",
            "Show the last records of a topic; numbers and texts are masked unless you ask.",
        ),
        Entry(
            "explain",
            "explain:explain",
            "Show the life of one message: what to do now, then each step with its place on Kafka.",
        ),
        Entry(
            "usage",
            "usage:usage",
            "Show the usage report, its cost, and whether all adds up; or list each message.",
        ),
        Entry("codes", "codes:codes", "Explain error codes: causes, what to do, and who must act."),
        Entry(
            "alerts",
            "mailbox:alerts",
            "Show what is at stake because a text did not arrive; the most urgent first.",
        ),
        Entry(
            "mail",
            "mail:mail",
            "List the mails to staff that were caught instead of sent, newest first; or show one.",
        ),
        Entry(
            "escalate",
            "explain:escalate",
            "Make a bundle for support: timeline, findings, attempts, receipts, error codes.",
        ),
    ),
    "Approve and repair": (
        Entry(
            "box",
            "mailbox:box",
            "Show a mailbox: ready (to approve), outbox (not sent), sentbox, failed, or to-read.",
        ),
        Entry(
            "approve",
            "approve:approve",
            "Approve texts that wait: those you name, or all that match. Other rules still apply.",
        ),
        Entry(
            "reject",
            "approve:reject",
            "Reject texts that wait: those you name, or all that match. They are never sent.",
        ),
        Entry(
            "send-now",
            "resend:send_now",
            "Evaluate texts that wait once more, and resend those that failed.",
        ),
        Entry(
            "resend",
            "resend:resend",
            "Resend a text that was sent, failed or was refused, as a new request.",
        ),
        Entry(
            "dismiss",
            "resend:dismiss",
            "Take failed texts off the lists; what became of them stays on record.",
        ),
        Entry(
            "test",
            "send:send_test",
            "Send a test text to a person, to find out whether they can be reached.",
        ),
    ),
    "Watch it": (
        Entry(
            "lag",
            "lag:lag",
            "Show what each processor has still to read: records, seconds, rates and a verdict.",
        ),
        Entry(
            "waiting",
            "waiting:waiting",
            "Show what waits and why: consent, approval, the hour, a sender's queue, a provider.",
        ),
        Entry(
            "balance",
            "waiting:balance",
            "Reconcile by hour: requested = waiting + not sent + refused + out; name the missing.",
        ),
        Entry("dlq", "dead_letters:app", "Dead letters: list, mend, replay or drop them."),
    ),
    "Set it up": (
        Entry(
            "topics",
            "topics:app",
            "The topics: list them, create them, and print the rights that services need.",
        ),
        Entry("tenants", "tenants:app", "Tenants and their settings, as every worker reads them."),
        Entry(
            "templates",
            "templates:app",
            "Templates of a tenant: what each says, and what it said before.",
        ),
        Entry(
            "senders",
            "senders:app",
            "Show each sender: its state, pace, queue, calls in flight and last error.",
        ),
        Entry(
            "keywords",
            "keywords:keywords",
            "List the words that we act on, and the patterns for a STOP in other words.",
        ),
        Entry(
            "keys",
            "keys:app",
            "API keys of programs. Only their hashes are stored.",
        ),
        Entry(
            "users",
            "users:app",
            "Who may sign in to the console, and what they may do there.",
        ),
    ),
    "One process at a time": (
        Entry("worker", "processes:worker", "Run one processor's worker until SIGTERM."),
        Entry(
            "webhook",
            "processes:webhook",
            "Take the provider's signed callbacks and put them on Kafka.",
        ),
        Entry(
            "consents",
            "processes:consents",
            "The same as console, which takes consents from forms.",
        ),
        Entry("console", "processes:console_pages", "Serve the pages for staff and the HTTP API."),
        Entry(
            "simulator",
            "processes:simulator",
            "Speak the provider's API on loopback, for trials: no text leaves the machine.",
        ),
        Entry("ledger", "processes:ledger", "Keep the ledger up to date with the topics."),
        Entry("notify", "processes:notify", "Mail staff about replies."),
        Entry(
            "event-webhooks",
            "event_webhooks:app",
            "Deliver events to tenants' endpoints, or manage the endpoints.",
        ),
        Entry(
            "exporter",
            "processes:exporter",
            "Export lag, waiting texts and reconciliation to Prometheus.",
        ),
    ),
}
ENTRIES: Final = {entry.name: entry for panel in PANELS.values() for entry in panel}


class _Commands(dict[str, Any]):
    """`get` and `items` find a stand-in with a line of help, which is enough to list it; `[name]`
    the command."""

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
    """The root of the command line: it imports the module of a command when that command is
    invoked."""

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
    for group in app.registered_groups:
        if group.typer_instance is not None:
            reflow(group.typer_instance)
    callback = app.registered_callback
    if callback is not None and callback.callback is not None:
        callback.help = unwrap(inspect.getdoc(callback.callback) or "")


def unwrap(doc: str) -> str:
    """One line for each paragraph."""
    return "\n\n".join(re.sub(r"\s+", " ", paragraph).strip() for paragraph in doc.split("\n\n"))
