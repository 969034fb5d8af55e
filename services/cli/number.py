"""`sayso number`: what is known of a number, and the word of who has confirmed it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli import options
from services.cli.refused import Refused

if TYPE_CHECKING:
    from services.ledger.numbers import Said

Confirmed = Annotated[
    bool,
    typer.Option(
        "--confirmed",
        help="Somebody has made sure that it is right: it is neither doubtful, nor a "
        "landline, nor one that takes no texts.",
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
    """What is on record of a number: switched on or off, landline, not reached; and from which text that is known.

    Example: [cyan]sayso number +14155550142[/]
    Once somebody has made sure: [cyan]sayso number +14155550142 --tenant harbor --confirmed --actor ann[/]
    """
    from services.cli.input import number as clean
    from services.cli.kafka import ledger
    from services.cli.masking import mask
    from services.cli.screen import console, print_json, table
    from services.ledger.numbers import said_of

    named = clean("NUMBER", written)
    if confirmed:
        _confirm(named, tenant, actor, bootstrap, state)
    with ledger(bootstrap, state, tenant) as opened:
        found = said_of(opened, named, tenant)
    if not found:
        raise Refused("Nothing is on record of that number" + (f" at {tenant}" if tenant else ""))
    if as_json:
        plain = [said.fact | {"place": said.place} for said in found]
        print_json(plain if unmask else mask(plain))
        return
    console().print(table(None, ("at (UTC)", "tenant", "what", "", "place"), map(_row, found)))


def _confirm(
    named: str, tenant: str | None, actor: str | None, bootstrap: str | None, state: Any
) -> None:
    from schemas.number_fact import NumberFact
    from schemas.topics import NUMBER_FACTS
    from services.cli.input import message
    from services.cli.kafka import bootstrap_of, publish
    from services.cli.known import must_know

    if not tenant or not actor:
        raise Refused(
            "Say whose number it is and who has made sure: --confirmed wants --tenant and --actor"
        )
    fact = message(
        NumberFact,
        tenant=tenant,
        number=named,
        doubtful=False,
        landline=False,
        suppressed=False,
        evidence={"actor": actor},
        at=datetime.now(UTC),
    )
    where = bootstrap_of(bootstrap, state)
    must_know(where, tenant)
    publish(where, NUMBER_FACTS, [fact])


def _row(said: Said) -> tuple[str, ...]:
    from services.cli.screen import clock

    what = ", ".join(
        f"{name.replace('_', ' ')}: {_plain(value)}" for name, value in said.what.items()
    )
    return clock(said.fact["at"]), said.fact["tenant"], what, _why(said.fact), said.place


def _plain(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _why(fact: dict[str, Any]) -> str:
    from streams.error_codes import meaning

    code, actor = fact.get("error_code"), fact.get("evidence", {}).get("actor")
    if code:
        return f"{meaning(code).title} ({code}), from {fact.get('message_id', '')}"
    return f"confirmed by {actor}" if actor else ""
