"""`sayso lag`: who is behind, by how much, and why."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli import options

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rich.console import RenderableType

    from services.observability.lag import Line, Report

SAMPLES = 5
"""Looks at the broker, a second apart, before anything is said."""
_STYLES = {"OK": "green", "WARN": "yellow", "STALLED": "red", "STOPPED": "red"}


def lag(
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on until Ctrl-C.")] = False,
    every: Annotated[
        float, typer.Option(min=0.2, max=3600, help="Seconds between two looks.")
    ] = 1.0,
    room: Annotated[str | None, typer.Option(help="Of this room only.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", "-a", help="Also partitions where all is well.")
    ] = False,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """What each room has still to judge: records, seconds, rates, time to drain, and a verdict over a few looks.

    Asks the broker, not the workers: one that is dead or stuck shows. What waits for consent, a morning or its turn is
    not lag: see sayso waiting. Exits 1 if anything is STALLED or STOPPED.

    Example: [cyan]sayso lag --watch[/]
    """
    from services.cli.interrupt import until_interrupted
    from services.cli.kafka import bootstrap_of

    worst: list[str] = []
    asked = _looks(bootstrap_of(bootstrap, state), room, every)
    show = (
        _watched(asked, everything, as_json) if watch else _once(asked, everything, as_json, worst)
    )
    if until_interrupted(show) and not watch:
        raise typer.Exit(130)
    raise typer.Exit(1 if set(worst) & {"STALLED", "STOPPED"} else 0)


async def _looks(bootstrap: str, room: str | None, every: float) -> AsyncIterator[Report]:
    import asyncio

    from services.cli.refused import Refused
    from services.observability.lag import Watch
    from services.observability.lag.watch import LagError

    try:
        async with Watch(bootstrap, groups(room)) as watch:
            while True:
                found = await watch.look()
                if not found.lines:
                    raise Refused(
                        f"Kafka at {bootstrap} does not have our topics: run `sayso topics apply` first",
                        1,
                    )
                yield found
                await asyncio.sleep(every)
    except LagError as error:
        raise Refused(str(error), 1) from None


def groups(room: str | None) -> dict[str, list[str]]:
    """A room's group, and what it reads.  Raises Refused."""
    from services.cli.refused import Refused
    from streams.topology import PROCESSORS

    if room is not None and room not in PROCESSORS:
        raise Refused(f"There is no room {room!r}: it is one of {', '.join(PROCESSORS)}")
    wanted = PROCESSORS.values() if room is None else [PROCESSORS[room]]
    return {f"sayso.{one.name}": [topic.name for topic in one.inputs] for one in wanted}


async def _once(
    looks: AsyncIterator[Report], everything: bool, as_json: bool, worst: list[str]
) -> None:
    from services.cli.bar import bar
    from services.cli.screen import console, print_json

    try:
        with bar("looking", SAMPLES) as moved:
            for look in range(SAMPLES):
                found = await anext(looks)
                moved(look + 1)
    finally:
        await looks.aclose()  # type: ignore[attr-defined]
    worst.append(found.worst)
    if as_json:
        print_json(as_data(found))
    else:
        console().print(_screen(found, everything))


async def _watched(looks: AsyncIterator[Report], everything: bool, as_json: bool) -> None:
    from rich.live import Live

    from services.cli.screen import console, print_json

    if as_json:
        async for found in looks:
            print_json(as_data(found))
        return
    with Live(console=console(), auto_refresh=False) as live:
        async for found in looks:
            live.update(_screen(found, everything), refresh=True)


def as_data(found: Report) -> dict[str, Any]:
    return {
        "at": found.at,
        "span": found.span,
        "worst": found.worst,
        "groups": found.states,
        "partitions": [line._asdict() for line in found.lines],
    }


def _screen(found: Report, everything: bool) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    from services.cli.screen import table

    shown = [line for line in found.lines if everything or line.lag]
    quiet = {} if everything else _without_lag(found)
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
    says = f"{total:,} records to judge in {len(found.lines):,} partitions; over {found.span:.0f} s: {found.worst}"
    foot = Text(says, style=_STYLES[found.worst])
    rows = [*map(_cells, shown), *quiet.values()]
    return Group(table("Lag", columns, rows), foot) if rows else Group(foot)


def _without_lag(found: Report) -> dict[tuple[str, str, str], tuple[Any, ...]]:
    """Partitions with nothing to judge where all is not well: a line for all of a group's that have one cause."""
    from rich.text import Text

    bad = [line for line in found.lines if not line.lag and line.verdict != "OK"]
    alike = Counter((line.group, line.verdict, line.cause) for line in bad)
    return {
        (group, word, cause): (
            group,
            f"{count} partitions",
            *[""] * 4,
            *[""] * 4,
            Text(word, _STYLES[word]),
            cause,
        )
        for (group, word, cause), count in alike.items()
    }


def _cells(line: Line) -> tuple[Any, ...]:
    from rich.text import Text

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
        _drained(line.drain),
        Text(line.verdict, style=_STYLES[line.verdict]),
        line.cause,
    )


def _drained(seconds: float | None) -> str:
    return (
        "never"
        if seconds is None
        else f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
    )
