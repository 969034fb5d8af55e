"""`sayso up`: the whole of Sayso on this machine, until Ctrl-C."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import options
from services.cli.refused import Refused

if TYPE_CHECKING:
    from services.local.stack import House, Wanted


def up(
    provider: Annotated[
        str, typer.Option(help="simulator: nothing leaves the machine; twilio: the real one.")
    ] = ("simulator"),
    ephemeral: Annotated[
        bool, typer.Option("--ephemeral", help="Throw the broker's data away at the end.")
    ] = False,
    partitions: Annotated[
        int | None,
        typer.Option(
            help="Of topics that are new: as many workers can share a room.",
            min=1,
            max=1000,
            show_default="1; 12 with --bootstrap",
        ),
    ] = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Start everything and keep it running; Ctrl-C stops it cleanly.

    Example: [cyan]sayso up[/], then in another terminal [cyan]sayso send -t harbor --to +12125550123 --body Hello[/]
    """
    from services.cli.input import one_of
    from services.cli.interrupt import until_interrupted
    from services.local.stack import Wanted

    one_of("--provider", provider, ("simulator", "twilio"))
    if provider == "twilio":
        _require("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "SAYSO_PUBLIC_URL")
    simulated = provider == "simulator"
    until_interrupted(
        _up(Wanted(state, bootstrap, ephemeral, simulated=simulated, partitions=partitions))
    )
    from services.cli.screen import note

    note(
        "Stopped. "
        + ("Its data is gone, as asked." if ephemeral else f"Its data is kept in {state}.")
    )


async def _up(wanted: Wanted) -> None:
    import asyncio

    from services.cli.screen import note
    from services.local.stack import house

    async with house(wanted, lambda sentence: note(f"· {sentence}")) as running:
        _print(running, wanted)
        while not (failure := running.failed()):  # noqa: ASYNC110 -- a process tells of its end only when asked
            await asyncio.sleep(1)
        raise Refused(failure, 1)


def _require(*names: str) -> None:
    import os

    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        raise Refused(f"--provider twilio needs {', '.join(missing)} in the environment")


def _print(running: House, wanted: Wanted) -> None:
    from services.cli.screen import console

    where = running.where
    more = options.same(wanted.state, wanted.bootstrap)
    screen = console()
    screen.print("[bold green]Sayso is up.[/] Ctrl-C stops it.")
    screen.print(f"  Kafka      {running.bootstrap}")
    screen.print(f"  webhook    {where.public_url}")
    screen.print(f"  consents   http://127.0.0.1:{where.consents_port} (keys: sayso keys add)")
    screen.print(
        f"  provider   {where.provider or 'Twilio'}" + (" (simulated)" if where.provider else "")
    )
    screen.print(f"  logs       {wanted.state / 'logs'}")
    screen.print("Try, in another terminal:")
    for command in (
        "consent in +12125550123 -t harbor --document intake-17.pdf --actor dana",
        'send -t harbor --to +12125550123 --body "Your documents are ready."',
        "tail outcomes --follow",
        "usage",
    ):
        screen.print(f"  [cyan]sayso {command}{more}[/]")
