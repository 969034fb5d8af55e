"""Compose the mail that tells staff of a reply: who, which case, since when, and where to read it.

What the client wrote is in neither subject nor body: mail is stored and forwarded by others.  Names
and titles come from outside, so none of them may break out of its line."""

from __future__ import annotations

import hashlib
import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from schemas.tenant_settings import TenantSettings
from schemas.thread import MailReason, MailRequest
from schemas.visible_text import ON_ONE_LINE
from services.notify.mail import DOMAIN, MailRefused
from streams.reasons import format_time

IN_SUBJECT: Final = 60
"""Characters of a name or a title."""
IN_BODY: Final = 200
NOBODY: Final = "a number that is not on record"

_ADDRESS: Final = re.compile(r"[^\s@,;:<>()\[\]\\\"]+@[^\s@,;:<>()\[\]\\\"]+")

_SUBJECTS: Final = {
    MailReason.REPLY: "Reply from {who}",
    MailReason.UNANSWERED: "Still waiting for an answer: {who}",
}
"""An unknown reason of a newer version is told as a reply."""
_OPENINGS: Final = {
    MailReason.REPLY: "{who} has texted.",
    MailReason.UNANSWERED: "{who} still waits for an answer.",
}
_FOOTER: Final = (
    "Sayso sends this mail by itself. An answer to it is not texted to anybody: answer in Sayso."
)


def compose_reply_mail(
    request: MailRequest, tenant: TenantSettings | None, sender: str
) -> EmailMessage:
    """The same request makes the same Message-ID, so a repeat is recognised.

    `tenant`: None, if it is not known any more. Raises MailRefused for an invalid address."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = _parse_address(request.to)
    message["Subject"] = _write_subject(request)
    message["Date"] = format_datetime(request.at)
    message["Message-ID"] = build_message_id(request.tenant, request.mail_id)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(_write_body(request, tenant))
    return message


def build_message_id(tenant: str, mail_id: str) -> str:
    digest = hashlib.sha256(f"{tenant}\0{mail_id}".encode()).hexdigest()[:40]
    return f"<{digest}@{DOMAIN}>"


def _parse_address(written: str) -> Address:
    """One address, and nothing else.  A domain with other letters is written as DNS has it."""
    local, _, domain = written.strip().rpartition("@")
    try:
        if _ADDRESS.fullmatch(written.strip()):
            return Address(username=local, domain=domain.encode("idna").decode())
    except (ValueError, IndexError):
        pass
    raise MailRefused("The mail cannot be addressed: its address is not one")


def _write_subject(request: MailRequest) -> str:
    said = _SUBJECTS.get(_reason(request), _SUBJECTS[MailReason.REPLY])
    digits = f"...{request.last_digits}" if request.last_digits else ""
    parts = (said.format(who=_who(request, IN_SUBJECT)), _shorten(request.case_title, IN_SUBJECT))
    return ", ".join(filter(None, (*parts, _shorten(digits, IN_SUBJECT))))


def _write_body(request: MailRequest, tenant: TenantSettings | None) -> str:
    who = _who(request, IN_BODY)
    opening = _OPENINGS.get(_reason(request), _OPENINGS[MailReason.REPLY]).format(who=who)
    lines = [f"{opening[0].upper()}{opening[1:]}", ""]
    case = _shorten(request.case_title, IN_BODY)
    if request.case_id:
        case = f"{case} ({request.case_id})" if case else request.case_id
    about = {
        "From": f"{who}, ...{_shorten(request.last_digits, IN_BODY)}"
        if request.last_digits
        else who,
        "Case": case,
        "Texts": str(request.texts),
        "Waiting since": _write_time(request, tenant),
    }
    lines += [f"{name + ':':<15}{value}" for name, value in about.items() if value]
    if link := _write_link(request, tenant):
        lines += ["", f"Read it, and answer: {link}"]
    return "\n".join([*lines, "", _FOOTER, ""])


def _reason(request: MailRequest) -> MailReason:
    return MailReason.UNANSWERED if request.reason == MailReason.UNANSWERED else MailReason.REPLY


def _who(request: MailRequest, longest: int) -> str:
    """All who have the number: it may be any of them."""
    names = [_shorten(name, longest) for name in request.names]
    return _shorten(" or ".join(filter(None, names)), longest) or NOBODY


def _shorten(text: str | None, longest: int) -> str:
    """On one line, whatever is in it."""
    line = " ".join((text or "").translate(ON_ONE_LINE).split())
    return line if len(line) <= longest else f"{line[: longest - 3].rstrip()}..."


def _write_time(request: MailRequest, tenant: TenantSettings | None) -> str:
    if request.waiting_since is None:
        return ""
    return format_time(request.waiting_since, tenant.zone if tenant else ZoneInfo("UTC"))


def _write_link(request: MailRequest, tenant: TenantSettings | None) -> str:
    link = tenant.mail.link if tenant else None
    if link is None:
        return ""
    filled = link.replace("{number}", quote(request.number, safe=""))
    return "".join(filled.replace("{case}", quote(request.case_id or "", safe="")).split())
