"""`sayso topics`: what is declared, and what the broker has of it."""

from __future__ import annotations

from typing import Annotated

import typer

from services.cli import options

app = typer.Typer(help="The topics: declared once, created here.", no_args_is_help=True)


@app.command("list")
def show(
    bootstrap: options.Bootstrap = None, state: options.State = options.STATE, as_json: options.Json = False
) -> None:
    """Every topic: what it carries, how long it is kept, what the broker has of it.

    Example: [cyan]sayso topics list[/]
    """
    from schemas.topics import TOPICS
    from services.cli.kafka import bootstrap_of, run
    from services.cli.screen import console, print_json, table

    found = run(_offsets(bootstrap_of(bootstrap, state)))
    rows = [
        {"topic": topic.name, "partitions": len(found.get(topic.name, ())), "offsets": sum(found.get(topic.name, ())),
         "kept": "for ever" if topic.keep is None else f"{topic.keep.days} d", "compacted": topic.compacted,
         "about": topic.about}
        for topic in TOPICS
    ]  # fmt: skip
    if as_json:
        print_json(rows)
        return
    lines = [
        (row["topic"], row["partitions"] or "missing", row["offsets"],
         "last of each key" if row["compacted"] else row["kept"], row["about"])
        for row in rows
    ]  # fmt: skip
    console().print(table("Topics", ("topic", "partitions#", "offsets#", "kept", ""), lines))


@app.command()
def apply(
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    partitions: Annotated[int | None, typer.Option(help="Of each topic.", min=1, max=1000)] = None,
    replication: Annotated[int | None, typer.Option(help="Copies of each record.", min=1, max=9)] = None,
) -> None:
    """Create what is missing and set what differs; deletes nothing.

    Unless said otherwise: 4 partitions on the embedded broker; elsewhere 12, and 3 replicas if there are 3 brokers.

    Example: [cyan]sayso topics apply --bootstrap kafka-1:9092 --partitions 12 --replication 3[/]
    """
    from services.broker import BrokerError
    from services.broker.topics import Change
    from services.broker.topics import apply as put
    from services.cli.cluster import usual
    from services.cli.kafka import bootstrap_of, run
    from services.cli.refused import Refused
    from services.cli.screen import console

    where = bootstrap_of(bootstrap, state)

    async def work() -> list[Change]:
        layout = await usual(where, embedded=bootstrap is None)
        return await put(
            where, partitions=partitions or layout.partitions, replication=replication or layout.replication
        )

    try:
        changes = run(work())
    except BrokerError as error:
        raise Refused(str(error), 1) from None
    for change in changes:
        console().print(f"{change.topic}: {change.did}: {change.what}")
    console().print(f"{len(changes)} changes at {where}." if changes else f"The topics at {where} are as declared.")


async def _offsets(bootstrap: str) -> dict[str, list[int]]:
    """How far each partition has grown since it was made or last trimmed."""
    from services.ledger.source import reading

    found: dict[str, list[int]] = {}
    async with reading(bootstrap) as source:
        starts, ends = await source.starts(), await source.ends()
        for place, end in ends.items():
            found.setdefault(place.topic, []).append(end - starts[place])
    return found
