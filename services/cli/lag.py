"""`sayso lag`: who is behind, by how much, and why."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from typing import Annotated, Any, Final

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from services.cli import options
from services.cli.connection import find_bootstrap, run_until_interrupted
from services.cli.progress_bar import progress_bar
from services.kafka.topics import MAIL_GROUP
from services.observability.lag_monitor import LagError, LagMonitor, list_read_topics
from services.observability.lag_report import LagLine, LagReport
from services.operations.errors import InvalidRequest, OperationFailed
from services.terminal import console, print_json, table

SAMPLES: Final = 5
"""Samples of the broker, a second apart, before anything is said."""
_STYLES: Final = {"OK": "green", "WARN": "yellow", "STALLED": "red", "STOPPED": "red"}


def lag(
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Continue until Ctrl-C.")] = False,
    every: Annotated[
        float, typer.Option(min=0.2, max=3600, help="Seconds between two samples.")
    ] = 1.0,
    room: Annotated[str | None, typer.Option(help="Only this processor.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", "-a", help="Also show partitions without a problem.")
    ] = False,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Show what each processor has still to read: records, seconds, rates and a verdict.

    Asks the broker, not the workers: so it shows a worker that is dead or stuck. A text that
    waits for consent, for the morning or for its turn is not lag: see sayso waiting. Exits 1 if
    anything is STALLED or STOPPED.

    Example: [cyan]sayso lag --watch[/]
    """
    worst: list[str] = []
    reports = _sample(find_bootstrap(bootstrap, state), room, every)
    if watch:
        run_until_interrupted(_print_all(reports, everything, as_json))
    elif run_until_interrupted(_print_one(reports, everything, as_json, worst)):
        raise typer.Exit(130)
    raise typer.Exit(1 if set(worst) & {"STALLED", "STOPPED"} else 0)


async def _sample(
    bootstrap: str, processor: str | None, every: float
) -> AsyncGenerator[LagReport, None]:
    try:
        async with LagMonitor(bootstrap, list_groups(processor), {MAIL_GROUP}) as watch:
            while True:
                found = await watch.take_sample()
                if not found.lines:
                    raise OperationFailed(
                        f"Kafka at {bootstrap} does not have our topics",
                        "run `sayso topics apply` first",
                    )
                yield found
                await asyncio.sleep(every)
    except LagError as error:
        raise OperationFailed(str(error)) from None


def list_groups(processor: str | None) -> dict[str, list[str]]:
    """A processor's consumer group, and the topics that it reads.  Raises InvalidRequest."""
    groups = list_read_topics()
    if processor is None:
        return groups
    names = [group.removeprefix("sayso.") for group in groups]
    if processor not in names:
        raise InvalidRequest(
            f"There is no processor {processor!r}", f"it is one of {', '.join(names)}"
        )
    return {f"sayso.{processor}": groups[f"sayso.{processor}"]}


async def _print_one(
    reports: AsyncGenerator[LagReport, None], everything: bool, as_json: bool, worst: list[str]
) -> None:
    """The last of a few samples: a verdict needs several."""
    try:
        with progress_bar("looking", SAMPLES) as on_progress:
            for sample in range(SAMPLES):
                found = await anext(reports)
                on_progress(sample + 1)
    finally:
        await reports.aclose()
    worst.append(found.worst)
    if as_json:
        print_json(_as_data(found))
    else:
        console().print(_draw(found, everything))


async def _print_all(
    reports: AsyncGenerator[LagReport, None], everything: bool, as_json: bool
) -> None:
    if as_json:
        async for found in reports:
            print_json(_as_data(found))
        return
    with Live(console=console(), auto_refresh=False) as live:
        async for found in reports:
            live.update(_draw(found, everything), refresh=True)


def _as_data(found: LagReport) -> dict[str, Any]:
    return {
        "at": found.at,
        "span": found.span,
        "worst": found.worst,
        "groups": found.states,
        "partitions": [line._asdict() for line in found.lines],
    }


def _draw(found: LagReport, everything: bool) -> RenderableType:
    shown = [line for line in found.lines if everything or line.lag]
    columns = (
        "group",
        "topic",
        "part#",
        "committed#",
        "end#",
        "lag#",
        "seconds#",
        "in/s#",
        "out/s#",
        "drained in#",
        "verdict",
        "because",
    )
    total = sum(line.lag for line in found.lines)
    foot = Text(
        f"{total:,} records to judge in {len(found.lines):,} partitions;"
        f" over {found.span:.0f} s: {found.worst}",
        style=_STYLES[found.worst],
    )
    rows = [*map(_cells, shown), *([] if everything else _rows_without_lag(found))]
    return Group(table("Lag", columns, rows), foot) if rows else Group(foot)


def _rows_without_lag(found: LagReport) -> list[tuple[Any, ...]]:
    """Partitions with nothing to judge where all is not well: a line for all of a group's that have
    one cause."""
    bad = [line for line in found.lines if not line.lag and line.verdict != "OK"]
    counts = Counter((line.group, line.verdict, line.cause) for line in bad)
    return [
        (group, f"{count} partitions", *[""] * 8, Text(verdict, _STYLES[verdict]), cause)
        for (group, verdict, cause), count in counts.items()
    ]


def _cells(line: LagLine) -> tuple[Any, ...]:
    return (
        line.group,
        line.topic,
        line.partition,
        "never" if line.committed is None else line.committed,
        line.end,
        line.lag,
        f"{line.seconds:.1f}",
        f"{line.incoming:.1f}",
        f"{line.outgoing:.1f}",
        _format_drain(line.drain),
        Text(line.verdict, style=_STYLES[line.verdict]),
        line.cause,
    )


def _format_drain(seconds: float | None) -> str:
    if seconds is None:
        return "never"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
