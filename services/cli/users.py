"""`sayso users`: who may sign in to the console, and as what."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from services.cli import options
from services.console.accounts.administration import UserAdmin
from services.console.accounts.role_text import parse_grant
from services.console.accounts.sessions import LINK_LIFE
from services.console.accounts.store import Store
from services.console.accounts.users import User, UsersError
from services.console.viewer import ANY, Grant, Role
from services.operations.errors import InvalidRequest
from services.settings import SettingsError, from_environment
from services.terminal import console, note, print_json, table

app = typer.Typer(
    help="Who may sign in to the console, and what they may do there.",
    no_args_is_help=True,
    add_completion=False,
)
_ROLES: Final = ", ".join(Role)
RoleOption = Annotated[
    list[str] | None,
    typer.Option(
        "--role",
        help=f"ROLE, ROLE@TENANT or ROLE@TENANT/BRANCH; may be repeated. Roles: {_ROLES}.",
        show_default=False,
    ),
]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What they sign in as; it stands in records.")],
    role: RoleOption = None,
    display_name: Annotated[str, typer.Option(help="How pages call them.")] = "",
    subject: Annotated[
        str | None, typer.Option(help="Who they are at the identity provider.")
    ] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read a password from standard input.")
    ] = False,
    state: options.State = options.STATE,
) -> None:
    """Add a user. Without a password they sign in by `sayso users link`, or by OpenID Connect.

    Example: [cyan]sayso users add dana --role approver@harbor[/]
    """
    grants = [_parse_role(one) for one in role or ()]
    if not grants:
        raise InvalidRequest("Say what they may do with --role", f"it is one of {_ROLES}")
    password = sys.stdin.readline().rstrip("\n") if password_stdin else None
    with _open(state) as admin:
        made = admin.add(
            name, display_name, grants, datetime.now(UTC), password=password, subject=subject
        )
    note(f"{made.name} may sign in as {_format_grants(made)}.")


@app.command("list")
def show(state: options.State = options.STATE, as_json: options.Json = False) -> None:
    """List every user, also those who may not sign in any more.

    Example: [cyan]sayso users list[/]
    """
    with _open(state) as admin:
        found = admin.users.all()
    if as_json:
        print_json([_as_data(user) for user in found])
        return
    if not found:
        console().print("There are no users yet: sayso users add")
        return
    rows = [
        (
            user.name,
            user.display_name,
            _format_grants(user),
            "disabled" if user.disabled else _describe_sign_in(user),
        )
        for user in found
    ]
    console().print(table(None, ("name", "called", "roles", "signs in by"), rows))


@app.command("roles")
def set_roles(
    name: Annotated[str, typer.Argument()],
    role: RoleOption = None,
    state: options.State = options.STATE,
) -> None:
    """Replace the roles of a user. It holds at their next click.

    Example: [cyan]sayso users roles dana --role admin@harbor --role operator[/]
    """
    with _open(state) as admin:
        roles = [_parse_role(one) for one in role or ()]
        changed = admin.set_roles(name, roles, datetime.now(UTC))
    note(f"{changed.name}: {_format_grants(changed) or 'no role'}.")


@app.command()
def password(name: Annotated[str, typer.Argument()], state: options.State = options.STATE) -> None:
    """Set a password, read from standard input. It ends their sessions.

    Example: [cyan]sayso users password dana < password.txt[/]
    """
    with _open(state) as admin:
        admin.set_password(name, sys.stdin.readline().rstrip("\n"), datetime.now(UTC))
    note(f"{name} has a new password; their sessions have ended.")


@app.command()
def disable(name: Annotated[str, typer.Argument()], state: options.State = options.STATE) -> None:
    """Let somebody sign in no more, and end their sessions. Their name stays in records.

    Example: [cyan]sayso users disable dana[/]
    """
    with _open(state) as admin:
        admin.disable(name, datetime.now(UTC))
    note(f"{name} may not sign in any more.")


@app.command()
def enable(name: Annotated[str, typer.Argument()], state: options.State = options.STATE) -> None:
    """Let somebody sign in again who was disabled, with the roles that they had.

    Example: [cyan]sayso users enable dana[/]
    """
    with _open(state) as admin:
        admin.enable(name, datetime.now(UTC))
    note(f"{name} may sign in again.")


@app.command()
def link(name: Annotated[str, typer.Argument()], state: options.State = options.STATE) -> None:
    """Print an address that signs somebody in once, for the next minutes.

    Example: [cyan]sayso users link dana[/]
    """
    with _open(state) as admin:
        token = admin.make_link(name, datetime.now(UTC))
    minutes = int(LINK_LIFE.total_seconds() // 60)
    note(f"It works once, for {minutes} minutes.")
    print(f"{_console_url(state)}/sign-in/link?token={token}", flush=True)


FIRST: Final = "admin"
"""Who looks at a stack on their own machine first."""


def make_first_link(state: Path, port: int) -> str:
    """The console's address; with a link that signs the first admin in, while nobody else is
    there."""
    url = from_environment().console_url.rstrip("/") or f"http://127.0.0.1:{port}"
    now = datetime.now(UTC)
    with _open(state) as admin:
        known = admin.users.all()
        if not known:
            admin.add(FIRST, "Admin", [Grant(ANY, ANY, Role.ADMIN)], now)
        elif [user.name for user in known] != [FIRST]:
            return url
        return f"{url}/sign-in/link?token={admin.make_link(FIRST, now)}"


def _console_url(state: Path) -> str:
    """Where the console of this state folder listens, if it runs here."""
    settings = from_environment()
    try:
        port = (state / "run" / "console.ready").read_text()
    except OSError:
        port = str(settings.console_port)
    return settings.console_url.rstrip("/") or f"http://127.0.0.1:{port}"


def _parse_role(written: str) -> Grant:
    try:
        return parse_grant(written)
    except UsersError as error:
        raise InvalidRequest(str(error)) from None


def _format_grants(user: User) -> str:
    return ", ".join(
        _format_grant(one) + " (by group)" * (one not in user.by_hand) for one in user.grants
    )


def _format_grant(grant: Grant) -> str:
    if grant.tenant == ANY:
        return grant.role.value
    branch = "" if grant.branch == ANY else f"/{grant.branch}"
    return f"{grant.role.value}@{grant.tenant}{branch}"


def _describe_sign_in(user: User) -> str:
    ways: Sequence[str] = [
        *(["password"] if user.has_password else []),
        *(["OpenID Connect"] if user.subject else []),
    ]
    return ", ".join(ways) or "link"


def _as_data(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "display_name": user.display_name,
        "roles": [grant._asdict() for grant in user.grants],
        "roles_by_group": [grant._asdict() for grant in user.by_group],
        "password": user.has_password,
        "subject": user.subject,
        "disabled": user.disabled,
    }


@contextmanager
def _open(state: Path) -> Iterator[UserAdmin]:
    try:
        store = Store(state)
    except OSError as error:
        raise InvalidRequest(f"--state {state} cannot be used: {error.strerror}") from None
    try:
        yield UserAdmin(store, options.read_actor(None, "command line"))
    except (UsersError, SettingsError) as error:
        raise InvalidRequest(str(error)) from None
    finally:
        store.close()
