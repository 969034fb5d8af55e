"""`sayso people add` and `change`: one person's numbers, by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import typer

from schemas.person import NumberType, Person, PersonEvent
from services.cli import options
from services.cli.connection import find_bootstrap, operate, read_ledger
from services.ledger.people import find_person
from services.operations.errors import InvalidRequest
from services.operations.person_changes import (
    add_number,
    build_person,
    correct_number,
    prefer_number,
    publish_change,
    remove_number,
    switch_number,
)
from services.terminal import console

Of = Annotated[str, typer.Option("--tenant", "-t", help="Whose records they are on.")]
By = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Who wants it so. Default: your login name."),
]
Add = Annotated[
    str | None, typer.Option(metavar="NUMBER", help="Add this number.", show_default=False)
]
Remove = Annotated[
    str | None, typer.Option(metavar="NUMBER", help="Remove this number.", show_default=False)
]
Correct = Annotated[
    str | None,
    typer.Option(
        metavar="NUMBER", help="This number is wrong: --to replaces it.", show_default=False
    ),
]
To = Annotated[
    str | None,
    typer.Option(metavar="NUMBER", help="The right number, for --correct.", show_default=False),
]
SmsOn = Annotated[
    str | None,
    typer.Option(metavar="NUMBER", help="Switch texts to this number on.", show_default=False),
]
SmsOff = Annotated[
    str | None,
    typer.Option(metavar="NUMBER", help="Switch texts to this number off.", show_default=False),
]
Main = Annotated[
    str | None,
    typer.Option(metavar="NUMBER", help="Texts go to this number first.", show_default=False),
]
Build = Callable[[Person], PersonEvent]


def add(
    person: options.PersonId,
    tenant: Of,
    name: Annotated[str, typer.Option(help="What they are called.")],
    number: Annotated[
        str, typer.Option(metavar="NUMBER", help="Their mobile.", show_default=False)
    ] = "",
    by: By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Add a person who is not on record.

    Example:
    [cyan]sayso people add crm-9 -t harbor --name "Ana Rivera" --number +12125550123[/]
    """
    event = build_person(tenant, person, name, number, options.read_actor(by), datetime.now(UTC))
    with read_ledger(bootstrap, state, tenant) as ledger:
        if find_person(ledger, tenant, person) is not None:
            raise InvalidRequest(f"{person!r} is on record already", "see `sayso people show`")
        operate(find_bootstrap(bootstrap, state), lambda kafka: publish_change(kafka, event))
    console().print(f"Added {event.person_id}.")


def change(
    person: options.PersonId,
    tenant: Of,
    add: Add = None,
    kind: Annotated[NumberType, typer.Option(help="The type of an added number.")] = (
        NumberType.MOBILE
    ),
    remove: Remove = None,
    correct: Correct = None,
    to: To = None,
    sms_on: SmsOn = None,
    sms_off: SmsOff = None,
    main: Main = None,
    by: By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Change one number of a person: add, remove or correct it, or switch texts to it.

    Consent belongs to a number: a corrected one is asked anew.

    Example: [cyan]sayso people change crm-9 -t harbor --correct +12125550123 --to +12125550124[/]
    """
    who, now = options.read_actor(by), datetime.now(UTC)
    builds: dict[str, tuple[str | None, Build]] = {
        "--add": (add, lambda known: add_number(known, add or "", kind, who, now)),
        "--remove": (remove, lambda known: remove_number(known, remove or "", who, now)),
        "--correct": (
            correct,
            lambda known: correct_number(known, correct or "", to or "", who, now),
        ),
        "--sms-on": (sms_on, lambda known: switch_number(known, sms_on or "", True, who, now)),
        "--sms-off": (sms_off, lambda known: switch_number(known, sms_off or "", False, who, now)),
        "--main": (main, lambda known: prefer_number(known, main or "", who, now)),
    }
    given = [build for number, build in builds.values() if number is not None]
    if len(given) != 1 or (correct is None) != (to is None):
        raise InvalidRequest(f"Say one thing to do: {', '.join(builds)} (with --to)")
    with read_ledger(bootstrap, state, tenant) as ledger:
        known = find_person(ledger, tenant, person)
        if known is None:
            raise InvalidRequest(f"Nobody is on record as {person!r} at {tenant}")
        event = given[0](known)
        operate(find_bootstrap(bootstrap, state), lambda kafka: publish_change(kafka, event))
    console().print(f"Recorded for {event.person_id}.")
