"""`sayso tail`: the last records of a topic, and those to come."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli import options
from services.cli.refused import Refused

if TYPE_CHECKING:
    from services.ledger.fold import Entry
    from services.ledger.source import Source


def tail(
    topic: Annotated[str, typer.Argument(metavar="TOPIC", help="With or without its `sms.`")],
    count: Annotated[
        int, typer.Option("-n", min=0, max=100_000, help="How many of the last records.")
    ] = 10,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """The last records of a topic; numbers and texts masked unless asked.

    Example: [cyan]sayso tail decisions -n 5 --follow[/]
    """
    from services.cli.kafka import bootstrap_of, run

    run(_tail(named(topic), bootstrap_of(bootstrap, state), count, follow, as_json, unmask))


def named(topic: str) -> str:
    """Raises Refused, with the nearest names."""
    from schemas.topics import BY_NAME

    for name in (topic, f"sms.{topic}"):
        if name in BY_NAME:
            return name
    short = [name.removeprefix("sms.") for name in BY_NAME]
    near = difflib.get_close_matches(topic.removeprefix("sms."), short, 3, 0.4) or short
    raise Refused(
        f"There is no topic {topic!r}; is it {', '.join(near[:-1])}{' or ' * bool(near[:-1])}{near[-1]}?"
    )


async def _tail(
    topic: str, bootstrap: str, count: int, follow: bool, as_json: bool, unmask: bool
) -> None:
    from services.cli.screen import note
    from services.ledger.source import reading

    async with reading(bootstrap, {topic}) as source:
        last = await _last(source, count)
        for entry in last:
            _print(entry, as_json, unmask)
        if count and not last:
            note(f"Nothing is on {topic}" + (" yet." if follow else "."))
        while follow:
            for entry in (await source.batch(0.5))[0]:
                _print(entry, as_json, unmask)


async def _last(source: Source, count: int) -> list[Entry]:
    """Markers take offsets and compaction leaves gaps: look further back until there are enough.  Leaves the source at
    the ends."""
    starts, ends = await source.starts(), await source.ends()
    back = 2 * count + 2
    while True:
        begin = {place: max(starts[place], end - back) for place, end in ends.items()}
        found = await between(source, begin, ends) if count else []
        if len(found) >= count or begin == starts:
            source.seek(ends)
            return (
                sorted(found, key=lambda entry: (entry.at_ms, entry.offset))[-count:]
                if count
                else []
            )
        back *= 8


async def between(source: Source, begin: Any, ends: Any) -> list[Entry]:
    source.seek(begin)
    reached, found = dict(begin), []
    while any(reached[place] < end for place, end in ends.items()):
        entries, reached = await source.batch(0.05)
        found += [entry for entry in entries if entry.offset < ends[entry.place]]
    return found


def _print(entry: Entry, as_json: bool, unmask: bool) -> None:
    from datetime import UTC, datetime

    from services.cli.masking import mask
    from services.cli.screen import clock, print_json

    said = _value(entry.value)
    key = (entry.key or b"").decode(errors="replace")
    whole = {
        "topic": entry.place.topic,
        "partition": entry.place.partition,
        "offset": entry.offset,
        "at": datetime.fromtimestamp(entry.at_ms / 1000, UTC).isoformat(),
        "key": key,
        "message": said,
    }
    shown = whole if unmask else mask(whole)
    if as_json:
        print_json(shown)
        return
    print(f"{clock(whole['at'])}  {entry.place.partition}@{entry.offset}  {shown['key']}  ", end="")
    print_json(shown["message"])


def _value(value: bytes | None) -> Any:
    import orjson

    try:
        return None if value is None else orjson.loads(value)
    except orjson.JSONDecodeError:
        return {"value": value.decode(errors="replace") if value else "", "unreadable": True}
