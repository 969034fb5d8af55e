"""`sayso up`, and each process that it starts, for those who bring their own supervisor."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from schemas.topics import PROCESSOR_NAMES
from services.cli import options
from services.cli.connection import find_bootstrap, run_until_interrupted
from services.cli.users import make_first_link
from services.ledger.location import locate_in
from services.local.broker import find_running
from services.local.stack import Stack, StackOptions, run_stack
from services.operations.errors import InvalidRequest, OperationFailed
from services.operations.validation import require_one_of
from services.settings import SECRETS, from_environment
from services.terminal import console, markup, note

NOWHERE: Final = "127.0.0.1:1"
"""Where no Kafka is."""
TWILIO: Final = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "SAYSO_PUBLIC_URL")


def up(
    provider: Annotated[
        str, typer.Option(help="simulator: nothing leaves the machine; twilio: the real one.")
    ] = ("simulator"),
    ephemeral: Annotated[
        bool, typer.Option("--ephemeral", help="Delete the broker's data at the end.")
    ] = False,
    partitions: Annotated[
        int | None,
        typer.Option(
            help="Partitions of new topics: at most so many workers can share a processor.",
            min=1,
            max=1000,
            show_default="1; 12 with --bootstrap",
        ),
    ] = None,
    brokers: Annotated[
        int | None,
        typer.Option(
            help="Kafka brokers on this machine. Of 3, one may end without harm.",
            min=1,
            max=9,
            show_default="as before, or 1",
        ),
    ] = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Start everything and keep it running; Ctrl-C stops it cleanly.

    Example: [cyan]sayso up[/], then in another terminal
    [cyan]sayso send -t harbor --to +12125550123 --body Hello[/]
    """
    require_one_of("--provider", provider, ("simulator", "twilio"))
    missing = [name for name in TWILIO if not _is_given(name)]
    if provider == "twilio" and missing:
        raise InvalidRequest(f"--provider twilio needs {', '.join(missing)} in the environment")
    if brokers and bootstrap:
        raise InvalidRequest("--bootstrap names a Kafka that runs", "leave --brokers out")
    wanted = StackOptions(
        state,
        bootstrap,
        ephemeral,
        simulated=provider == "simulator",
        partitions=partitions,
        brokers=brokers,
    )
    run_until_interrupted(_up(wanted))
    end = "Its data is gone, as asked." if ephemeral else f"Its data is kept in {state}."
    note(f"Stopped. {end}")


def _is_given(name: str) -> bool:
    return any(os.environ.get(one) for one in (name, SECRETS.get(name, name)))


async def _up(wanted: StackOptions) -> None:
    async with run_stack(wanted, lambda sentence: note(f"· {sentence}")) as stack:
        _print_addresses(stack, wanted)
        while not (failure := stack.broker_failure()):  # noqa: ASYNC110 -- a process tells of its end only when asked
            await asyncio.sleep(1)
        raise OperationFailed(failure)


def _print_addresses(stack: Stack, wanted: StackOptions) -> None:
    where = stack.addresses
    more = options.repeat_options(wanted.state, wanted.bootstrap)
    provider = f"{where.provider} (simulated)" if where.provider else "Twilio"
    screen = console()
    screen.print(markup("[bold green]Sayso is up.[/] Ctrl-C stops it."))
    screen.print(f"  Kafka      {stack.bootstrap}")
    screen.print(f"  webhook    {where.public_url}")
    screen.print(f"  API        http://127.0.0.1:{where.console_port}/v1 (keys: sayso keys add)")
    screen.print(f"  console    {make_first_link(wanted.state, where.console_port)}")
    screen.print(f"  provider   {provider}")
    if where.mail_port:
        screen.print("  mails      caught, not sent: sayso mail")
    screen.print(f"  logs       {wanted.state / 'logs'}")
    screen.print("Try, in another terminal:")
    for command in (
        "consent in +12125550123 -t harbor --document intake-17.pdf --actor dana",
        'send -t harbor --to +12125550123 --body "Your documents are ready."',
        "tail outcomes --follow",
        "usage",
    ):
        screen.print(f"  sayso {command}{more}", style="cyan")


