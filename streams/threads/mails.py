"""Mails to staff: somebody has texted, or still waits for an answer.

Theory of operation
-------------------
Mail goes to the address of the case that a text is filed with, else to the tenant's.  A text that
may be about other cases too is mailed to their addresses as well, once to each.

- `reply`: about every inbound text but reactions.  With `bundle_minutes`, one mail tells of all
  texts of a burst; what was answered meanwhile is left out.
- `unanswered`: once for each time of waiting, after so many working hours of the tenant.

A mail's id follows from the tenant, the text and the reason, so a repeat has the same Message-ID.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from schemas.recipe import MailSettings
from schemas.tenant_settings import TenantSettings
from schemas.thread import InboundUse, MailReason, MailRequest
from schemas.topics import MAIL_REQUESTS
from streams.local_time.business_days import add_working_hours
from streams.processing import Publication, Settings, StateStore
from streams.threads.conversation import Conversation, mark_text
from streams.threads.state import Mark, PartyEntry, TextEntry, covers, later_mark
from streams.threads.waiting import Waiting, find_waiting

LAST_DIGITS: Final = 4
OUT_OF_DATE: Final = timedelta(days=7)
"""What is older than that is no mail any more: a version that is new here, or a setting, must not
mail all that was ever left unanswered."""
_NO_MAIL: Final = MailSettings()

Texts = dict[str, TextEntry]
"""By the name of the entry, the oldest first."""


class _Desk(NamedTuple):
    """What every mail about a conversation needs."""

    tenant: str
    number: str
    conversation: Conversation
    waiting: Waiting
    mail: MailSettings
    now: datetime


def publish_mails(
    state: StateStore,
    conversation: Conversation,
    mark: Mark | None,
    now: datetime,
    settings: Settings,
) -> tuple[Conversation, list[Publication]]:
    """The mails that are due, and in the thread's entry when the next is."""
    tenant_id, _, number = state.entity_key.partition("/")
    tenant = settings.tenants.get(tenant_id)
    waiting = find_waiting(conversation, mark)
    mail = tenant.mail if tenant else _NO_MAIL
    desk = _Desk(tenant_id, number, conversation, waiting, mail, now)
    told, bundle_due = _find_unmailed(desk, mark)
    mails = list(_mail_replies(desk, told))
    texts = {
        name: text.model_copy(update={"mailed": True}) if name in told.all else text
        for name, text in conversation.texts.items()
    }
    last, unanswered_due = _find_unanswered(desk, tenant)
    if last is not None:
        mails += _build_mails(desk, waiting.texts, MailReason.UNANSWERED)
    wakes_at = min(filter(None, (bundle_due, unanswered_due)), default=None)
    mailed = later_mark(conversation.thread.mailed_up_to, last)
    changes = {"mailed_up_to": mailed, "wakes_at": wakes_at}
    thread = conversation.thread.model_copy(update=changes)
    published = [Publication(MAIL_REQUESTS, one) for one in mails]
    return replace(conversation, texts=texts, thread=thread), published


class _Unmailed(NamedTuple):
    all: Texts
    """What is dealt with now, mailed or not."""
    mailed: Texts


def _find_unmailed(desk: _Desk, mark: Mark | None) -> tuple[_Unmailed, datetime | None]:
    """Texts that no mail has told of and whose time has come; else when it comes."""
    texts = {
        name: text
        for name, text in desk.conversation.texts.items()
        if not text.mailed and text.use != InboundUse.REACTION
    }
    first = next((text.received_at for text in texts.values()), None)
    if first is None:
        return _Unmailed({}, {}), None
    bundle = timedelta(minutes=desk.mail.bundle_minutes)
    if bundle and desk.now < first + bundle:
        return _Unmailed({}, {}), first + bundle
    answered = mark if bundle else None
    left = {
        name: text
        for name, text in texts.items()
        if not covers(answered, here := mark_text(name, text)) and desk.now - here.at <= OUT_OF_DATE
    }
    return _Unmailed(texts, left), None


def _mail_replies(desk: _Desk, unmailed: _Unmailed) -> Iterator[MailRequest]:
    if desk.mail.bundle_minutes:
        yield from _build_mails(desk, unmailed.mailed, MailReason.REPLY)
        return
    for name, text in unmailed.mailed.items():
        yield from _build_mails(desk, {name: text}, MailReason.REPLY)


def _find_unanswered(
    desk: _Desk, tenant: TenantSettings | None
) -> tuple[Mark | None, datetime | None]:
    """The last text that waits, if a mail is due that they still wait; else when it is."""
    hours = desk.mail.unanswered_hours
    marks = [mark_text(name, text) for name, text in desk.waiting.texts.items()]
    if hours is None or tenant is None or not marks:
        return None, None
    if covers(desk.conversation.thread.mailed_up_to, marks[0]):
        return None, None
    times = (add_working_hours(mark.at, hours, tenant.zone) for mark in marks)
    due = next((at for at in times if desk.now - at <= OUT_OF_DATE), None)
    return (None, due) if due is None or desk.now < due else (marks[-1], None)


def _build_mails(desk: _Desk, texts: Texts, reason: MailReason) -> Iterator[MailRequest]:
    """One to each address, about all texts that concern it."""
    by_address: dict[str, Texts] = {}
    for name, text in texts.items():
        for address in _list_addresses(desk, text):
            by_address.setdefault(address, {})[name] = text
    for address, about in by_address.items():
        yield _build_mail(desk, address, about, reason)


def _build_mail(desk: _Desk, address: str, texts: Texts, reason: MailReason) -> MailRequest:
    last = next(reversed(texts.values()))
    waits = not desk.waiting.texts.keys().isdisjoint(texts)
    is_first = _list_addresses(desk, last)[0] == address
    parties = desk.conversation.parties
    titles = [one.title for (case, _), one in parties.items() if case == last.case_id]
    return MailRequest(
        tenant=desk.tenant,
        mail_id=_build_id(desk.tenant, last.provider_id, reason, "" if is_first else address),
        to=address,
        reason=reason,
        number=desk.number,
        last_digits=desk.number[-LAST_DIGITS:] if desk.mail.show_last_digits else None,
        names=_list_names(desk.conversation, last.people),
        case_id=last.case_id,
        case_title=next(filter(None, titles), ""),
        texts=len(texts),
        inbound_id=last.provider_id,
        waiting_since=desk.waiting.since if waits else None,
        at=desk.now,
    )


def _build_id(*parts: str) -> str:
    return f"m-{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]}"


def _list_addresses(desk: _Desk, text: TextEntry) -> tuple[str, ...]:
    """The first is that of the case that it is filed with; staff who have moved it know that it is
    about no other."""
    cases = (text.case_id,) if text.moved else (text.case_id, *text.others)
    found = (_find_address(desk.conversation, case) or desk.mail.to for case in cases)
    return tuple(dict.fromkeys(filter(None, found)))


def _find_address(conversation: Conversation, case_id: str | None) -> str | None:
    """A case's own, as it was told last."""
    parties = [one for (case, _), one in conversation.parties.items() if case == case_id]
    last = max(parties, key=_told_at, default=None)
    return last.mail if last else None


def _list_names(conversation: Conversation, people: tuple[str, ...]) -> tuple[str, ...]:
    """Of those of them who are parties of a case."""
    found: dict[str, str] = {}
    for (_, person), party in sorted(
        conversation.parties.items(), key=lambda item: _told_at(item[1])
    ):
        if party.name:
            found[person] = party.name
    return tuple(dict.fromkeys(found[person] for person in people if person in found))


def _told_at(party: PartyEntry) -> datetime:
    return party.changes[-1].at
