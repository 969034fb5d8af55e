"""`sayso people` and `sayso number`: who texts go to, and what is known of their numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from schemas.numbers import mask_number
from services.cli import options, people_changes
from services.cli.connection import find_bootstrap, operate, read_ledger, run
from services.cli.progress_bar import progress_bar, show_waiting
from services.display_text import format_utc
from services.ledger.people import NumberFactRecord, PersonView, list_number_facts
from services.ledger.people import find_people as read_known
from services.masking import mask
from services.operations import people
from services.operations.errors import InvalidRequest, OperationFailed
from services.operations.session import Session
from services.operations.validation import parse_number
from services.terminal import color_word, console, note, print_json, table
from streams.error_codes import lookup

app = typer.Typer(
    help="People, and the numbers that we text them at.", no_args_is_help=True, add_completion=False
)


for command in (people_changes.add, people_changes.change):
    app.command()(command)


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.csv", help="Its first line names the columns.")
    ],
    tenant: Annotated[
        str | None, typer.Option("--tenant", "-t", help="For a file without a tenant column.")
    ] = None,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Remove what the file does not say of a person."),
    ] = False,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Import people from a file, one number a line.

    Columns: person_id, tenant, name, first_name, role, number, type (mobile, home, work, other),
    sms_enabled (yes, no), primary, time_zone, postal_region, email, language (of their texts,
    such as es). A bad line is named with its number and the reason; the good ones go in. The exit
    code is 0 when all went in, 1 when some lines were left out, 2 when nothing could be read.

    Example: [cyan]sayso people import clients.csv --tenant harbor[/]
    """
    with show_waiting(f"reading {file.name}"):
        found = people.read_people(file, tenant)
    bad_lines = [f"{file}, line {bad.line}: {bad.reason}" for bad in found.bad]
    if not found.people:
        for line in bad_lines:
            note(line)
        raise InvalidRequest(f"{file}: there is nobody in it to import")
    where = find_bootstrap(bootstrap, state)
    events = people.build_person_events(found, replace, datetime.now(UTC))
    with progress_bar("importing people", len(events)) as on_progress:

        async def work() -> None:
            async with Session(where, source="cli") as kafka:
                await people.import_people(kafka, events, on_progress)

        run(work())
    for line in bad_lines:
        note(line)
    numbers = sum(len(entry.numbers) for entry in found.people)
    if as_json:
        print_json(
            {
                "lines": found.lines,
                "people": len(found.people),
                "numbers": numbers,
                "bad": [
                    {"line": bad.line, "reason": bad.reason, "column": bad.column, "fix": bad.fix}
                    for bad in found.bad
                ],
                "columns_left_out": found.unknown,
            }
        )
    else:
        screen = console()
        if found.unknown:
            names = ", ".join(found.unknown)
            screen.print(f"Columns that mean nothing here were left out: {names}.")
        screen.print(
            f"In: people {len(found.people):,}, numbers {numbers:,}; lines read {found.lines:,}."
        )
        first = found.people[0]
        same = options.repeat_options(state, bootstrap)
        screen.print(
            f"  sayso people show {first.person_id} --tenant {first.tenant}{same}", style="cyan"
        )
        screen.print("Next, consents that you have, each with its proof. Others are asked:")
        screen.print(f"  sayso consent import FILE.csv --tenant {first.tenant}{same}", style="cyan")
    if found.bad:
        raise OperationFailed(
            f"{len(found.bad):,} of {found.lines:,} lines were left out",
            "correct them and import them",
        )