def worker(
    room: Annotated[str, typer.Argument(metavar="PROCESSOR", help=", ".join(PROCESSOR_NAMES))],
    instance: Annotated[
        str | None, typer.Option(help="A stable name: a restart then keeps its partitions.")
    ] = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Run one processor's worker until SIGTERM.

    Example: [cyan]sayso worker gate --bootstrap kafka-1:9092[/]
    """
    if room not in PROCESSOR_NAMES:
        raise InvalidRequest(
            f"There is no processor {room!r}", f"it is one of {', '.join(PROCESSOR_NAMES)}"
        )
    arguments = ("--instance", instance) if instance else ()
    become("services.workers", bootstrap, state, room, *arguments)


def webhook(bootstrap: options.Bootstrap = None, state: options.State = options.STATE) -> None:
    """Take the provider's signed callbacks and put them on Kafka.

    Example:
    [cyan]SAYSO_PUBLIC_URL=https://sms.example.com sayso webhook --bootstrap kafka-1:9092[/]
    """
    become("services.webhook", bootstrap, state)


def simulator(state: options.State = options.STATE) -> None:
    """Speak the provider's API on loopback, for trials: no text leaves the machine.

    Example: [cyan]sayso simulator[/]
    """
    become("services.local.simulator", None, state, kafka=False)


def consents(bootstrap: options.Bootstrap = None, state: options.State = options.STATE) -> None:
    """The same as console, which takes consents from forms.

    Example: [cyan]sayso consents[/]
    """
    note("The console takes consents from forms now: this is `sayso console`.")
    become("services.console", bootstrap, state)


def console_pages(
    bootstrap: options.Bootstrap = None, state: options.State = options.STATE
) -> None:
    """Serve the pages for staff and the HTTP API.

    Without a broker the pages show what the ledger holds, and nothing can be done there.

    Example: [cyan]sayso console --bootstrap kafka-1:9092[/]
    """
    where = bootstrap or find_running(state)
    if where is None:
        if not locate_in(state).exists():
            find_bootstrap(None, state)  # raises, and says what to do
        note("No broker is running: pages show the ledger as it was left, and nothing can be done.")
    note(f"Sign in at {make_first_link(state, from_environment().console_port)}")
    become("services.console", where or NOWHERE, state)


def ledger(bootstrap: options.Bootstrap = None, state: options.State = options.STATE) -> None:
    """Keep the ledger up to date with the topics.

    Example: [cyan]sayso ledger[/]
    """
    become("services.ledger", bootstrap, state)


def notify(bootstrap: options.Bootstrap = None, state: options.State = options.STATE) -> None:
    """Mail staff about replies.

    SAYSO_SMTP_URL names the mail server, SAYSO_MAIL_FROM our address.

    Example: [cyan]sayso notify --bootstrap kafka-1:9092[/]
    """
    become("services.notify", bootstrap, state)


def exporter(bootstrap: options.Bootstrap = None, state: options.State = options.STATE) -> None:
    """Export lag, waiting texts and reconciliation to Prometheus.

    The port is SAYSO_METRICS_PORT, or 9308.

    Example: [cyan]sayso exporter[/]
    """
    become("services.observability", bootstrap, state)


def become(
    module: str, bootstrap: str | None, state: Path, *arguments: str, kafka: bool = True
) -> None:
    """This process goes on as that one: signals and exit codes are its own."""
    settings = {"SAYSO_STATE": str(state)}
    if kafka:
        settings["SAYSO_BOOTSTRAP"] = bootstrap or find_bootstrap(bootstrap, state)
    command = [sys.executable, "-m", module, *arguments]
    os.execve(sys.executable, command, {**os.environ, **settings})
