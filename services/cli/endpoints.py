"""`sayso event-webhooks endpoint`: who gets events, where, and with which secret."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli import options
from services.cli.connection import run
from services.display_text import format_utc
from services.event_webhooks.endpoints import Endpoint, NewSecret
from services.event_webhooks.event_types import EVENTS, PATTERNS
from services.local.broker import find_running
from services.operations.errors import InvalidRequest
from services.operations.event_webhooks import EndpointManager, manage_endpoints
from services.operations.tenant_check import require_tenant_in, require_tenants
from services.operations.validation import parse_tenant
from services.settings import SettingsError, from_environment
from services.terminal import console, note, print_json, table

app = typer.Typer(
    help="Endpoints of tenants: add, change, pause, test, and look at deliveries.",
    no_args_is_help=True,
    add_completion=False,
)

EndpointId = Annotated[
    str, typer.Argument(metavar="ENDPOINT", help="Its id in `sayso event-webhooks endpoint list`.")
]
Url = Annotated[
    str | None, typer.Option("--url", help="Where events are sent; https, a public address.")
]
Owner = Annotated[
    str | None, typer.Option("--owner", help="Mail address of who is told when it is paused.")
]
Events = Annotated[
    list[str] | None,
    typer.Option(
        "--event", "-e", help="A type such as message.delivered, or message.*; may be repeated."
    ),
]
About = Annotated[str | None, typer.Option("--about", help="What it is for.")]
Numbers = Annotated[
    bool | None,
    typer.Option("--include-numbers/--no-numbers", help="Whether events have phone numbers."),
]
Texts = Annotated[
    bool | None,
    typer.Option("--include-text/--no-text", help="Whether events have what people wrote."),
]


@contextmanager
def manage(state: Path) -> Iterator[EndpointManager]:
    """Raises OperationError."""
    try:
        settings = from_environment()
    except SettingsError as error:
        raise InvalidRequest(str(error)) from None
    with manage_endpoints(settings.model_copy(update={"state": state})) as manager:
        yield manager


@app.command()
def add(
    tenant: Annotated[str, typer.Option("--tenant", "-t", help="Whose events.")],
    url: Url = None,
    owner: Owner = None,
    event: Events = None,
    about: About = None,
    numbers: Numbers = None,
    texts: Texts = None,
    by: options.By = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Add an endpoint. Its secret is shown now and never again.

    Example: [cyan]sayso event-webhooks endpoint add -t harbor --url https://crm.example/sayso
    --owner it@harbor.example -e "message.*" -e reply.received[/]
    """
    parse_tenant(tenant)
    if where := bootstrap or find_running(state):
        run(require_tenants(where, tenant))
    else:
        require_tenant_in(state, tenant)
    given = _given(url, owner, event, about, numbers, texts)
    for name, option in (("url", "--url"), ("owner", "--owner"), ("events", "--event")):
        if name not in given:
            raise InvalidRequest(f"{option} is missing", "see --help")
    actor = options.read_actor(by)
    with manage(state) as manager:
        _show_secret(run(manager.add(tenant, actor, **given)), as_json)


