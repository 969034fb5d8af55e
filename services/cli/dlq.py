"""`sayso dlq`: records that could not be read or placed; look, mend, replay or drop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli import options
from services.cli.refused import Refused

if TYPE_CHECKING:
    from services.ledger import Ledger
    from services.ledger.letters import Letter

app = typer.Typer(
    help="Dead letters: look at them, mend them, replay or drop them.", no_args_is_help=True
)

Name = Annotated[
    str, typer.Argument(metavar="LETTER", help="As `sayso dlq list` shows it, e.g. 2-17.")
]
Names = Annotated[
    list[str] | None, typer.Argument(metavar="LETTER", help="As `sayso dlq list` shows them.")
]
Cause = Annotated[str | None, typer.Option(help="Of this cause only, e.g. invalid.")]
OfTopic = Annotated[
    str | None, typer.Option("--topic", help="Of this topic only, e.g. send-requests.")
]
By = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Who does it. Default: your name on this machine."),
]
Why = Annotated[str, typer.Option("--reason", help="Kept with it.")]
Every = Annotated[bool, typer.Option("--all", help="All that --cause and --topic leave.")]


@app.command("list")
def listed(
    cause: Cause = None,
    topic: OfTopic = None,
    resolved: Annotated[
        bool, typer.Option("--resolved", help="Also those replayed or dropped.")
    ] = False,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """What could not be read, by cause and topic; then letter by letter.

    Example: [cyan]sayso dlq list --cause invalid[/]
    """
    from services.cli.causes import CAUSES
    from services.cli.kafka import ledger
    from services.cli.masking import mask_text
    from services.cli.screen import clock, console, print_json, table
    from services.ledger.letters import counted, letters

    with ledger(bootstrap, state) as opened:
        found, counts = letters(opened, _wanted(opened, cause, topic, resolved)), counted(opened)
    if as_json:
        print_json([_data(one, unmask) for one in found])
        return
    if not found:
        console().print(
            "No dead letters are open." if not (cause or topic) else "None.", style="green"
        )
        return
    shown = console()
    by_cause = [(topic, cause, CAUSES.get(cause, ""), *many) for topic, cause, *many in counts]
    shown.print(table("By cause", ("topic", "cause", "meaning", "open#", "all#"), by_cause))
    lines = [
        (
            one.name,
            clock(one.said.at.isoformat()),
            one.said.room,
            f"{one.said.topic}/{one.said.partition}@{one.said.offset}",
            one.said.cause,
            one.said.reason if unmask else mask_text(one.said.reason),
            one.resolution.action if one.resolution else "open",
        )
        for one in found
    ]
    shown.print(
        table("Letters", ("letter", "at (UTC)", "room", "stood at", "cause", "because", ""), lines)
    )


@app.command()
def show(
    name: Name,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """One letter, with its value; numbers and texts masked unless asked.

    Example: [cyan]sayso dlq show 2-17[/]
    """
    from services.cli.kafka import ledger
    from services.cli.screen import console, print_json

    with ledger(bootstrap, state) as opened:
        one = _letter(opened, name)
    data = _data(one, unmask)
    if as_json:
        print_json(data)
        return
    shown = console()
    for field in (
        "letter",
        "stood_at",
        "written",
        "room",
        "cause",
        "reason",
        "key",
        "headers",
        "resolution",
    ):
        if data[field]:
            shown.print(f"{field.replace('_', ' '):>10}  {data[field]}")
    print_json(data["value"])
    if not one.resolution:
        shown.print(
            f"Mend and replay it: sayso dlq fix {name}    Or: sayso dlq drop {name} --reason ...",
            style="dim",
        )


@app.command()
def fix(
    name: Name,
    by: By = None,
    reason: Why = "",
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Open a letter's value in $EDITOR; once it fits its schema it is replayed to its own topic.

    Example: [cyan]sayso dlq fix 2-17[/]
    """
    from services.cli.dlq_edit import edited
    from services.cli.kafka import ledger

    with ledger(bootstrap, state) as opened:
        one = _open(opened, name)
        value = edited(one.said)
        if value is None:
            raise Refused("Nothing was changed, so nothing was replayed", 1)
        _replayed(opened, one, value, bootstrap, state, by, reason)
    _say_what_remains(one)


