"""What to do with mail that comes back to our address: answer a person once, and a machine never.

Mail goes one way.  Somebody who answers by mail must learn that nobody is texted, but two programs
must never answer each other (RFC 3834).  So whatever looks like a machine gets nothing.  Nor does
what answers no mail of ours: its sender may be forged."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from enum import StrEnum
from typing import Final

from services.notify.mail import DOMAIN

MOST_HEADERS: Final = 2000
"""Characters of a header that are looked at."""
BODY: Final = (
    "Nobody has read your answer, and it was not texted to anybody.\n\n"
    "Please answer in Sayso: the mail that you answered has the link.\n"
)
_OURS: Final = re.compile(rf"<[0-9a-f]{{40}}@{re.escape(DOMAIN)}>")
_BULK: Final = frozenset({"bulk", "list", "junk", "auto_reply"})
_SUPPRESSED: Final = re.compile(r"\b(?:all|autoreply|oof)\b", re.IGNORECASE)
_MARKS: Final = (
    "List-Id",
    "List-Unsubscribe",
    "List-Post",
    "X-Autoreply",
    "X-Autorespond",
    "X-Auto-Reply-From",
    "X-Failed-Recipients",
    "Feedback-ID",
)
"""Headers that only programs write."""
_MACHINES: Final = re.compile(
    r"(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?|owner-.*|.*-request)(?:[+=].*)?",
    re.IGNORECASE,
)


class ReturnedMail(StrEnum):
    ANSWER_ONCE = "answer_once"
    NOTHING = "nothing"


def classify_returned_mail(
    get_header: Callable[[str], str | None], return_path: str
) -> ReturnedMail:
    """`return_path`: the sender of the envelope; empty or `<>` for reports."""
    sender = return_path.strip().strip("<>")
    is_machine = (
        "@" not in sender
        or _MACHINES.fullmatch(sender.rpartition("@")[0]) is not None
        or _first_word(get_header("Auto-Submitted")) not in ("", "no")
        or _first_word(get_header("Precedence")) in _BULK
        or bool(_SUPPRESSED.search((get_header("X-Auto-Response-Suppress") or "")[:MOST_HEADERS]))
        or _first_word(get_header("Content-Type")) == "multipart/report"
        or any(get_header(name) is not None for name in _MARKS)
    )
    return ReturnedMail.NOTHING if is_machine else ReturnedMail.ANSWER_ONCE


def _first_word(header: str | None) -> str:
    """Without parameters and comments: `no; note="x"` is `no`."""
    return re.split(r"[\s;,(]", (header or "")[:MOST_HEADERS].strip(), maxsplit=1)[0].lower()


def find_answered_mail(get_header: Callable[[str], str | None]) -> str | None:
    """The Message-ID of the mail of ours that it answers."""
    for name in ("In-Reply-To", "References"):
        if found := _OURS.search((get_header(name) or "")[:MOST_HEADERS]):
            return found.group()
    return None


def compose_answer(our_address: str, to: str, answered: str, at: datetime) -> EmailMessage:
    """The same answer has the same Message-ID.  Raises ValueError for an invalid address."""
    digest = hashlib.sha256(f"{answered}\0{to}".encode()).hexdigest()[:40]
    local, _, domain = to.rpartition("@")
    message = EmailMessage()
    message["From"] = our_address
    message["To"] = Address(username=local, domain=domain)
    message["Subject"] = "Your answer was not read: please answer in Sayso"
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<answer-{digest}@{DOMAIN}>"
    message["In-Reply-To"] = answered
    message["References"] = answered
    message["Auto-Submitted"] = "auto-replied"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(BODY)
    return message
