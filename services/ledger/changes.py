"""Which records change what on a page. Pure; the theory, and what readers call: `change_feed`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from schemas import topics
from schemas.numbers import e164
from services.ledger.projection import ParsedRecord

NO_TENANT: Final = ""
"""The tenant of what belongs to none: senders and dead letters."""
MANY: Final = ""
"""The id of a change that stands for any number of them."""
MOST_RECORDS: Final = 2000
"""Records of a batch whose changes are told one by one. In larger ones the ledger catches up."""


class Part(StrEnum):
    """What a page shows. The id of a change is the one that the part's rows have."""

    MESSAGE = "message"
    THREAD = "thread"
    """A conversation; its id is the number."""
    CASE = "case"
    PERSON = "person"
    CONSENT = "consent"
    """The id is the number."""
    ALERT = "alert"
    """The id is the message's."""
    USAGE = "usage"
    """The id is the day."""
    BALANCE = "balance"
    SETTINGS = "settings"
    """The id is the tenant."""
    TEMPLATE = "template"
    SENDER = "sender"
    DEAD_LETTER = "dead-letter"
    """The id is `partition-offset` on the topic of dead letters."""


class Change(NamedTuple):
    tenant: str
    part: Part
    id: str


_Get = Callable[[Any], Any]


class _Changes(NamedTuple):
    """Of one topic."""

    of: Callable[[Any], Iterable[Change]]
    parts: tuple[Part, ...]
    """All that `of` may name."""


def _of_message(message: Any) -> Iterator[Change]:
    """A text is on its own page, in the conversation, with its person and in its case."""
    tenant = message.tenant
    yield Change(tenant, Part.MESSAGE, message.message_id)
    number = getattr(message, "to", None) or getattr(message, "number", None)
    if number:
        yield Change(tenant, Part.THREAD, e164(number))
    if person_id := getattr(message, "person_id", None):
        yield Change(tenant, Part.PERSON, person_id)
    if case_id := getattr(message, "case_id", None):
        yield Change(tenant, Part.CASE, case_id)


def _of_resend(message: Any) -> Iterator[Change]:
    yield from _of_message(message)
    if message.resend_of:
        yield Change(message.tenant, Part.MESSAGE, message.resend_of)


def _of_alert(message: Any) -> Iterator[Change]:
    yield Change(message.tenant, Part.ALERT, message.message_id)
    yield from _of_message(message)


def _of_consent(message: Any) -> Iterator[Change]:
    """It stands in the conversation too."""
    number = e164(message.number)
    yield Change(message.tenant, Part.CONSENT, number)
    yield Change(message.tenant, Part.THREAD, number)


def _of_fact(message: Any) -> Iterator[Change]:
    yield from _of_consent(message)
    if message.person_id:
        yield Change(message.tenant, Part.PERSON, message.person_id)


def _of_letter(message: Any) -> Iterator[Change]:
    yield Change(NO_TENANT, Part.DEAD_LETTER, f"{message.partition}-{message.offset}")


def _one(part: Part, get: _Get) -> _Changes:
    return _Changes(lambda message: (Change(message.tenant, part, get(message)),), (part,))


_TEXT = _Changes(_of_message, (Part.MESSAGE, Part.THREAD, Part.PERSON, Part.CASE))
_REQUEST = _TEXT._replace(of=_of_resend)
_CONSENT = _Changes(_of_consent, (Part.CONSENT, Part.THREAD))
_THREAD = _one(Part.THREAD, lambda m: e164(m.number))
_CASE = _one(Part.CASE, lambda m: m.case_id)
_SENDER = _Changes(lambda m: (Change(NO_TENANT, Part.SENDER, m.sender),), (Part.SENDER,))

