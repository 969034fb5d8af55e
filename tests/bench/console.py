"""How long a page of each list takes in a large ledger, with any filter, near and far: what the
pages of the console and the lists of the API do besides drawing.

`python -m tests.bench.console FOLDER` prints all of them, and the CPU's time beside the clock's: the
first says how it would be with nothing else on the machine."""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from services.ledger.alert_pages import AlertFilter, count_alerts, read_alerts, read_dead_letters
from services.ledger.case_pages import CaseFilter, count_cases, read_calendar, read_cases
from services.ledger.change_feed import changes_since, freshness, position
from services.ledger.dead_letters import DeadLetterFilter
from services.ledger.ledger import Ledger
from services.ledger.message_pages import (
    MessageFilter,
    count_boxes,
    count_messages,
    read_messages,
    select_messages,
)
from services.ledger.message_search import search_messages
from services.ledger.paging import write_cursor
from services.ledger.person_index import Reach
from services.ledger.person_pages import PersonFilter, count_reach, read_people
from services.ledger.scope import EVERYTHING, Scope
from services.ledger.thread_pages import ThreadFilter, count_threads, read_threads
from streams.mailboxes import Box
from tests.bench.big_ledger import DAYS, NOW, TENANTS, Size, fill

CALLS: Final = 40
"""Of each list; p95 is that of the third slowest."""

Call = Callable[[Ledger, random.Random], object]

FIRM: Final = Scope({TENANTS[0]: None})
BRANCH: Final = Scope(
    {TENANTS[0]: frozenset({"court"}), TENANTS[3]: frozenset({"court", "estate"})}
)
COURT: Final = frozenset({"court"})
MESSAGES: Final = {
    "all": MessageFilter(),
    "all of a firm": MessageFilter(FIRM),
    "all of a branch": MessageFilter(BRANCH),
    "ready": MessageFilter(FIRM, Box.READY),
    "ready, every firm": MessageFilter(box=Box.READY),
    "outbox": MessageFilter(FIRM, Box.OUTBOX),
    "outbox, attention": MessageFilter(FIRM, Box.OUTBOX, attention=True),
    "sentbox": MessageFilter(FIRM, Box.SENTBOX),
    "sentbox, attention": MessageFilter(box=Box.SENTBOX, attention=True),
    "a code": MessageFilter(codes=frozenset({"30007"})),
    "a code, state, kind and branch": MessageFilter(
        FIRM,
        states=frozenset({"failed"}),
        codes=frozenset({"30032"}),
        kinds=frozenset({"alert"}),
        branches=COURT,
    ),
    "what is never so": MessageFilter(states=frozenset({"delivered"}), codes=frozenset({"30007"})),
    "a sender": MessageFilter(senders=frozenset({"72971"})),
    "a period": MessageFilter(FIRM, since=date(2026, 6, 1), until=date(2026, 6, 7)),
    "a period and a state": MessageFilter(
        states=frozenset({"expired"}), since=date(2026, 2, 1), until=date(2026, 2, 3)
    ),
    "a busy person": MessageFilter(person="p-000007"),
    "a person, failed": MessageFilter(person="p-000007", states=frozenset({"failed"})),
    "a person, never so": MessageFilter(person="p-000007", kinds=frozenset({"marketing"})),
    "a case": MessageFilter(case="case-00007"),
    "a number": MessageFilter(number="+12192125550000"),
}
SEARCHES: Final = {
    "words": ("hearing tuesday", MessageFilter(FIRM)),
    "a word of most texts": ("hearing", MessageFilter(FIRM)),
    "a word, rarely so": ("hearing", MessageFilter(states=frozenset({"in_doubt"}))),
    "a word, never so": ("hearing", MessageFilter(kinds=frozenset({"marketing"}))),
    "an id": ("m-0500001", MessageFilter()),
    "the beginning of an id": ("m-05", MessageFilter(FIRM)),
    "last digits": ("5550042", MessageFilter()),
    "a name": ("Ana Rivera", MessageFilter(FIRM)),
    "a first name": ("Marta", MessageFilter()),
}
PEOPLE: Final = {
    "all": PersonFilter(),
    "of a firm": PersonFilter(FIRM),
    "of branches": PersonFilter(BRANCH),
    "pending": PersonFilter(FIRM, frozenset({Reach.PENDING})),
    "a name": PersonFilter(search="rivera"),
    "part of most": PersonFilter(search="555"),
    "digits": PersonFilter(search="5550042"),
    "two letters": PersonFilter(search="ng"),
    "nobody": PersonFilter(search="zzzz"),
    "two letters, nobody": PersonFilter(search="zz"),
}
CASES: Final = {
    "open": CaseFilter(FIRM),
    "closed": CaseFilter(closed=True),
    "of a branch": CaseFilter(BRANCH),
    "search": CaseFilter(search="rivera"),
    "search, none": CaseFilter(search="zzzz"),
}
THREADS: Final = {
    "waiting": ThreadFilter(FIRM, waiting=True),
    "all": ThreadFilter(),
    "of branches": ThreadFilter(BRANCH),
    "assigned": ThreadFilter(assigned_to="dana"),
    "assigned to nobody here": ThreadFilter(assigned_to="nobody"),
    "without a case": ThreadFilter(without_case=True),
    "may be a stop": ThreadFilter(in_question=True),
    "digits": ThreadFilter(search="5550042"),
    "a name": ThreadFilter(FIRM, search="rivera"),
}


