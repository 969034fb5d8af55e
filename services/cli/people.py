"""`sayso people`: who texts go to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli import options
from services.cli.bar import Moved, bar, waiting_for
from services.cli.refused import Refused

if TYPE_CHECKING:
    from schemas.person_event import PersonEvent
    from services.cli.people_file import PeopleFile
    from services.ledger.people import Known

app = typer.Typer(
    help="People: who they are, and the numbers they are texted at.", no_args_is_help=True
)

AT_ONCE = 500
"""People published before the bar moves."""


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.csv", help="Its first line names the columns.")
    ],
    tenant: Annotated[
        str | None, typer.Option("--tenant", "-t", help="For a file without a column tenant.")
    ] = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="What the file does not say of a person is taken away from them."
        ),
    ] = False,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Tell of people, a line a number: person_id, tenant, name, role, number, type (mobile, home, work, other),
    sms_enabled (yes, no), primary, time_zone, postal_region, email.

    A bad line is named with its number and reason, and the good ones go in. The exit code is 0 when all went in,
    1 when some lines were left out, 2 when nothing could be read.

    Example: [cyan]sayso people import clients.csv --tenant harbor[/]
    """
    from services.cli.kafka import bootstrap_of
    from services.cli.known import must_know
    from services.cli.people_file import read_people
    from services.cli.screen import console, note, print_json

    with waiting_for(f"reading {file.name}"):
        found = read_people(file, tenant)
    if not found.people:
        for bad in found.bad:
            note(f"{file}, line {bad.line}: {bad.reason}")
        raise Refused(f"{file}: there is nobody in it to import")
    where = bootstrap_of(bootstrap, state)
    must_know(where, *dict.fromkeys(entry.tenant for entry in found.people))
    _publish(where, _events(found, replace))
    for bad in found.bad:
        note(f"{file}, line {bad.line}: {bad.reason}")
    numbers = sum(len(entry.numbers) for entry in found.people)
    if as_json:
        print_json(
            {
                "lines": found.lines,
                "people": len(found.people),
                "numbers": numbers,
                "bad": [bad._asdict() for bad in found.bad],
                "columns_left_out": found.unknown,
            }
        )
    else:
        if found.unknown:
            console().print(
                f"Columns that mean nothing here were left out: {', '.join(found.unknown)}."
            )
        console().print(
            f"In: people {len(found.people):,}, numbers {numbers:,}; lines read {found.lines:,}."
        )
        first = found.people[0]
        same = options.same(state, bootstrap)
        console().print(
            f"  sayso people show {first.person_id} --tenant {first.tenant}{same}", style="cyan"
        )
    if found.bad:
        raise Refused(
            f"{len(found.bad):,} of {found.lines:,} lines were left out: correct them and import them",
            1,
        )


@app.command()
def show(
    person: Annotated[
        str, typer.Argument(metavar="PERSON", help="The person's id in your records.")
    ],
    tenant: options.Tenant = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """A person, their numbers with the consent of each, and what waits for them.

    Example: [cyan]sayso people show crm-20417[/]
    """
    from services.cli.kafka import ledger
    from services.cli.masking import mask
    from services.cli.screen import print_json
    from services.ledger.people import people

    with ledger(bootstrap, state, tenant) as opened:
        found = people(opened, person, tenant)
    if not found:
        raise Refused(f"Nobody is on record as {person!r}" + (f" at {tenant}" if tenant else ""))
    if as_json:
        plain = [_data(known) for known in found]
        print_json(plain if unmask else mask(plain))
        return
    for known in found:
        _print(known, unmask)


def _events(found: PeopleFile, replace: bool) -> list[PersonEvent]:
    """Of a person with a bad line nothing is taken away: it may be on that line."""
    from schemas.person_event import PersonAction, PersonEvent
    from services.cli.input import identity

    batch, now = identity("import"), datetime.now(UTC)
    return [
        PersonEvent(
            event_id=f"{batch}-{n}",
            tenant=entry.tenant,
            person_id=entry.person_id,
            action=PersonAction.UPSERT if replace and entry.whole else PersonAction.UPDATE,
            numbers=tuple(number for _, number in entry.numbers.values()),
            at=now,
            **entry.fields,
        )
        for n, entry in enumerate(found.people, 1)
    ]


def _publish(bootstrap: str, events: Sequence[PersonEvent]) -> None:
    from schemas.topics import PERSON_EVENTS
    from services.cli.kafka import must_hold, run

    must_hold(bootstrap, PERSON_EVENTS)
    with bar("importing people", len(events)) as moved:
        run(_published(bootstrap, events, moved))


async def _published(bootstrap: str, events: Sequence[PersonEvent], moved: Moved) -> None:
    """Raises Refused, saying how many went in: to import the same file again is harmless."""
    from schemas.topics import PERSON_EVENTS
    from services.kafka.publisher import NotPublished, Publisher

    publisher = Publisher(bootstrap, source="cli")
    try:
        for at in range(0, len(events), AT_ONCE):
            try:
                await publisher.publish_all(PERSON_EVENTS, events[at : at + AT_ONCE])
            except NotPublished as error:
                raise Refused(
                    f"{error}; {at:,} of {len(events):,} people went in: import the file again", 1
                ) from None
            moved(min(at + AT_ONCE, len(events)))
    finally:
        await publisher.stop()


def _data(known: Known) -> dict[str, Any]:
    numbers = [
        {**one, "consent": known.consent[one["number"]]} for one in known.person.get("numbers", ())
    ]
    waiting = [{**one, "reason": known.reasons[one["message_id"]]} for one in known.waiting]
    return {**known.person, "numbers": numbers, "waiting": waiting}


def _print(known: Known, unmask: bool) -> None:
    from rich.text import Text

    from schemas.numbers import mask_number
    from services.cli.screen import clock, coloured, console, table

    person, screen = known.person, console()
    about = [person.get(name) for name in ("name", "role", "time_zone", "postal_region", "email")]
    state = "deleted" if person.get("deleted") else ", ".join(filter(None, about))
    screen.print(Text.assemble((f"{person['tenant']}/{person['person_id']}", "bold"), "  ", state))
    numbers = [
        (
            one["number"] if unmask else mask_number(one["number"]),
            one.get("type", "mobile"),
            "on" if one["sms_enabled"] else "off",
            "primary" if one.get("primary") else "",
            coloured(known.consent[one["number"]]),
        )
        for one in person.get("numbers", ())
    ]
    if numbers:
        screen.print(table(None, ("number", "type", "SMS", "", "consent"), numbers))
    waits = [
        (
            one["message_id"],
            one["kind"],
            clock(one["requested_at"]),
            known.reasons[one["message_id"]],
        )
        for one in known.waiting
    ]
    if waits:
        screen.print(table("Waiting", ("message", "kind", "requested (UTC)", "because"), waits))
