"""`sayso topics` and `sayso tail`: the topics, their settings on the broker, and their records."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from aiokafka.errors import KafkaError

from schemas.topics import BY_NAME, TOPICS
from schemas.visible_text import ON_ONE_LINE
from services.cli import options
from services.cli.connection import find_bootstrap, run
from services.cli.progress_bar import show_waiting
from services.display_text import format_utc
from services.json_values import parse_json
from services.kafka.acls import compute_acls, grant, render_commands
from services.kafka.admin import admin_client
from services.kafka.topic_health import Health, describe_health, read_topic_health
from services.kafka.topics import Change
from services.kafka.topics import apply as apply_topics
from services.ledger.projection import Record
from services.ledger.topic_reader import TopicReaderError, open_reader
from services.masking import mask
from services.operations.errors import InvalidRequest
from services.operations.topics import choose_layout, find_topic, read_last
from services.terminal import console, note, print_json, say, table

READ_TIMEOUT: Final = 5.0
"""Seconds for the lengths of topics while brokers are away."""

app = typer.Typer(
    help="The topics: list them, create them, and print the rights that services need.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command("list")
def show(
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """List every topic: what it carries, how long it is kept, what the broker has of it.

    Topics with too few copies in sync are marked, and brokers named that do not answer.

    Example: [cyan]sayso topics list[/]
    """
    where = find_bootstrap(bootstrap, state)
    health, found = run(_read(where))
    rows = [
        {
            "topic": topic.name,
            "partitions": len(found.get(topic.name, ())),
            "offsets": sum(found.get(topic.name, ())),
            "kept": "for ever" if topic.keep is None else f"{topic.keep.days} d",
            "compacted": topic.compacted,
            **_copies(topic.name, health),
            "about": topic.about,
        }
        for topic in TOPICS
    ]
    rows += [
        {"topic": name, "partitions": None, "offsets": None, "kept": None, "compacted": None}
        | _copies(name, health)
        | {"about": "Kafka's own" if name.startswith("__") else "the state of a processor"}
        for name, topic in sorted(health.topics.items())
        if topic.under_replicated and name not in BY_NAME
    ]
    if as_json:
        print_json(rows)
        return
    lines = [
        (
            row["topic"],
            "" if row["partitions"] is None else row["partitions"] or "missing",
            "" if row["offsets"] is None else row["offsets"],
            _describe_copies(row),
            "last of each key" if row["compacted"] else row["kept"] or "",
            row["about"],
        )
        for row in rows
    ]
    columns = ("topic", "partitions#", "offsets#", "copies", "kept", "")
    console().print(table("Topics", columns, lines))
    for sentence in describe_health(health):
        note(sentence)


def _copies(topic: str, health: Health) -> dict[str, Any]:
    known = health.topics.get(topic)
    return {
        "under_replicated": list(known.under_replicated) if known else [],
        "below_min_insync": list(known.below_min_insync) if known else [],
    }


def _describe_copies(row: dict[str, Any]) -> str:
    if row["below_min_insync"]:
        return f"{len(row['below_min_insync'])} take no records"
    if row["under_replicated"]:
        return f"{len(row['under_replicated'])} lack copies"
    return "all" if row["partitions"] else ""


async def _read(bootstrap: str) -> tuple[Health, dict[str, list[int]]]:
    """The health first: the lengths may be unknown where it is bad."""
    health = await read_topic_health(bootstrap)
    try:
        async with asyncio.timeout(None if health.is_good else READ_TIMEOUT):
            return health, await _read_lengths(bootstrap)
    except (TopicReaderError, KafkaError, TimeoutError):
        if health.is_good:
            raise
        return health, {}


async def _read_lengths(bootstrap: str) -> dict[str, list[int]]:
    """How far each partition has grown since it was made or last trimmed."""
    found: dict[str, list[int]] = {}
    async with open_reader(bootstrap) as source:
        starts = await source.starts()
        for place, end in (await source.ends()).items():
            found.setdefault(place.topic, []).append(end - starts[place])
    return found


@app.command()
def apply(
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    partitions: Annotated[
        int | None, typer.Option(help="Partitions of each topic.", min=1, max=1000)
    ] = None,
    replication: Annotated[
        int | None, typer.Option(help="Copies of each record.", min=1, max=9)
    ] = None,
) -> None:
    """Create missing topics and correct their settings; deletes nothing.

    Default partitions: as many as our topics there have; else 1 on the embedded broker and 12
    elsewhere. Default replication: 3 if there are 3 brokers.

    Example: [cyan]sayso topics apply --bootstrap kafka-1:9092 --partitions 12 --replication 3[/]
    """
    where = find_bootstrap(bootstrap, state)

    async def work() -> list[Change]:
        layout = await choose_layout(where, embedded=bootstrap is None, partitions=partitions)
        copies = replication or layout.replication
        return await apply_topics(where, partitions=layout.partitions, replication=copies)

    with show_waiting("creating topics"):
        changes = run(work())
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
        typer.Option(metavar="PREFIX", help="Prefix of each service's user name."),
    ] = "sayso-",
    put: Annotated[
        bool, typer.Option("--apply", help="Grant the rights on Kafka, as a user who may.")
    ] = False,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Print the rights that each service needs, as commands for kafka-acls.sh.

    Example: [cyan]sayso topics acls --user-prefix sms-[/]
    """
    if not re.fullmatch(r"[\w.-]*", user_prefix, re.ASCII):
        raise InvalidRequest(
            f"A user's name has letters, digits, dots, dashes and underscores: not {user_prefix!r}"
        )
    wanted = compute_acls(user_prefix)
    if put:
        where = find_bootstrap(bootstrap, state)

        async def work() -> None:
            async with admin_client(where) as client:
                await grant(client, wanted)

        run(work())
        users = len({acl.user for acl in wanted})
        note(f"{len(wanted)} rights of {users} users are given at {where}; none was taken.")
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
        for line in render_commands(wanted):
            say(f"kafka-acls.sh --bootstrap-server $KAFKA --command-config $ADMIN {line}")