class Timing(NamedTuple):
    name: str
    p50_ms: float
    p95_ms: float
    cpu_p95_ms: float


def list_calls(size: Size) -> Iterator[tuple[str, Call]]:
    for name, wanted in MESSAGES.items():
        yield f"messages: {name}", _messages(wanted)
        yield f"messages: {name}, far", _messages(wanted, size)
        yield f"messages: {name}, count", _count(wanted)
    yield (
        "messages: select all ready",
        lambda ledger, _: select_messages(ledger, MESSAGES["ready"], NOW, 1000),
    )
    yield "messages: boxes", lambda ledger, _: count_boxes(ledger, FIRM, NOW)
    yield "messages: boxes, every firm", lambda ledger, _: count_boxes(ledger, EVERYTHING, NOW)
    for name, (words, wanted) in SEARCHES.items():
        yield f"search: {name}", _search(words, wanted)
        yield f"search: {name}, next", _search(words, wanted, pages=2)
    for name, people in PEOPLE.items():
        yield f"people: {name}", _people(people)
        yield f"people: {name}, far", _people(people, far=True)
    yield "people: reach", lambda ledger, _: count_reach(ledger, FIRM)
    yield "people: reach of branches", lambda ledger, _: count_reach(ledger, BRANCH)
    for name, cases in CASES.items():
        yield f"cases: {name}", _cases(cases)
    yield (
        "cases: calendar",
        lambda ledger, _: read_calendar(ledger, FIRM, NOW, NOW + timedelta(days=2)),
    )
    for name, threads in THREADS.items():
        yield f"threads: {name}", _threads(threads)
    yield "alerts", _alerts(AlertFilter(FIRM))
    yield "alerts: every firm, closed too", _alerts(AlertFilter(closed=True))
    yield "dead letters", lambda ledger, _: read_dead_letters(ledger, DeadLetterFilter())
    yield "position, freshness, changes", _position


def _messages(wanted: MessageFilter, size: Size | None = None) -> Call:
    """Far: from a row anywhere in the list."""

    def call(ledger: Ledger, some: random.Random) -> object:
        cursor = None
        if size is not None:
            at = NOW - timedelta(days=some.random() * DAYS)
            row = some.randrange(size.messages)
            cursor = write_cursor((round(at.timestamp() * 1000), row), wanted)
        return read_messages(ledger, wanted, NOW, cursor=cursor)

    return call


def _count(wanted: MessageFilter) -> Call:
    return lambda ledger, _: count_messages(ledger, wanted, NOW)


def _search(words: str, wanted: MessageFilter, pages: int = 1) -> Call:
    cursors = dict[Ledger, str | None]()

    def call(ledger: Ledger, _: random.Random) -> object:
        # Each call is the page after that of the call before.
        cursor = cursors.get(ledger) if pages > 1 else None
        page = search_messages(ledger, wanted, words, NOW, may_read_texts=True, cursor=cursor)
        cursors[ledger] = page.cursor
        return page

    return call


def _people(wanted: PersonFilter, far: bool = False) -> Call:
    def call(ledger: Ledger, some: random.Random) -> object:
        name = some.choice("abcdefghijklmnopqrstuvwxyz") + some.choice("aeiou")
        cursor = write_cursor((name, TENANTS[0], "p"), wanted) if far else None
        return read_people(ledger, wanted, cursor=cursor)

    return call


def _cases(wanted: CaseFilter) -> Call:
    def call(ledger: Ledger, _: random.Random) -> object:
        return read_cases(ledger, wanted, NOW), count_cases(ledger, wanted)

    return call


def _threads(wanted: ThreadFilter) -> Call:
    def call(ledger: Ledger, _: random.Random) -> object:
        return read_threads(ledger, wanted), count_threads(ledger, wanted)

    return call


def _alerts(wanted: AlertFilter) -> Call:
    def call(ledger: Ledger, _: random.Random) -> object:
        return read_alerts(ledger, wanted, NOW), count_alerts(ledger, wanted, NOW)

    return call


def _position(ledger: Ledger, _: random.Random) -> object:
    here = position(ledger)
    return freshness(ledger, NOW), changes_since(ledger, here._replace(seq=max(here.seq - 500, 0)))


def measure(folder: Path, size: Size, calls: int = CALLS) -> list[Timing]:
    ledger = Ledger.open_for_reading(fill(folder, size))
    try:
        return [_time(name, call, ledger, calls) for name, call in list_calls(size)]
    finally:
        ledger.close()


def _time(name: str, call: Call, ledger: Ledger, calls: int) -> Timing:
    some = random.Random(name)
    clock, cpu = [], []
    for _ in range(calls):
        began, spent = time.perf_counter(), time.thread_time()
        call(ledger, some)
        cpu.append((time.thread_time() - spent) * 1e3)
        clock.append((time.perf_counter() - began) * 1e3)
    return Timing(name, _share(clock, 0.5), _share(clock, 0.95), _share(cpu, 0.95))


def _share(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.console", description=__doc__)
    parser.add_argument("folder", type=Path)
    for name, count in Size()._asdict().items():
        parser.add_argument(f"--{name}", type=int, default=count)
    given = parser.parse_args()
    size = Size(given.messages, given.people, given.cases)
    for one in sorted(measure(given.folder, size), key=lambda one: -one.cpu_p95_ms):
        print(f"{one.p50_ms:8.1f} {one.p95_ms:8.1f} {one.cpu_p95_ms:8.1f}  {one.name}")


if __name__ == "__main__":
    main()
