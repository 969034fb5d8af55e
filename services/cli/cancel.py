"""`sayso cancel`: take one text back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from services.cli import as_whom, options
from services.cli.refused import Refused

if TYPE_CHECKING:
    from services.ledger import Ledger
    from services.ledger.standing import Standing


IN_DOUBT = (
    "in doubt: the call was cut off, so it may have gone out; it is not sent again, and what was found out of it is in"
    " sayso doubt list"
)
NOT_CONFIRMED = (
    "asked for, and not confirmed yet: it is {state}; gate and dispatch take it back when they read this, unless it has"
    " left by then (sayso lag says whether they read)"
)


class Word(NamedTuple):
    """What came of it.  `result`: canceled, asked_again, too_late, in_doubt, not_sent or not_confirmed."""

    result: str
    sentence: str


def cancel(
    message_id: Annotated[str, typer.Argument(metavar="MESSAGE_ID")],
    tenant: options.Tenant = None,
    reason: Annotated[str, typer.Option(help="Why; goes on record.")] = "",
    by: as_whom.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Take a text back: one that waits at the gate, or that has been ordered and not been called for yet.

    Says what came of it. Exit code 0: it does not go out; 1: too late, in doubt, or nobody has answered.

    Example: [cyan]sayso cancel m-20261121-120000-7f3a9c --reason "closing moved"[/]
    """
    from schemas.request_cancel import CancelRequest
    from schemas.topics import REQUEST_CANCELS
    from services.cli.awaited import awaited
    from services.cli.kafka import bootstrap_of, ledger, publish
    from services.cli.screen import console, print_json

    where = bootstrap_of(bootstrap, state)
    with ledger(bootstrap, state, tenant) as opened:
        found = one(opened, message_id, tenant)
        word = settled(found)
        if word is None:
            assert found.number is not None, "one() refuses those"
            asked = CancelRequest(
                tenant=found.tenant,
                number=found.number,
                message_id=message_id,
                reason=reason,
                by=as_whom.whom(by),
                at=datetime.now(UTC),
            )
            publish(where, REQUEST_CANCELS, [asked])
            word = awaited(
                opened, where, lambda ledger: settled(one(ledger, message_id, found.tenant))
            )
            word = word or _open(one(opened, message_id, found.tenant))
    if as_json:
        print_json(
            {
                "tenant": found.tenant,
                "message_id": message_id,
                "result": word.result,
                "says": word.sentence,
            }
        )
    else:
        console().print(f"[bold]{found.tenant}/{message_id}[/]: {word.sentence}")
    raise typer.Exit(0 if word.result in {"canceled", "not_sent"} else 1)


def one(ledger: Ledger, message_id: str, tenant: str | None) -> Standing:
    """Raises Refused where there is none, or there are several, or it cannot be taken back yet."""
    from services.ledger.standing import standings

    found = standings(ledger, message_id, tenant)
    if not found:
        raise Refused(
            f"No message {message_id!r} is on record" + (f" at {tenant}" if tenant else "")
        )
    if len(found) > 1:
        names = ", ".join(standing.tenant for standing in found)
        raise Refused(f"{names} each have a message {message_id!r}: say which with --tenant")
    if found[0].number is None:
        raise Refused(
            f"{message_id!r} waits for a number of its person and cannot be taken back before it has one:"
            " switch their numbers off, or cancel it then",
            1,
        )
    return found[0]


def settled(standing: Standing) -> Word | None:
    """Of a message for which a cancel changes nothing any more; None while it may: one in doubt might be sent again."""
    from streams.lifecycle import MEANINGS, Group, State

    if standing.state is None or standing.state not in set(State):
        return None
    state = State(standing.state)
    if state is State.CANCELED and standing.again_as is not None:
        return Word(
            "asked_again",
            f"canceled, but asked for again as {standing.again_as}: cancel that too, if need be",
        )
    if state is State.CANCELED:
        return Word("canceled", "canceled: it does not go out")
    if state is State.IN_DOUBT:
        return Word("in_doubt", IN_DOUBT) if standing.taken_back else None
    group = MEANINGS[state].group
    if group is Group.OUT:
        said = f" as {standing.provider_id}" if standing.provider_id else ""
        return Word("too_late", f"too late: it is {state.value}{said}, {MEANINGS[state].words}")
    if group is not Group.WAITING:
        return Word(
            "not_sent", f"it was not going out anyway: it is {state.value}, {MEANINGS[state].words}"
        )
    return None


def _open(standing: Standing) -> Word:
    return Word("not_confirmed", NOT_CONFIRMED.format(state=standing.state or "not judged yet"))