def tail(
    topic: Annotated[
        str, typer.Argument(metavar="TOPIC", help="Name of the topic, with or without `sms.`")
    ],
    count: Annotated[
        int, typer.Option("-n", min=0, max=100_000, help="How many of the last records.")
    ] = 10,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Continue until Ctrl-C.")] = False,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """Show the last records of a topic; numbers and texts are masked unless you ask.

    Example: [cyan]sayso tail decisions -n 5 --follow[/]
    """
    name = find_topic(topic)
    run(_tail(name, find_bootstrap(bootstrap, state), count, follow, as_json, unmask))


async def _tail(
    topic: str, bootstrap: str, count: int, follow: bool, as_json: bool, unmask: bool
) -> None:
    async with open_reader(bootstrap, {topic}) as source:
        last = await read_last(source, count)
        for entry in last:
            _print(entry, as_json, unmask)
        if count and not last:
            note(f"Nothing is on {topic}" + (" yet." if follow else "."))
        while follow:
            for entry in (await source.batch(0.5))[0]:
                _print(entry, as_json, unmask)


def _print(entry: Record, as_json: bool, unmask: bool) -> None:
    at = datetime.fromtimestamp(entry.at_ms / 1000, UTC).isoformat()
    complete = {
        "topic": entry.partition.topic,
        "partition": entry.partition.number,
        "offset": entry.offset,
        "at": at,
        "key": (entry.key or b"").decode(errors="replace"),
        "message": _decode(entry.value),
    }
    shown = complete if unmask else mask(complete)
    if as_json:
        print_json(shown)
        return
    place = f"{entry.partition.number}@{entry.offset}"
    say(f"{format_utc(at)}  {place}  {shown['key']}  ".translate(ON_ONE_LINE), end="")
    print_json(shown["message"])


def _decode(value: bytes | None) -> Any:
    try:
        return None if value is None else parse_json(value)
    except ValueError:
        return {"value": value.decode(errors="replace") if value else "", "unreadable": True}
