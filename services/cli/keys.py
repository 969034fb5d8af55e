"""`sayso keys`: which programs may call the HTTP API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer

from services.cli import options
from services.cli.connection import run
from services.console.api.keys import DEFAULT_RATE, HIGHEST_RATE, ApiKeys, KeysError
from services.console.api.scopes import Scope
from services.display_text import format_utc
from services.local.broker import find_running
from services.operations.errors import InvalidRequest
from services.operations.tenant_check import require_tenant_in, require_tenants
from services.operations.validation import parse_tenant, require_one_of
from services.terminal import console, note, print_json, table

app = typer.Typer(
    help="API keys of programs. Only their hashes are stored.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command()
def add(
    tenant: Annotated[
        str, typer.Option("--tenant", "-t", help="The only tenant that the key is valid for.")
    ],
    label: Annotated[str, typer.Option(help="What it is for, such as website.")] = "",
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help=f"What it may do; give it several times: {', '.join(Scope)}, or all.",
            show_default="consents",
        ),
    ] = None,
    rate: Annotated[
        int, typer.Option(help="Calls a second, on average.", min=1, max=HIGHEST_RATE)
    ] = DEFAULT_RATE,
    test: Annotated[
        bool, typer.Option("--test", help="Its texts are judged, and never sent.")
    ] = False,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Make a key. It is shown now and never again.

    Example: [cyan]sayso keys add -t harbor --label crm --scope messages:write --scope people[/]
    """
    parse_tenant(tenant)
    scopes = _parse_scopes(scope or [Scope.CONSENTS])
    if where := bootstrap or find_running(state):
        run(require_tenants(where, tenant))
    else:
        require_tenant_in(state, tenant)
    with _explain_errors():
        made = ApiKeys(state).add(
            tenant, label, datetime.now(UTC), scopes=scopes, rate=rate, test=test
        )
    kind = "Test key" if test else "Key"
    may = ", ".join(made.key.scopes)
    note(f"{kind} {made.key.id} for {tenant}: {may}. Keep it: it is not shown again.")
    print(made.written, flush=True)


@app.command("list")
def show(
    tenant: options.Tenant = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """List every key, also revoked ones; never the secret.

    Example: [cyan]sayso keys list -t harbor[/]
    """
    if tenant is not None:
        require_tenant_in(state, tenant)
    with _explain_errors():
        found = [key for key in ApiKeys(state).all() if tenant in (None, key.tenant)]
    if as_json:
        print_json([key.model_dump(mode="json", exclude={"sha256"}) for key in found])
        return
    if not found:
        console().print("There are no keys yet: sayso keys add")
        return
    rows = [
        (
            key.id,
            key.tenant,
            key.label,
            ", ".join(key.scopes) + (" (test)" if key.test else ""),
            format_utc(key.created_at.isoformat()),
            format_utc(key.revoked_at.isoformat()) if key.revoked_at else "",
        )
        for key in found
    ]
    columns = ("key", "tenant", "about", "may", "made (UTC)", "revoked (UTC)")
    console().print(table(None, columns, rows))


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Its id in `sayso keys list`.")],
    state: options.State = options.STATE,
) -> None:
    """Revoke a key. What it reported stays, and still names it.

    Example: [cyan]sayso keys revoke 5d41402abc4b[/]
    """
    with _explain_errors():
        revoked = ApiKeys(state).revoke(key, datetime.now(UTC))
    console().print(f"Key {revoked.id} of {revoked.tenant} holds no more.")


def _parse_scopes(given: list[str]) -> tuple[Scope, ...]:
    """Raises InvalidRequest."""
    if given == ["all"]:
        return tuple(Scope)
    for one in given:
        require_one_of("--scope", one, Scope, ("all",))
    return tuple(scope for scope in Scope if scope in given or "all" in given)


@contextmanager
def _explain_errors() -> Iterator[None]:
    try:
        yield
    except KeysError as error:
        raise InvalidRequest(str(error)) from None
    except OSError as error:
        raise InvalidRequest(f"{error.filename} cannot be used: {error.strerror}") from None
