"""`sayso event-webhooks endpoint test`, `deliveries`, `replay`, `history`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from services.cli import options
from services.cli.connection import run
from services.cli.endpoints import EndpointId, manage, write_time
from services.cli.progress_bar import progress_bar, show_waiting
from services.display_text import format_utc
from services.event_webhooks.deliveries import Delivery, DeliveryState
from services.masking import mask
from services.operations.errors import InvalidRequest, OperationFailed
from services.operations.event_webhooks import EndpointChange
from services.terminal import console, note, print_json, say, table

PATIENCE: Final = 30.0
"""Seconds: an attempt takes fifteen at most, and the process looks every second."""


def add_commands(app: typer.Typer) -> None:
    app.command("test")(send_test)
    app.command()(deliveries)
    app.command()(delivery)
    app.command()(replay)
    app.command()(history)


def send_test(
    endpoint: EndpointId,
    by: options.By = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Send a test event, and show what the endpoint answered.

    Example: [cyan]sayso event-webhooks endpoint test ep_abcdefghijkl[/]
    """
    actor = options.read_actor(by)
    with manage(state) as manager:
        made = manager.send_test(endpoint, actor)
        with show_waiting("waiting for the endpoint's answer"):
            found = run(manager.wait_for_attempt(made.id, PATIENCE))
    if as_json:
        print_json(_describe(found))
    if found.tried_at is None:
        raise OperationFailed(
            f"Delivery {found.id} was not tried yet", "is `sayso event-webhooks` running?"
        )
    if found.state != DeliveryState.DELIVERED:
        status = f" {found.status}" if found.status else ""
        raise OperationFailed(f"{endpoint} did not take it: {found.problem}{status}")
    if not as_json:
        console().print(f"{endpoint} took it: {found.status}.")


def deliveries(
    endpoint: EndpointId,
    only: Annotated[
        str | None, typer.Option("--only", help=f"One of {', '.join(DeliveryState)}.")
    ] = None,
    most: options.Most = 50,
    before: Annotated[
        int | None, typer.Option("--before", help="Older than this delivery, for the next page.")
    ] = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """List deliveries of an endpoint, newest first.

    Example: [cyan]sayso event-webhooks endpoint deliveries ep_abcdefghijkl --only failed[/]
    """
    with manage(state) as manager:
        found = manager.page(endpoint, only, most, before)
    if as_json:
        print_json([_describe(one) for one in found])
        return
    if not found:
        console().print("There are none.")
        return
    columns = ("#", "event (UTC)", "type", "state", "tries#", "answer", "next (UTC)")
    rows = [
        (
            str(one.id),
            _time(one.event_at),
            one.type,
            str(one.state),
            one.failures + (one.state == DeliveryState.DELIVERED),
            " ".join(str(part) for part in (one.problem, one.status) if part),
            _time(one.next_at),
        )
        for one in found
    ]
    console().print(table(None, columns, rows))


def delivery(
    number: Annotated[int, typer.Argument(metavar="DELIVERY", help="Its number in `deliveries`.")],
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """Show one delivery with its payload.

    Example: [cyan]sayso event-webhooks endpoint delivery 17[/]
    """
    with manage(state) as manager:
        found = manager.get_delivery(number)
    payload = json.loads(found.body)
    shown = payload if unmask else mask(payload)
    if as_json:
        print_json(_describe(found) | {"payload": shown})
        return
    for name, value in _describe(found).items():
        if value is not None:
            say(f"{name:<12}{value}")
    say(json.dumps(shown, indent=2, ensure_ascii=False))


def replay(
    endpoint: EndpointId,
    number: Annotated[
        int | None, typer.Option("--delivery", help="Only this one, whatever became of it.")
    ] = None,
    first: Annotated[
        datetime | None, typer.Option("--from", help="What happened from then on.", **options.TIME)
    ] = None,
    end: Annotated[
        datetime | None,
        typer.Option("--until", help="What happened before that; now if left out.", **options.TIME),
    ] = None,
    every: Annotated[
        bool, typer.Option("--every", help="Also what was delivered, not only what failed.")
    ] = False,
    by: options.By = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Deliver events once more, with the same ids: one, or those of a period.

    Example: [cyan]sayso event-webhooks endpoint replay ep_abcdefghijkl --from 2026-11-20T00:00Z[/]
    """
    actor = options.read_actor(by)
    if (number is None) == (first is None):
        raise InvalidRequest("Say what to replay", "give --delivery, or --from and --until")
    with manage(state) as manager:
        if number is not None:
            if manager.get_delivery(number).endpoint != endpoint:
                raise InvalidRequest(f"Delivery {number} is another endpoint's")
            manager.replay(number, actor)
            count = 1
        else:
            assert first is not None
            until = end or datetime.now(UTC)
            with progress_bar("replaying") as on_progress:
                count = manager.replay_period(
                    endpoint, first, until, actor, every=every, on_progress=on_progress
                )
    if as_json:
        print_json({"endpoint": endpoint, "replayed": count})
        return
    console().print(f"{count:,} events are delivered to {endpoint} once more.")


def history(
    endpoint: Annotated[str | None, typer.Argument(metavar="ENDPOINT", show_default=False)] = None,
    most: options.Most = 50,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Show what was done to endpoints, by whom; newest first, also of deleted ones.

    Example: [cyan]sayso event-webhooks endpoint history ep_abcdefghijkl[/]
    """
    with manage(state) as manager:
        found = manager.list_changes(endpoint, most)
    if as_json:
        print_json([_describe_change(one) for one in found])
        return
    if not found:
        note("Nothing was done yet.")
        return
    columns = ("at (UTC)", "endpoint", "tenant", "by", "action", "about")
    rows = [(_time(one.at), *one[1:5], "" if one.detail == "{}" else one.detail) for one in found]
    console().print(table(None, columns, rows))


def _describe(one: Delivery) -> dict[str, Any]:
    fields = one._asdict()
    del fields["body"]
    times = {name: write_time(value) for name, value in fields.items() if name.endswith("_at")}
    return fields | times


def _describe_change(one: EndpointChange) -> dict[str, Any]:
    return one._asdict() | {"at": write_time(one.at), "detail": json.loads(one.detail)}


def _time(at: datetime | None) -> str:
    return format_utc(at.isoformat()) if at else ""
