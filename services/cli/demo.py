"""`sayso demo`: the main job on fictional people, with counts that must agree."""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Group
from rich.live import Live
from rich.spinner import Spinner

from schemas.sender import Sender
from schemas.tenant_settings import TenantSettings
from services.cli import options
from services.cli.connection import run_until_interrupted
from services.local.demo.counters import Counters
from services.local.demo.fixtures import build_fixtures
from services.local.demo.report import build_report, print_report
from services.local.demo.run import Plan, RunResult, Scene, Show, open_local, open_remote, run
from services.local.stack import SAMPLE
from services.operations.errors import InvalidRequest
from services.operations.yaml_settings import read_settings
from services.terminal import console, error_console, note, print_json

LINE_EVERY: Final = 2.0
"""Seconds between lines where there is no terminal."""


def demo(
    requests: Annotated[
        int, typer.Option(min=30, max=20_000, help="Number of texts to request.")
    ] = 400,
    seed: Annotated[int, typer.Option(help="Chooses the people and texts.")] = 7,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep everything running until Ctrl-C.")
    ] = False,
    simulator: Annotated[
        str | None,
        typer.Option(
            parser=options.parse_url,
            envvar="SAYSO_SIMULATOR_URL",
            metavar="URL",
            show_default=False,
            help="Use the stack that runs on --bootstrap and texts through this simulator.",
        ),
    ] = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Text fictional people who said yes, no, STOP or nothing; show and prove the result.

    Exits 0 only if every message is accounted for and the provider's own journal agrees.

    Example: [cyan]sayso demo --requests 1000 --seed 3[/]
    """
    if simulator and not bootstrap:
        raise InvalidRequest(
            "Give --bootstrap too", "the Kafka of the stack whose simulator that is"
        )
    results: list[bool] = []
    plan = _plan(requests, seed, bootstrap, state / "demo")
    is_interrupted = run_until_interrupted(_demo(plan, simulator, keep, as_json, results))
    if is_interrupted and not results:
        raise typer.Exit(130)
    raise typer.Exit(0 if results == [True] else 1)


def _plan(requests: int, seed: int, bootstrap: str | None, state: Path) -> Plan:
    """On somebody's Kafka the tenant, the sender and the messages are this run's own."""
    now = datetime.now(UTC)
    tenant = read_settings(SAMPLE, "tenants", TenantSettings)[0]
    if bootstrap is None:
        fixtures = build_fixtures(requests, seed, tenant.tenant, "demo", now)
        return Plan(fixtures, tenant.tenant, tenant.time_zone, state, None, seed, None, "demo")
    sender = read_settings(SAMPLE, "senders", Sender)[0]
    name = f"demo-{secrets.token_hex(3)}"
    code = str(secrets.randbelow(800_000) + 100_000)
    own = (
        tenant.model_copy(update={"tenant": name, "sender": code}),
        sender.model_copy(update={"sender": code, "owner": name}),
    )
    fixtures = build_fixtures(requests, seed, name, name, now)
    return Plan(fixtures, name, tenant.time_zone, state, bootstrap, seed, own, name)


async def _demo(
    plan: Plan, simulator: str | None, keep: bool, as_json: bool, results: list[bool]
) -> None:
    def say(sentence: str) -> None:
        note(f"· {sentence}")

    if plan.bootstrap and simulator:
        where = open_remote(plan, plan.bootstrap, simulator, say)
    else:
        where = open_local(plan, say)
    async with where as scene:
        fixtures = plan.fixtures
        note(f"· asking for {len(fixtures.identities):,} texts to {len(fixtures.people):,} people")
        with _show_counts() as show_counts:
            result = await run(plan, scene, show_counts)
        results.append(await _print_report(plan, result, scene, as_json))
        if keep:
            note("Everything goes on running, as asked; Ctrl-C stops it.")
            await asyncio.Event().wait()


async def _print_report(plan: Plan, result: RunResult, scene: Scene, as_json: bool) -> bool:
    """Whether all is as it should be."""
    report = build_report(plan, result, scene, await scene.fetch_journal())
    if as_json:
        print_json(report.as_data())
    else:
        print_report(console(), report, plan.state)
    return report.ok


@contextmanager
def _show_counts() -> Iterator[Show]:
    """One table that changes on a terminal, a line now and then elsewhere; on stderr, so that the
    report can be piped."""
    if not sys.stderr.isatty():
        yield _print_lines()
        return
    spinner = Spinner("dots")
    with Live(spinner, console=error_console(), refresh_per_second=8) as live:

        def show_table(now: Counters, doing: str) -> None:
            spinner.update(text=doing)
            live.update(now.table() if doing == "done" else Group(now.table(), spinner))

        yield show_table


def _print_lines() -> Show:
    last = 0.0

    def show_line(now: Counters, doing: str) -> None:
        nonlocal last
        if doing == "done" or time.monotonic() - last >= LINE_EVERY:
            last = time.monotonic()
            print(f"  {now.line()}", file=sys.stderr, flush=True)

    return show_line