_CHANGES: Final[dict[str, _Changes]] = {
    topics.SEND_REQUESTS.name: _REQUEST,
    topics.PERSON_REQUESTS.name: _REQUEST,
    topics.REQUEST_CANCELS.name: _TEXT,
    topics.APPROVALS.name: _TEXT,
    topics.APPROVAL_LOG.name: _TEXT,
    topics.DISMISSALS.name: _TEXT,
    topics.DECISIONS.name: _TEXT,
    topics.ATTEMPTS.name: _TEXT,
    topics.DELIVERY_RECEIPTS.name: _TEXT,
    topics.OUTCOMES.name: _TEXT,
    topics.ALERTS.name: _Changes(_of_alert, (Part.ALERT, *_TEXT.parts)),
    topics.PEOPLE.name: _one(Part.PERSON, lambda m: m.person_id),
    topics.CONSENT_EVENTS.name: _CONSENT,
    topics.CONSENT_LOG.name: _CONSENT,
    topics.CONSENT_STATUS.name: _CONSENT,
    topics.NUMBER_FACTS.name: _Changes(_of_fact, (*_CONSENT.parts, Part.PERSON)),
    topics.REPLIES.name: _THREAD,
    topics.THREADS.name: _THREAD,
    topics.THREAD_EVENTS.name: _THREAD,
    topics.MAIL_REQUESTS.name: _THREAD,
    topics.CASE_EVENTS.name: _CASE,
    topics.CASES.name: _CASE,
    topics.CASE_TEXTS.name: _CASE,
    topics.USAGE_REPORT.name: _one(Part.USAGE, lambda m: m.period.isoformat()),
    topics.BALANCE.name: _one(Part.BALANCE, lambda m: f"{m.hour:%Y-%m-%dT%H}Z"),
    topics.SETTINGS.name: _one(Part.SETTINGS, lambda m: m.tenant),
    topics.TEMPLATES.name: _one(Part.TEMPLATE, lambda m: m.name),
    topics.SENDERS.name: _SENDER,
    topics.SENDER_STATUS.name: _SENDER,
    topics.LETTER_RESOLUTIONS.name: _Changes(_of_letter, (Part.DEAD_LETTER,)),
    topics.DEAD_LETTERS.name: _Changes(lambda _: (), (Part.DEAD_LETTER,)),
}
"""Topics that are not here change nothing that a page shows."""

_OF_KEY: Final = {
    topics.PEOPLE.name: Part.PERSON,
    topics.CASES.name: Part.CASE,
    topics.SETTINGS.name: Part.SETTINGS,
    topics.TEMPLATES.name: Part.TEMPLATE,
}
"""Topics whose tombstones are changes: a key begins with the tenant, and goes on with the id."""


def list_changes(batch: Sequence[ParsedRecord]) -> list[Change]:
    """Each once. Of a batch so large that nobody could follow it on a page, only what kinds of
    things it changed, with `MANY` for an id."""
    each = _list_each if len(batch) <= MOST_RECORDS else _list_parts
    return list(dict.fromkeys(each(batch)))


def _list_each(batch: Iterable[ParsedRecord]) -> Iterator[Change]:
    for record, message, _ in batch:
        topic = record.partition.topic
        if message is not None:
            if topic == topics.DEAD_LETTERS.name:
                name = f"{record.partition.number}-{record.offset}"
                yield Change(NO_TENANT, Part.DEAD_LETTER, name)
            elif changes := _CHANGES.get(topic):
                yield from changes.of(message)
        elif record.value is None and record.key and (part := _OF_KEY.get(topic)):
            tenant, _, name = record.key.decode(errors="replace").partition("/")
            yield Change(tenant, part, name.partition("/")[0] or tenant)


def _list_parts(batch: Iterable[ParsedRecord]) -> Iterator[Change]:
    pairs = {
        (record.partition.topic, getattr(message, "tenant", NO_TENANT))
        for record, message, _ in batch
        if message is not None
    }
    for topic, tenant in pairs:
        if changes := _CHANGES.get(topic):
            for part in changes.parts:
                yield Change(tenant, part, MANY)
    tombstones = [one for one in batch if one.record.value is None]
    yield from _list_each(tombstones)
