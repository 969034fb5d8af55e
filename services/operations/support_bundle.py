"""A bundle for support: all that is known of one message, masked, in a file or a mail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from services.ledger.explain import Event, Explanation
from services.masking import mask_numbers, mask_texts
from services.notify import Mail, MailError, Server, send, server_of
from services.operations.errors import InvalidRequest, OperationFailed
from services.operations.explain_text import describe, describe_code, describe_steps
from services.settings import SettingsError, from_environment
from streams.error_codes import lookup

FORMAT: Final = 1
"""Version of the JSON; raised when readers must change."""
HOW: Final = "say --out FILE, or set SAYSO_SUPPORT_ADDRESS and SAYSO_SMTP_URL to mail it"


class Mailbox(NamedTuple):
    """Where bundles are mailed to."""

    server: Server
    to: str
    sender: str


def hide(found: Explanation, *, numbers: bool, texts: bool) -> Explanation:
    """Mask what leaves the firm; `numbers` and `texts` say which are shown in full."""

    def clean(value: Any) -> Any:
        value = value if texts else mask_texts(value)
        return value if numbers else mask_numbers(value)

    def clean_events(events: tuple[Event, ...]) -> tuple[Event, ...]:
        return tuple(event._replace(data=clean(event.data)) for event in events)

    return found._replace(
        events=clean_events(found.events),
        consent=clean_events(found.consent),
        outcome=clean(found.outcome),
    )


def as_data(found: Explanation, now: datetime) -> dict[str, Any]:
    """The bundle as JSON.  `found` has been masked before."""
    return {
        "format": FORMAT,
        "made_at": now.isoformat(timespec="seconds"),
        "tenant": found.tenant,
        "message_id": found.message_id,
        "now": found.outcome,
        "codes": [lookup(code).as_data() for code in list_codes(found)],
        "findings": [*_findings(found)],
        "attempts": [event.data | {"place": event.place} for event in _events(found, "attempt")],
        "receipts": [event.data | {"place": event.place} for event in _events(found, "receipt")],
        "timeline": [
            {"at": event.at, "what": event.what, "place": event.place, "data": event.data}
            for event in found.events
        ],
        "consent": [
            {"at": event.at, "place": event.place, "data": event.data} for event in found.consent
        ],
    }


def as_text(found: Explanation) -> str:
    """The bundle for a person: what became of the message, step by step, and its error codes."""
    lines = [str(describe(found, unmask=True)), ""]
    lines += map(str, describe_steps(found, unmask=True))
    for code in list_codes(found):
        page = "".join(text for text, _ in describe_code(lookup(code)))
        lines += ["", "-" * 72, page]
    return "\n".join(lines) + "\n"


def write_bundle(file: Path, found: Explanation, now: datetime) -> None:
    """Write JSON if the name ends in .json, else text; only the owner can read it.

    Raises InvalidRequest."""
    text = as_text(found)
    if file.suffix == ".json":
        text = json.dumps(as_data(found, now), indent=2, ensure_ascii=False) + "\n"
    try:
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidRequest(f"--out {file} cannot be written: {error.strerror}") from None


def read_mailbox() -> Mailbox:
    """From the environment.  Raises InvalidRequest."""
    try:
        settings = from_environment()
        if not settings.support_address or not settings.smtp_url.get_secret_value():
            raise InvalidRequest("Nobody is configured to get it", HOW)
        server = server_of(settings.smtp_url)
    except SettingsError as error:
        raise InvalidRequest(str(error)) from None
    except MailError as error:
        raise InvalidRequest(f"SAYSO_SMTP_URL cannot be used: {error}") from None
    sender = settings.mail_from or settings.support_address
    return Mailbox(server, settings.support_address, sender)


def mail_bundle(mailbox: Mailbox, found: Explanation, now: datetime) -> None:
    """Mail the bundle as text, with its JSON attached.  Raises OperationFailed."""
    outcome = found.outcome or {}
    state = " ".join(
        filter(None, (outcome.get("state", "not judged yet"), outcome.get("error_code")))
    )
    mail = Mail(
        mailbox.sender,
        mailbox.to,
        f"Sayso: {found.tenant}/{found.message_id} is {state}",
        as_text(found),
        {
            f"{found.message_id.replace(':', '_')}.json": json.dumps(
                as_data(found, now), indent=2, ensure_ascii=False
            )
        },
    )
    try:
        send(mailbox.server, mail)
    except MailError as error:
        raise OperationFailed(f"{error}. To keep the bundle as a file: --out FILE") from None


def list_codes(found: Explanation) -> list[str]:
    """The code of the outcome first, then the others in the order in which they came."""
    reports = [event.data for what in ("attempt", "receipt") for event in _events(found, what)]
    codes = [data.get("error_code") or data.get("code") for data in (found.outcome or {}, *reports)]
    return [*dict.fromkeys(str(code) for code in codes if code)]


def _events(found: Explanation, what: str) -> Iterator[Event]:
    return (event for event in found.events if event.what == what)


def _findings(found: Explanation) -> Iterator[dict[str, Any]]:
    for event in _events(found, "decision"):
        about = {"seq": event.data.get("seq"), "decided": event.data.get("verdict"), "at": event.at}
        for finding in event.data.get("findings", ()):
            yield finding | about | {"place": event.place}