@app.command()
def show(
    person: options.PersonId,
    tenant: options.Tenant = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """Show a person, the consent of each of their numbers, and what waits for them.

    Example: [cyan]sayso people show crm-20417[/]
    """
    with read_ledger(bootstrap, state, tenant) as ledger:
        found = read_known(ledger, person, tenant)
    if not found:
        at = f" at {tenant}" if tenant else ""
        raise InvalidRequest(f"Nobody is on record as {person!r}{at}")
    if as_json:
        plain = [_as_data(known) for known in found]
        print_json(plain if unmask else mask(plain))
        return
    for known in found:
        _print(known, unmask)


def _as_data(known: PersonView) -> dict[str, Any]:
    numbers = [
        {**one, "consent": known.consent[one["number"]]} for one in known.person.get("numbers", ())
    ]
    waiting = [{**one, "reason": known.reasons[one["message_id"]]} for one in known.waiting]
    return {**known.person, "numbers": numbers, "waiting": waiting}


def _print(known: PersonView, unmask: bool) -> None:
    person = known.person
    screen = console()
    about = {name: person.get(name) for name in people.OF_PERSON}
    if first_name := about["first_name"]:
        about["first_name"] = f"called {first_name}"
    words = "deleted" if person.get("deleted") else ", ".join(filter(None, about.values()))
    screen.print(Text.assemble((f"{person['tenant']}/{person['person_id']}", "bold"), "  ", words))
    numbers = [
        (
            one["number"] if unmask else mask_number(one["number"]),
            one.get("type", "mobile"),
            "on" if one["sms_enabled"] else "off",
            "primary" if one.get("primary") else "",
            color_word(known.consent[one["number"]]),
        )
        for one in person.get("numbers", ())
    ]
    if numbers:
        screen.print(table(None, ("number", "type", "SMS", "", "consent"), numbers))
    waiting = [
        (
            one["message_id"],
            one["kind"],
            format_utc(one["requested_at"]),
            known.reasons[one["message_id"]],
        )
        for one in known.waiting
    ]
    if waiting:
        screen.print(table("Waiting", ("message", "kind", "requested (UTC)", "because"), waiting))


Confirmed = Annotated[
    bool,
    typer.Option(
        "--confirmed",
        help="Confirm the number: somebody has checked that it is right and takes texts.",
    ),
]
Actor = Annotated[
    str | None,
    typer.Option("--actor", metavar="NAME", help="Who has made sure.", show_default=False),
]


def number(
    written: Annotated[str, typer.Argument(metavar="NUMBER")],
    confirmed: Confirmed = False,
    actor: Actor = None,
    tenant: options.Tenant = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """Show what is on record of a number: on or off, landline, unreachable; and since when.

    Each line names the text that showed it.

    Example: [cyan]sayso number +14155550142[/]

    Once somebody has made sure:
    [cyan]sayso number +14155550142 --tenant harbor --confirmed --actor ann[/]
    """
    wanted = parse_number("NUMBER", written)
    if confirmed:
        if not tenant or not actor:
            raise InvalidRequest(
                "Say whose number it is and who has made sure",
                "--confirmed wants --tenant and --actor",
            )
        fact = people.build_confirmation(wanted, tenant, actor, datetime.now(UTC))
        operate(find_bootstrap(bootstrap, state), lambda kafka: people.confirm_number(kafka, fact))
    with read_ledger(bootstrap, state, tenant) as ledger:
        found = list_number_facts(ledger, wanted, tenant)
    if not found:
        at = f" at {tenant}" if tenant else ""
        raise InvalidRequest(f"Nothing is on record of that number{at}")
    if as_json:
        plain = [one.fact | {"place": one.place} for one in found]
        print_json(plain if unmask else mask(plain))
        return
    columns = ("at (UTC)", "tenant", "what", "", "place")
    console().print(table(None, columns, map(_number_cells, found)))


def _number_cells(said: NumberFactRecord) -> tuple[str, ...]:
    fact = said.fact
    words = {True: "yes", False: "no"}
    what = ", ".join(
        f"{name.replace('_', ' ')}: {words[value] if isinstance(value, bool) else value}"
        for name, value in said.what.items()
    )
    code = fact.get("error_code")
    actor = fact.get("evidence", {}).get("actor")
    why = f"confirmed by {actor}" if actor else ""
    if code:
        why = f"{lookup(code).title} ({code}), from {fact.get('message_id', '')}"
    return format_utc(fact["at"]), fact["tenant"], what, why, said.place
