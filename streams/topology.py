"""Which processor reads and publishes what.  This page alone joins processors, and tells a broker
what to allow."""

from __future__ import annotations

from typing import Final

from schemas import topics as t
from streams.cases import cases, cases_finish, cases_on_timer
from streams.dispatch import dispatch, dispatch_on_timer
from streams.gate import gate, gate_on_timer, is_former_key
from streams.inbox import inbox, inbox_on_timer, is_former_contact_key
from streams.outcomes import outcomes, outcomes_finish, outcomes_on_timer
from streams.people import people, people_on_timer
from streams.processor import PROMPT, Batching, Processor
from streams.threads import threads, threads_finish, threads_on_timer
from streams.threads.state import THREAD
from streams.usage import usage, usage_finish, usage_on_timer

CONTACTS: Final = Batching(stop_topics="topics", busy_tick=1.0)
"""For the inbox.  Contacts come with every text of a shared sender, and nobody waits for them; an
inbound text may be a STOP."""
CALLS: Final = Batching(tick=0.05, busy_tick=0.3)
"""For dispatch.  Each call waits for a commit; one commit serves all calls that gathered
meanwhile."""
BACKGROUND: Final = Batching(tick=0.1, fetch_wait=0.5)
"""For outcomes and usage, which nobody waits for: receipts, alerts and number facts come half a
second later.  So does a receipt that settles an in-doubt attempt; the provider's list, which would
settle it too, answers later than that."""

GATE: Final = Processor(
    "gate",
    process=gate,
    on_timer=gate_on_timer,
    batching=PROMPT,
    waiting_prefix="held/",
    checks_ends=True,
    priority_topics=(t.NUMBER_MOVES, t.CONSENT_EVENTS, t.REPLIES, t.REQUEST_CANCELS),
    is_former_key=is_former_key,
    topics=(t.NUMBER_FACTS, t.RETURNED, t.APPROVALS, t.SEND_REQUESTS),
    published_topics=(
        t.DECISIONS,
        t.DISPATCH_ORDERS,
        t.DISPATCH_CONTROLS,
        t.CONSENT_EVENTS,
        t.CONSENT_LOG,
        t.CONSENT_STATUS,
        t.CONTACTS,
        t.NUMBER_MOVES,
        t.PERSON_ANSWERS,
        t.APPROVAL_LOG,
    ),
)
CASES: Final = Processor(
    "cases",
    process=cases,
    on_timer=cases_on_timer,
    finish_batch=cases_finish,
    batching=PROMPT,
    compresses_idle_state=True,
    waiting_prefix="due/",
    catches_up=True,
    checks_ends=True,
    priority_topics=(t.CASE_PEOPLE, t.CASE_ANSWERS, t.CASE_REPLIES),
    topics=(t.CASE_EVENTS,),
    published_topics=(
        t.CASES,
        t.CASE_TEXTS,
        t.CASE_LINKS,
        t.CASE_NUMBERS,
        t.PERSON_REQUESTS,
        t.PERSON_CANCELS,
        t.CONSENT_EVENTS,
        t.ALERTS,
    ),
)
THREADS: Final = Processor(
    "threads",
    process=threads,
    on_timer=threads_on_timer,
    finish_batch=threads_finish,
    batching=BACKGROUND,
    waiting_prefix=THREAD,
    reports_unreadable=(),
    shared_topics=(t.REPLIES, t.NUMBER_FACTS),
    priority_topics=(t.CASE_NUMBERS, t.NUMBER_FACTS, t.THREAD_MESSAGES),
    topics=(t.REPLIES, t.THREAD_EVENTS),
    published_topics=(t.THREADS, t.CASE_REPLIES, t.MAIL_REQUESTS),
)
PEOPLE: Final = Processor(
    "people",
    process=people,
    on_timer=people_on_timer,
    batching=PROMPT,
    waiting_prefix="req/",
    checks_ends=True,
    priority_topics=(t.PERSON_EVENTS, t.PERSON_ANSWERS, t.PERSON_CANCELS, t.CASE_LINKS),
    topics=(t.PERSON_REQUESTS,),
    published_topics=(
        t.PEOPLE,
        t.SEND_REQUESTS,
        t.REQUEST_CANCELS,
        t.NUMBER_FACTS,
        t.DECISIONS,
        t.CASE_PEOPLE,
        t.CASE_ANSWERS,
    ),
)
INBOX: Final = Processor(
    "inbox",
    process=inbox,
    on_timer=inbox_on_timer,
    batching=CONTACTS,
    priority_topics=(t.CONTACTS,),
    topics=(t.INBOUND,),
    reports_unreadable=(t.INBOUND,),
    is_former_key=is_former_contact_key,
    published_topics=(t.REPLIES, t.CONSENT_EVENTS, t.CONTACTS),
)
DISPATCH: Final = Processor(
    "dispatch",
    process=dispatch,
    on_timer=dispatch_on_timer,
    priority_topics=(t.DISPATCH_CONTROLS,),
    topics=(t.DISPATCH_ORDERS,),
    reports_acquired=True,
    batching=CALLS,
    published_topics=(t.ATTEMPTS, t.RETURNED, t.SENDER_STATUS, t.CONTACTS),
)
OUTCOMES: Final = Processor(
    "outcomes",
    process=outcomes,
    on_timer=outcomes_on_timer,
    finish_batch=outcomes_finish,
    batching=BACKGROUND,
    compresses_idle_state=True,
    topics=(t.DECISIONS, t.ATTEMPTS, t.DELIVERY_RECEIPTS),
    published_topics=(
        t.OUTCOMES,
        t.DISPATCH_CONTROLS,
        t.REQUEST_CANCELS,
        t.NUMBER_FACTS,
        t.CONSENT_EVENTS,
        t.PERSON_ANSWERS,
        t.ALERTS,
        t.CASE_ANSWERS,
        t.THREAD_MESSAGES,
    ),
)
USAGE: Final = Processor(
    "usage",
    process=usage,
    on_timer=usage_on_timer,
    finish_batch=usage_finish,
    batching=BACKGROUND,
    topics=(t.OUTCOMES,),
    published_topics=(t.USAGE_REPORT,),
)

PROCESSORS: Final = {
    processor.name: processor
    for processor in (CASES, PEOPLE, GATE, INBOX, THREADS, DISPATCH, OUTCOMES, USAGE)
}