@app.command("list")
def show(
    tenant: options.Tenant = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """List endpoints, how they fare, and what waits for them.

    Example: [cyan]sayso event-webhooks endpoint list -t harbor[/]
    """
    if tenant is not None:
        require_tenant_in(state, tenant)
    with manage(state) as manager:
        found = [(one, manager.count(one.id)) for one in manager.list(tenant)]
    if as_json:
        print_json([describe(one) | {"deliveries": counts} for one, counts in found])
        return
    if not found:
        console().print("There are no endpoints yet: sayso event-webhooks endpoint add")
        return
    columns = ("endpoint", "tenant", "state", "waiting#", "failed#", "last success (UTC)", "url")
    rows = [
        (
            one.id,
            one.tenant,
            str(one.state),
            counts["pending"],
            counts["failed"],
            _time(one.success_at),
            one.url,
        )
        for one, counts in found
    ]
    console().print(table(None, columns, rows))


@app.command()
def change(
    endpoint: EndpointId,
    url: Url = None,
    owner: Owner = None,
    event: Events = None,
    about: About = None,
    numbers: Numbers = None,
    texts: Texts = None,
    by: options.By = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Change an endpoint. Events that wait already stay as they are.

    Example: [cyan]sayso event-webhooks endpoint change ep_abcdefghijkl --include-text[/]
    """
    given = _given(url, owner, event, about, numbers, texts)
    actor = options.read_actor(by)
    with manage(state) as manager:
        _show_done(run(manager.change(endpoint, actor, **given)), "is changed", as_json)


@app.command()
def rotate(
    endpoint: EndpointId,
    keep_hours: Annotated[
        float, typer.Option("--keep-hours", min=0, help="How long the old secret stays valid.")
    ] = 24,
    by: options.By = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Make a new secret. Until the old one ends, events are signed with both.

    Example: [cyan]sayso event-webhooks endpoint rotate ep_abcdefghijkl --keep-hours 48[/]
    """
    actor = options.read_actor(by)
    with manage(state) as manager:
        made = manager.rotate(endpoint, actor, timedelta(hours=keep_hours))
        _show_secret(made, as_json)


@app.command()
def pause(
    endpoint: EndpointId,
    by: options.By = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Pause an endpoint. What happens meanwhile waits for it.

    Example: [cyan]sayso event-webhooks endpoint pause ep_abcdefghijkl[/]
    """
    actor = options.read_actor(by)
    with manage(state) as manager:
        _show_done(manager.pause(endpoint, actor), "is paused", as_json)


@app.command()
def resume(
    endpoint: EndpointId,
    by: options.By = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Resume an endpoint. What waits is delivered at once.

    Example: [cyan]sayso event-webhooks endpoint resume ep_abcdefghijkl[/]
    """
    actor = options.read_actor(by)
    with manage(state) as manager:
        resumed, waiting = manager.resume(endpoint, actor)
        _show_done(resumed, f"is active again; {waiting:,} events wait for it", as_json)


@app.command()
def delete(
    endpoint: EndpointId,
    by: options.By = None,
    yes: options.Yes = False,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Delete an endpoint, with what waits for it.

    Example: [cyan]sayso event-webhooks endpoint delete ep_abcdefghijkl --yes[/]
    """
    actor = options.read_actor(by)
    with manage(state) as manager:
        waiting = manager.count(manager.get(endpoint).id)["pending"]
        if not yes:
            typer.confirm(f"Delete {endpoint}, and {waiting:,} waiting events?", abort=True)
        _show_done(manager.delete(endpoint, actor), "is deleted", as_json)


@app.command()
def types(as_json: options.Json = False) -> None:
    """List the types of events.

    Example: [cyan]sayso event-webhooks endpoint types[/]
    """
    if as_json:
        print_json([{"type": name, "about": info.about} for name, info in EVENTS.items()])
        return
    console().print(
        table(None, ("type", "meaning"), [(name, info.about) for name, info in EVENTS.items()])
    )
    note(f"Groups: {', '.join(name for name in PATTERNS if name.endswith('*'))}.")


def write_time(at: datetime | None) -> str | None:
    """For JSON."""
    return at.isoformat() if at else None


def describe(endpoint: Endpoint) -> dict[str, Any]:
    """As JSON, without its secrets."""
    fields = endpoint._asdict()
    del fields["secret"], fields["old_secret"], fields["wishes"]
    return fields | {
        "numbers": endpoint.wishes.numbers,
        "texts": endpoint.wishes.texts,
        "created_at": write_time(endpoint.created_at),
        "failing_since": write_time(endpoint.failing_since),
        "success_at": write_time(endpoint.success_at),
        "old_until": write_time(endpoint.old_until),
    }


def _given(
    url: str | None,
    owner: str | None,
    events: list[str] | None,
    about: str | None,
    numbers: bool | None,
    texts: bool | None,
) -> dict[str, Any]:
    """The fields that were given."""
    every = {
        "url": url,
        "owner": owner,
        "events": events or None,
        "about": about,
        "numbers": numbers,
        "texts": texts,
    }
    return {name: value for name, value in every.items() if value is not None}


def _show_secret(made: NewSecret, as_json: bool) -> None:
    secret = made.secret.get_secret_value()
    if as_json:
        print_json(describe(made.endpoint) | {"secret": secret})
        return
    note(f"The secret of {made.endpoint.id} for {made.endpoint.tenant}. It is not shown again.")
    print(secret, flush=True)


def _show_done(endpoint: Endpoint, done: str, as_json: bool) -> None:
    if as_json:
        print_json(describe(endpoint))
        return
    console().print(f"{endpoint.id} of {endpoint.tenant} {done}.")


def _time(at: datetime | None) -> str:
    return format_utc(at.isoformat()) if at else ""
