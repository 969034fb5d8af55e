"""`sayso demo`: the main job on fictional people, with books that balance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import options, places
from services.cli.refused import Refused

if TYPE_CHECKING:
    from services.local.demo.run import Plan, Ran


def demo(
    requests: Annotated[
        int, typer.Option(min=30, max=20_000, help="How many texts are asked for.")
    ] = 400,
    seed: Annotated[int, typer.Option(help="Another seed: other people, other texts.")] = 7,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave everything running until Ctrl-C.")
    ] = False,
    simulator: Annotated[
        str | None,
        typer.Option(
            parser=places.server,
            envvar="SAYSO_SIMULATOR_URL",
            metavar="URL",
            show_default=False,
            help="Be the guest of a house that runs on --bootstrap and texts through this simulator.",
        ),
    ] = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Texts for people who said yes, no, STOP or nothing; what became of each; and the proof.

    Exits 0 only if the books balance to the message and agree with the provider's own journal.

    Example: [cyan]sayso demo --requests 1000 --seed 3[/]
    """
    from services.cli.interrupt import until_interrupted

    if simulator and not bootstrap:
        raise Refused("Give --bootstrap too: the Kafka of the house whose simulator that is")
    ended: list[bool] = []
    plan = _plan(requests, seed, bootstrap, state / "demo")
    interrupted = until_interrupted(_demo(plan, simulator, keep, as_json, ended))
    if interrupted and not ended:
        raise typer.Exit(130)
    raise typer.Exit(0 if ended == [True] else 1)


def _plan(requests: int, seed: int, bootstrap: str | None, state: Path) -> Plan:
    """On somebody's Kafka the tenant, the sender and the messages are this run's own."""
    import secrets
    from datetime import UTC, datetime

    from schemas.sender import Sender
    from schemas.tenant_settings import TenantSettings
    from services.cli.declared import read
    from services.local.demo.cast import cast
    from services.local.demo.run import Plan
    from services.local.demo.sample import SAMPLE

    run = f"demo-{secrets.token_hex(3)}" if bootstrap else "demo"
    tenant, sender = read(SAMPLE, "tenants", TenantSettings)[0], read(SAMPLE, "senders", Sender)[0]
    own = None
    if bootstrap:
        code = str(secrets.randbelow(800_000) + 100_000)
        own = (
            tenant.model_copy(update={"tenant": run, "sender": code}),
            sender.model_copy(update={"sender": code, "owner": run}),
        )
    name = run if bootstrap else tenant.tenant
    return Plan(
        cast(requests, seed, name, run, datetime.now(UTC)), name, state, bootstrap, seed, own, run
    )


async def _demo(
    plan: Plan, simulator: str | None, keep: bool, as_json: bool, ended: list[bool]
) -> None:
    import asyncio

    from services.cli.progress import progress
    from services.cli.screen import note
    from services.local.demo.run import opened, run
    from services.local.demo.visit import visited

    def say(sentence: str) -> None:
        note(f"· {sentence}")

    where = (
        visited(plan, plan.bootstrap, simulator, say)
        if plan.bootstrap and simulator
        else opened(plan, say)
    )
    async with where as scene:
        note(
            f"· asking for {len(plan.asked.identities):,} texts to {len(plan.asked.people):,} people"
        )
        with progress() as show:
            ran = await run(plan, scene.bootstrap, scene.ledger, show)
        ended.append(_tell(plan, ran, scene.ledger, await scene.journal(), as_json))
        if keep:
            note("Everything goes on running, as asked; Ctrl-C stops it.")
            await asyncio.Event().wait()


def _tell(plan: Plan, ran: Ran, ledger: object, journal: Path, as_json: bool) -> bool:
    from services.cli.screen import console, print_json
    from services.ledger import Ledger
    from services.ledger.usage import Filter, usage
    from services.local.demo.checks import checks
    from services.local.demo.fates import fates
    from services.local.demo.mended import mended
    from services.local.demo.report import Report, data, show

    assert isinstance(ledger, Ledger)
    checked = checks(ledger, journal, plan.asked, plan.tenant, ran.staff)
    did = list(mended(ledger, plan.tenant, ran.staff))
    told = Report(ran, usage(ledger, Filter(plan.tenant)), fates(ledger, plan.tenant), did, checked)
    if as_json:
        print_json(data(told))
    else:
        show(console(), told, plan.state)
    return told.ok
