"""What Twilio refuses at once, in the order in which it looks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from services.local.simulator.errors import MAGIC_FROM, MAGIC_TO
from services.local.simulator.senders import Senders

LONGEST_BODY = 1600
SOONEST, LATEST = timedelta(seconds=900), timedelta(days=35)
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_SENDER = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{3,8}")
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")


def refused(form: Mapping[str, str], senders: Senders, now: float) -> int | None:
    """The code of the first thing that is wrong with a create; `now` in simulated seconds."""
    to, body = form.get("To", ""), form.get("Body", "")
    service, sender = form.get("MessagingServiceSid", ""), form.get("From", "")
    if not to:
        return 21604
    if not service and not sender:
        return 21603
    if not body:
        return 21602
    if len(body) > LONGEST_BODY:
        return 21617
    return (
        _wrong_sender(service, sender, senders)
        or (None if _NUMBER.fullmatch(to) else 21211)
        or _wrong_callback(form.get("StatusCallback"))
        or _wrong_schedule(form, service)
        or MAGIC_TO.get(to)
        or _cannot_leave(to, service, sender, senders, now)
    )


def _wrong_sender(service: str, sender: str, senders: Senders) -> int | None:
    if service:
        if not _SERVICE.fullmatch(service):
            return 21705
        return None if senders.get(service) else 21701
    if sender in MAGIC_FROM:
        return MAGIC_FROM[sender]
    if not _SENDER.fullmatch(sender):
        return 21212
    return None if senders.get(sender) else 21659


def _wrong_callback(url: str | None) -> int | None:
    if url is None:
        return None
    parts = urlsplit(url)
    usable = parts.scheme in {"http", "https"} and parts.hostname and "_" not in parts.hostname
    return None if usable else 21609


def _wrong_schedule(form: Mapping[str, str], service: str) -> int | None:
    if form.get("ScheduleType") != "fixed":
        return None
    if not service:
        return 35118
    if "SendAt" not in form:
        return 35111
    return None if SOONEST <= send_in(form) <= LATEST else 35114


def send_in(form: Mapping[str, str]) -> timedelta:
    return datetime.fromisoformat(form["SendAt"].replace("Z", "+00:00")) - datetime.now(UTC)


def _cannot_leave(to: str, service: str, sender: str, senders: Senders, now: float) -> int | None:
    """A messaging service takes the text even when its queue is full, and fails it later (errors 21611, 30001)."""
    state = senders.get(service or sender)
    if state is None:
        return None
    if to in state.stopped:
        return 21610
    return 21611 if not service and state.is_full(now) else None