@app.command()
def replay(
    names: Names = None,
    cause: Cause = None,
    topic: OfTopic = None,
    everything: Every = False,
    by: By = None,
    reason: Why = "",
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Write letters to their own topics again, as they were, once each; for what can be read by now.

    Example: [cyan]sayso dlq replay --topic send-requests --cause invalid --all[/]
    """
    from services.cli.bar import bar
    from services.cli.kafka import ledger
    from services.cli.screen import note

    refused = 0
    with ledger(bootstrap, state) as opened:
        chosen = _chosen(opened, names, cause, topic, everything)
        with bar("replaying", len(chosen)) as moved:
            for done, one in enumerate(chosen, 1):
                try:
                    _replayed(opened, one, None, bootstrap, state, by, reason)
                except Refused as why:
                    refused += 1
                    note(f"{one.name}: {why}")
                moved(done)
    note(f"Replayed {len(chosen) - refused} of {len(chosen)}.")
    raise typer.Exit(1 if refused else 0)


@app.command()
def drop(
    names: Names = None,
    cause: Cause = None,
    topic: OfTopic = None,
    everything: Every = False,
    by: By = None,
    reason: Why = "",
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Say that letters were looked at and are not needed; they stay on their topic for as long as it keeps them.

    Example: [cyan]sayso dlq drop 2-17 --reason "a test of the old importer"[/]
    """
    from services.cli.bar import bar
    from services.cli.kafka import ledger
    from services.cli.screen import note

    if not reason:
        raise Refused("Give --reason: whoever looks at it later wants to know why it was dropped")
    with ledger(bootstrap, state) as opened:
        chosen = _chosen(opened, names, cause, topic, everything)
        with bar("dropping", len(chosen)) as moved:
            for done, one in enumerate(chosen, 1):
                _resolved(opened, one, "dropped", None, bootstrap, state, by, reason)
                moved(done)
    note(f"Dropped {len(chosen)}.")


def _replayed(
    opened: Ledger,
    one: Letter,
    value: bytes | None,
    bootstrap: str | None,
    state: Any,
    by: str | None,
    reason: str,
) -> None:
    from pydantic import ValidationError

    from schemas.topics import BY_NAME
    from services.cli.dlq_edit import cut, why_not
    from services.kafka.dead_letter_replay import again

    if one.said.topic not in BY_NAME:
        raise Refused(f"there is no topic {one.said.topic} any more: drop it")
    was = one.said.value_bytes
    if value is None and (was is None or cut(one.said)):
        lacks = "it has no value" if was is None else "only its beginning was kept"
        raise Refused(f"{lacks}: write it with `sayso dlq fix {one.name}`, or drop it")
    try:
        record = again(one.said, one.name, value if value is not None else was or b"")
    except (ValidationError, UnicodeEncodeError) as error:
        raise Refused(
            f"it would come back: {why_not(error)}; mend it with `sayso dlq fix {one.name}`"
        ) from None
    _resolved(
        opened, one, "replayed", record, bootstrap, state, by, reason, mended=value is not None
    )


def _resolved(
    opened: Ledger,
    one: Letter,
    action: str,
    record: Any,
    bootstrap: str | None,
    state: Any,
    by: str | None,
    reason: str,
    *,
    mended: bool = False,
) -> None:
    """Raises Refused."""
    from datetime import UTC, datetime
    from getpass import getuser

    from schemas.letter_resolution import LetterAction, LetterResolution
    from services.cli.kafka import bootstrap_of, run
    from services.kafka.dead_letter_replay import NotReplayed, resolve
    from services.ledger.letters import letter

    where = bootstrap_of(bootstrap, state)
    note = LetterResolution(
        topic=one.said.topic,
        source_partition=one.said.partition,
        partition=one.partition,
        offset=one.offset,
        action=LetterAction(action),
        by=by or getuser(),
        reason=reason,
        mended=mended,
        at=datetime.now(UTC),
    )

    async def still_open() -> bool:
        await opened.catch_up(where)
        now = letter(opened, one.partition, one.offset)
        return now is not None and now.resolution is None

    try:
        run(resolve(where, note, record, still_open))
    except NotReplayed as error:
        raise Refused(str(error), 1) from None


def _chosen(
    opened: Ledger, names: list[str] | None, cause: str | None, topic: str | None, every: bool
) -> list[Letter]:
    """Raises Refused."""
    from services.ledger.letters import letters

    if bool(names) == every:
        raise Refused("Name the letters, or give --all (with --cause or --topic to narrow it)")
    return (
        [_open(opened, name) for name in names]
        if names
        else letters(opened, _wanted(opened, cause, topic, False))
    )


def _wanted(opened: Ledger, cause: str | None, topic: str | None, resolved: bool) -> Any:
    """Raises Refused for a cause or a topic that there is not."""
    from services.cli import causes
    from services.cli.tail import named
    from services.ledger.letters import Wanted, counted

    on_record = {one for _, one, _, _ in counted(opened)} if cause else set()
    return Wanted(causes.cause(cause, on_record), named(topic) if topic else None, resolved)


def _open(opened: Ledger, name: str) -> Letter:
    """Raises Refused."""
    one = _letter(opened, name)
    if one.resolution is not None:
        done = one.resolution
        raise Refused(f"{name} was {done.action} by {done.by} at {done.at:%Y-%m-%d %H:%M} UTC", 1)
    return one


def _letter(opened: Ledger, name: str) -> Letter:
    """Raises Refused."""
    from services.ledger.letters import letter

    partition, dash, offset = name.partition("-")
    if not (dash and partition.isdecimal() and offset.isdecimal()):
        raise Refused(f"{name!r} is no letter: they are called like 2-17, see `sayso dlq list`")
    found = letter(opened, int(partition), int(offset))
    if found is None:
        raise Refused(f"There is no letter {name}: see `sayso dlq list --resolved`")
    return found


def _data(one: Letter, unmask: bool) -> dict[str, Any]:
    import base64

    from services.cli.dlq_edit import shown_value
    from services.cli.masking import mask, mask_text

    said = one.said
    key = (
        base64.b64decode(said.key).decode(errors="backslashreplace")
        if said.key is not None
        else None
    )
    data = {
        "letter": one.name,
        "stood_at": f"{said.topic}/{said.partition}@{said.offset}",
        "written": said.timestamp.isoformat(),
        "at": said.at.isoformat(),
        "room": said.room,
        "cause": said.cause,
        "reason": said.reason if unmask else mask_text(said.reason),
        "key": key if unmask or key is None else mask_text(key),
        "headers": {
            name: base64.b64decode(text).decode(errors="backslashreplace")
            for name, text in said.headers
        },
        "resolution": one.resolution.model_dump(mode="json") if one.resolution else None,
    }
    value = shown_value(said)
    return data | {"value": value if unmask else mask(value)}


def _say_what_remains(one: Letter) -> None:
    """On a consent topic a number was blocked: mending the record does not lift that, a person does."""
    from schemas.topics import CONSENT_EVENTS, INBOUND, REPLIES
    from services.cli.screen import note

    note(
        f"Replayed to {one.said.topic}, once. If it is set aside again it comes back under a new name."
    )
    if one.said.topic in {topic.name for topic in (CONSENT_EVENTS, REPLIES, INBOUND)}:
        note(
            "Its number is blocked until somebody says what was meant: `sayso consent resolve NUMBER`."
        )
