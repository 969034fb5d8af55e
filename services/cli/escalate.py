"""`sayso escalate`: hand a message to support, with all that is known of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import options
from services.cli.refused import Refused

if TYPE_CHECKING:
    from services.ledger.explain import Explained
    from services.notify import Mail, Server

Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        help="Write it here: as JSON if it ends in .json, else to read.",
        show_default=False,
    ),
]
Numbers = Annotated[bool, typer.Option("--numbers", help="With phone numbers in full.")]
Texts = Annotated[bool, typer.Option("--texts", help="With what was written in full.")]
HOW = "say --out FILE, or set SAYSO_SUPPORT_ADDRESS and SAYSO_SMTP_URL to mail it"


def escalate(
    message_id: Annotated[str, typer.Argument(metavar="MESSAGE_ID")],
    out: Out = None,
    tenant: options.Tenant = None,
    bootstrap: options.Bootstrap = None,
    state: options.State = options.STATE,
    numbers: Numbers = False,
    texts: Texts = False,
) -> None:
    """A bundle for support: timeline, findings, attempts, receipts and what the codes mean. Without --out it is mailed
    to the configured address. Numbers and texts are hidden unless asked for.

    Example: [cyan]sayso escalate m-20261121-120000-7f3a9c --out case.json[/]
    """
    from services.cli.bundle import hidden
    from services.cli.explain import on_record
    from services.cli.screen import console

    mailing = None if out else _mailing()
    found = hidden(on_record(message_id, tenant, bootstrap, state), numbers=numbers, texts=texts)
    if out:
        _write(out, found)
    if mailing:
        _mail(*mailing, found)
    where = out or (mailing and f"mailed to {mailing[1]}")
    console().print(
        f"{found.tenant}/{found.message_id}: the bundle is {'in ' if out else ''}{where}."
    )


def _write(file: Path, found: Explained) -> None:
    """For its owner only.  Raises Refused."""
    from services.cli.bundle import as_data, as_text

    data = as_data(found, datetime.now(UTC))
    text = (
        json.dumps(data, indent=2, ensure_ascii=False) + "\n"
        if file.suffix == ".json"
        else as_text(found)
    )
    try:
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused(f"--out {file} cannot be written: {error.strerror}") from None


def _mailing() -> tuple[Server, str, str]:
    """The server, whom to, and from whom.  Raises Refused, before anything is read."""
    from services.notify import MailError, server_of
    from services.settings import SettingsError, from_environment

    try:
        settings = from_environment()
        if not settings.support_address or not settings.smtp_url.get_secret_value():
            raise Refused(f"Nobody is configured to get it: {HOW}")
        server = server_of(settings.smtp_url)
    except SettingsError as error:
        raise Refused(str(error)) from None
    except MailError as error:
        raise Refused(f"SAYSO_SMTP_URL cannot be used: {error}") from None
    return server, settings.support_address, settings.mail_from or settings.support_address


def _mail(server: Server, to: str, sender: str, found: Explained) -> None:
    from services.notify import MailError, send

    try:
        send(server, mail_of(found, to, sender, datetime.now(UTC)))
    except MailError as error:
        raise Refused(f"{error}. To keep the bundle as a file: --out FILE", 1) from None


def mail_of(found: Explained, to: str, sender: str, now: datetime) -> Mail:
    from services.cli.bundle import as_data, as_text
    from services.notify import Mail

    outcome = found.outcome or {}
    what = " ".join(
        filter(None, (outcome.get("state", "not judged yet"), outcome.get("error_code")))
    )
    whole = json.dumps(as_data(found, now), indent=2, ensure_ascii=False)
    subject = f"Sayso: {found.tenant}/{found.message_id} is {what}"
    return Mail(
        sender, to, subject, as_text(found), {f"{found.message_id.replace(':', '_')}.json": whole}
    )
