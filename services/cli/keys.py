"""`sayso keys`: who may tell us of consent over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from services.cli import options
from services.cli.refused import Refused

app = typer.Typer(
    help="API keys of those who report consent; the state folder has their hashes.",
    no_args_is_help=True,
)


@app.command()
def add(
    tenant: Annotated[str, typer.Option("--tenant", "-t", help="The one tenant it is good for.")],
    label: Annotated[str, typer.Option(help="What it is for, such as website.")] = "",
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
) -> None:
    """Make a key. It is shown now and never again.

    Example: [cyan]sayso keys add -t harbor --label website[/]
    """
    from datetime import UTC, datetime

    from pydantic import TypeAdapter, ValidationError

    from schemas.base import Slug
    from services.cli.known import must_have_in, must_know
    from services.cli.screen import note
    from services.consents.keys import Keys
    from services.local.broker import running

    try:
        TypeAdapter(Slug).validate_python(tenant)
    except ValidationError:
        raise Refused(
            f"--tenant {tenant!r} cannot be used: use letters, digits and . _ : @ - (128 at most)"
        ) from None
    if where := bootstrap or running(state):
        must_know(where, tenant)
    else:
        must_have_in(state, tenant)
    with _in_words():
        made = Keys(state).add(tenant, label, datetime.now(UTC))
    note(f"Key {made.key.id} for {tenant}. Keep it: it is not shown again.")
    print(made.written, flush=True)


@app.command("list")
def show(
    tenant: options.Tenant = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
) -> None:
    """Every key there is, and those that no longer hold; never the secret.

    Example: [cyan]sayso keys list -t harbor[/]
    """
    from services.cli.known import must_have_in
    from services.cli.screen import clock, console, print_json, table
    from services.consents.keys import Keys

    if tenant is not None:
        must_have_in(state, tenant)
    with _in_words():
        found = [key for key in Keys(state).all() if tenant in (None, key.tenant)]
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
            clock(key.created_at.isoformat()),
            clock(key.revoked_at.isoformat()) if key.revoked_at else "",
        )
        for key in found
    ]
    console().print(table(None, ("key", "tenant", "about", "made (UTC)", "revoked (UTC)"), rows))


@app.command()
def revoke(
    key: Annotated[
        str, typer.Argument(metavar="KEY", help="Its id, as `sayso keys list` shows it.")
    ],
    state: options.State = options.STATE,
) -> None:
    """Refuse a key from now on; what it brought stays, and still names it.

    Example: [cyan]sayso keys revoke 5d41402abc4b[/]
    """
    from datetime import UTC, datetime

    from services.cli.screen import console
    from services.consents.keys import Keys

    with _in_words():
        revoked = Keys(state).revoke(key, datetime.now(UTC))
    console().print(f"Key {revoked.id} of {revoked.tenant} holds no more.")


@contextmanager
def _in_words() -> Iterator[None]:
    from services.consents.keys import KeysError

    try:
        yield
    except KeysError as error:
        raise Refused(str(error)) from None
    except OSError as error:
        raise Refused(f"{error.filename} cannot be used: {error.strerror}") from None
