"""`sayso topics`: what is declared, and what the broker has of it."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from services.cli import options

app = typer.Typer(help="The topics: declared once, created here.", no_args_is_help=True)


@app.command("list")
def show(
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Every topic: what it carries, how long it is kept, what the broker has of it.

    Example: [cyan]sayso topics list[/]
    """
    from schemas.topics import TOPICS
    from services.cli.kafka import bootstrap_of, run
    from services.cli.screen import console, print_json, table

    found = run(_offsets(bootstrap_of(bootstrap, state)))
    rows = [
        {
            "topic": topic.name,
            "partitions": len(found.get(topic.name, ())),
            "offsets": sum(found.get(topic.name, ())),
            "kept": "for ever" if topic.keep is None else f"{topic.keep.days} d",
            "compacted": topic.compacted,
            "about": topic.about,
        }
        for topic in TOPICS
    ]
    if as_json:
        print_json(rows)
        return
    lines = [
        (
            row["topic"],
            row["partitions"] or "missing",
            row["offsets"],
            "last of each key" if row["compacted"] else row["kept"],
            row["about"],
        )
        for row in rows
    ]
    console().print(table("Topics", ("topic", "partitions#", "offsets#", "kept", ""), lines))


@app.command()
def apply(
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    partitions: Annotated[int | None, typer.Option(help="Of each topic.", min=1, max=1000)] = None,
    replication: Annotated[
        int | None, typer.Option(help="Copies of each record.", min=1, max=9)
    ] = None,
) -> None:
    """Create what is missing and set what differs; deletes nothing.

    Unless said otherwise: as many partitions as our topics there have, else 1 on the embedded broker and 12 elsewhere;
    3 replicas if there are 3 brokers.

    Example: [cyan]sayso topics apply --bootstrap kafka-1:9092 --partitions 12 --replication 3[/]
    """
    from services.cli.bar import waiting_for
    from services.cli.cluster import usual
    from services.cli.kafka import bootstrap_of, run
    from services.cli.refused import Refused
    from services.cli.screen import console
    from services.kafka.topics import Change
    from services.kafka.topics import apply as put
    from services.local.broker import BrokerError

    where = bootstrap_of(bootstrap, state)

    async def work() -> list[Change]:
        layout = await usual(where, embedded=bootstrap is None, partitions=partitions)
        return await put(
            where, partitions=layout.partitions, replication=replication or layout.replication
        )

    try:
        with waiting_for("creating topics"):
            changes = run(work())
    except BrokerError as error:
        raise Refused(str(error), 1) from None
    for change in changes:
        console().print(f"{change.topic}: {change.did}: {change.what}")
    console().print(
        f"{len(changes)} changes at {where}."
        if changes
        else f"The topics at {where} are as declared."
    )


@app.command("acls")
def show_acls(
    user_prefix: Annotated[
        str,
        typer.Option(
            metavar="PREFIX", help="A service's user is called as the service is, after this."
        ),
    ] = "sayso-",
    put: Annotated[
        bool, typer.Option("--apply", help="Tell the Kafka itself, as a user who may.")
    ] = False,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """What Kafka must allow each service, and nothing more: commands for Kafka's own kafka-acls.sh.

    Example: [cyan]sayso topics acls --user-prefix sms-[/]
    """
    from services.cli.kafka import bootstrap_of, run
    from services.cli.refused import Refused
    from services.cli.screen import note, print_json
    from services.kafka.acls import acls, allow, commands
    from services.kafka.admin import admin
    from services.local.broker import BrokerError

    if not re.fullmatch(r"[\w.-]*", user_prefix, re.ASCII):
        raise Refused(
            f"A user's name has letters, digits, dots, dashes and underscores: not {user_prefix!r}"
        )
    wanted = acls(user_prefix)
    if put:
        where = bootstrap_of(bootstrap, state)

        async def work() -> None:
            async with admin(where) as client:
                await allow(client, wanted)

        try:
            run(work())
        except BrokerError as error:
            raise Refused(str(error), 1) from None
        note(
            f"{len(wanted)} rights of {len({acl.user for acl in wanted})} users are given at {where}; none was taken."
        )
    elif as_json:
        for acl in wanted:
            print_json(
                {
                    "user": acl.user,
                    "resource": acl.kind.name.lower(),
                    "name": acl.name,
                    "pattern": acl.pattern.name.lower(),
                    "operation": acl.operation.name.lower(),
                }
            )
    else:
        for line in commands(wanted):
            print(f"kafka-acls.sh --bootstrap-server $KAFKA --command-config $ADMIN {line}")


async def _offsets(bootstrap: str) -> dict[str, list[int]]:
    """How far each partition has grown since it was made or last trimmed."""
    from services.ledger.source import reading

    found: dict[str, list[int]] = {}
    async with reading(bootstrap) as source:
        starts, ends = await source.starts(), await source.ends()
        for place, end in ends.items():
            found.setdefault(place.topic, []).append(end - starts[place])
    return found
