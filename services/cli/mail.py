"""`sayso mail`: the mails to staff that the mail catcher of `sayso up` has kept."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer
from rich.text import Text

from schemas.numbers import mask_text
from schemas.visible_text import VISIBLE
from services.cli import options
from services.display_text import format_utc
from services.local.mail_catcher.store import CaughtMail, MailStore
from services.operations.errors import InvalidRequest
from services.terminal import console, print_json, table

HEADERS: Final = ("From", "To", "Date", "Subject", "Message-ID", "Auto-Submitted")
"""Shown of a mail."""


def mail(
    number: Annotated[
        int | None, typer.Argument(metavar="N", help="Show this one.", show_default=False)
    ] = None,
    state: options.State = options.STATE,
    as_json: options.Json = False,
    unmask: options.Unmask = False,
) -> None:
    """List the mails to staff that were caught instead of sent, newest first; or show one.

    `sayso up` catches them unless SAYSO_SMTP_URL names a mail server.

    Example: [cyan]sayso mail 1[/]
    """
    store = MailStore(state)
    if number is not None:
        found = store.find(number)
        if found is None:
            raise InvalidRequest(f"There is no mail {number}", "see `sayso mail`")
        _show(found, as_json, unmask)
        return
    mails = list(store.list_newest())
    if as_json:
        print_json([_as_data(one, unmask) for one in mails])
    elif not mails:
        console().print("No mail has been caught yet.")
    else:
        rows = [
            (
                one.number,
                format_utc(one.at.isoformat()),
                _clean(one.message["To"], unmask),
                _clean(one.message["Subject"], unmask),
            )
            for one in mails
        ]
        console().print(table(None, ("#", "caught (UTC)", "to", "subject"), rows))


def _show(found: CaughtMail, as_json: bool, unmask: bool) -> None:
    body = _clean(found.body, unmask)
    if as_json:
        print_json({**_as_data(found, unmask), "body": body})
        return
    screen = console()
    for name in HEADERS:
        if (value := found.message[name]) is not None:
            screen.print(Text.assemble((f"{name}: ", "bold"), _clean(value, unmask)))
    screen.print()
    screen.print(Text(body))


def _as_data(found: CaughtMail, unmask: bool) -> dict[str, Any]:
    headers = {
        name.lower().replace("-", "_"): _clean(found.message[name], unmask)
        for name in HEADERS
        if found.message[name] is not None
    }
    return {"number": found.number, "at": found.at.isoformat(), **headers}


def _clean(text: Any, unmask: bool) -> str:
    written = str(text or "")
    return (written if unmask else mask_text(written)).translate(VISIBLE)
