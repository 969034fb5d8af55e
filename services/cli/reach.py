"""`sayso test`: a text to find out whether somebody can be reached."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import options, picking
from services.cli.refused import Refused

if TYPE_CHECKING:
    from services.ledger.people import Known

LIFE = timedelta(minutes=15)
"""Somebody is looking at their phone now: later it is of no use."""


def reach(
    person: Annotated[
        str, typer.Argument(metavar="PERSON", help="The person's id in your records.")
    ],
    tenant: options.Tenant = None,
    number: Annotated[
        str | None, typer.Option("--number", metavar="NUMBER", help="To this one of their numbers.")
    ] = None,
    body: Annotated[str | None, typer.Option("--body", help="Instead of the usual words.")] = None,
    by: picking.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Send a test text to a person. It is judged by consent like any other, counted apart (kind test), and of no use
    after 15 minutes.

    Example: [cyan]sayso test crm-20417 --tenant harbor[/]
    """
    from schemas.person_request import PersonRequest
    from schemas.topics import PERSON_REQUESTS
    from services.cli.input import identity, message
    from services.cli.input import number as clean
    from services.cli.kafka import bootstrap_of, ledger, publish
    from services.cli.screen import console, print_json
    from services.ledger.people import people

    with ledger(bootstrap, state, tenant) as opened:
        known = _one(people(opened, person, tenant), person, tenant)
        whose = known.person["tenant"]
        names = opened.rows(
            "SELECT json_extract(json, '$.name') AS name FROM tenants WHERE tenant = ?", whose
        )
    sign = names[0]["name"] if names else whose
    now = datetime.now(UTC)
    asked = message(
        PersonRequest,
        message_id=identity("test"),
        tenant=whose,
        person_id=person,
        kind="test",
        to=clean("--number", number) if number else None,
        body=body or f"{sign}: this is a test. Nothing to do.",
        valid_until=now + LIFE,
        requested_at=now,
        requested_by=picking.who(by),
    )
    publish(bootstrap_of(bootstrap, state), PERSON_REQUESTS, [asked])
    if as_json:
        print_json(asked.model_dump(mode="json", exclude_none=True, exclude={"to"}))
        return
    console().print(f"Asked for [bold]{asked.message_id}[/]. What became of it:")
    same = options.same(state, bootstrap)
    console().print(f"  sayso explain {asked.message_id} --tenant {whose}{same}", style="cyan")


def _one(found: tuple[Known, ...], person: str, tenant: str | None) -> Known:
    if len(found) > 1:
        raise Refused(
            f"{', '.join(one.person['tenant'] for one in found)} each know a {person!r}: say --tenant"
        )
    if not found or found[0].person.get("deleted"):
        raise Refused(f"Nobody is on record as {person!r}" + (f" at {tenant}" if tenant else ""))
    if not found[0].person.get("numbers"):
        raise Refused(f"There is no number on file for {person!r}: add one first")
    return found[0]
