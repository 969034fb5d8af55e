"""What cases cost by themselves: the partition task, fed in memory.  A launch of many parties, many
reminders that are planned, and their requests when they are due.  `tests.bench.casework` measures
the same on a broker.

Run as a process, so that nothing else grows: `python -m tests.bench.cases --parties N --reminders M`
prints one line of JSON."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import TypeAdapter

from schemas import topics as t
from schemas.base import Message
from schemas.case import CasePerson
from schemas.case_event import CaseEvent
from schemas.person import NumberType, PersonNumber
from schemas.tenant_settings import TenantSettings
from schemas.topics import Topic
from streams.partition import changelog
from streams.partition.task import PartitionTask
from streams.processing import build_settings
from streams.topology import CASES
from tests.bench import people
from tests.bench.process import PYTHON, last_words, running
from tests.simulation.log import Entry

REAL: Final = 100
"""Cases that the processor really plans; the others are copies under their own ids."""
CLIENTS, EVENTS = 4, 4
OFFSETS: Final = ("1 week before", "3 days before", "1 day before", "3 hours before", "1 day after")
A_CASE: Final = CLIENTS * EVENTS * len(OFFSETS)
"""Reminders of one case."""
START: Final = datetime(2026, 11, 23, 15, tzinfo=UTC)
TEMPLATE: Final = (
    "{{ person.first }}, your {{ event.title }} is {{ event.relative_day }} at {{ event.time }}."
)
SETTINGS: Final = build_settings(
    {
        people.TENANT.tenant: TenantSettings.model_validate(
            people.TENANT.model_dump()
            | {
                "templates": {"hearing": {"texts": {"en": TEMPLATE}}},
                "recipes": {
                    f"r{n}": {"event_type": "hearing", "offset": offset, "template": "hearing"}
                    for n, offset in enumerate(OFFSETS)
                },
            }
        )
    },
    {people.SENDER.sender: people.SENDER},
)
BATCH: Final = 2000

_read: TypeAdapter[Any] = TypeAdapter(CaseEvent)


class Figures(NamedTuple):
    """All times are those of the CPU."""

    launch_cpu_us_per_party: float
    cpu_us_per_reminder: float
    state_bytes_per_reminder: float
    """Keys and values, as in the changelog."""
    entries: float
    restore_cpu_seconds: float
    """Of that state, once it has been fetched."""


class Cases:
    """One task, one partition."""

    def __init__(self, start: datetime = START) -> None:
        counts = dict.fromkeys([topic.name for topic in t.EVERY_TOPIC], 1)
        self.task = PartitionTask(CASES, 0, counts, limit=BATCH)
        self.start = self.now = start
        self.requested = 0
        self.changelog: list[tuple[bytes, bytes | None]] = []
        self._offsets: dict[str, int] = {}

    def tell(self, topic: Topic[Any], messages: list[Message]) -> None:
        for first in range(0, len(messages), BATCH):
            records = [self._entry(topic, one) for one in messages[first : first + BATCH]]
            self.task.feed(topic.name, records)  # type: ignore[arg-type]
            self.work()

    def _entry(self, topic: Topic[Any], message: Message) -> Entry:
        offset = self._offsets[topic.name] = self._offsets.get(topic.name, -1) + 1
        at = int(self.now.timestamp() * 1000)
        key = topic.key(message).encode()
        return Entry(topic.name, 0, offset, at, key, topic.encode(message))

    def work(self) -> None:
        """Until nothing is due."""
        while self.task.idle_until() <= self.now.timestamp():
            self.task.ends_check.note({}, self.now.timestamp())  # there is no broker to ask
            tx = self.task.begin(self.now)
            while self.task.evaluate(tx, SETTINGS, limit=BATCH):
                pass
            names = [send.topic for send in tx.outgoing_records]
            self.requested += names.count(t.PERSON_REQUESTS.name)
            self.changelog += self.task.build_changelog(tx)
            self.task.mark_committed(tx)

    def pass_time(self, until: datetime) -> None:
        while (at := self.task.timers.next()) <= until.timestamp():
            self.now = max(self.now, datetime.fromtimestamp(at, UTC) + timedelta(milliseconds=1))
            self.work()
        self.now = until


def change(case_id: str, kind: str, n: int = 0, /, at: datetime = START, **fields: Any) -> Message:
    said = {"tenant": people.TENANT.tenant, "case_id": case_id, "change_id": f"{kind}-{n}"}
    found: Message = _read.validate_python({**said, "type": kind, "at": at, **fields})
    return found


def record(case_id: str, n: int, at: datetime = START) -> CasePerson:
    """As people publish it."""
    mobile = PersonNumber(number=f"+1212{n:07}", type=NumberType.MOBILE, sms_enabled=True)
    return CasePerson(
        tenant=people.TENANT.tenant,
        case_id=case_id,
        person_id=f"p{n}",
        name=f"Person {n}",
        first_name="Ana",
        time_zone="America/New_York",
        numbers=(mobile,),
        version=1,
        at=at,
    )


def parties_of(case_id: str, numbers: range, at: datetime = START) -> list[Message]:
    return [
        change(case_id, "party_added", n, at=at, person_id=f"p{n}", role="client") for n in numbers
    ]


def launch_of(case_id: str, at: datetime = START) -> list[Message]:
    """A case with one text to all clients, before its launch."""
    task = {"task_id": "welcome", "body": "Welcome.", "audience": {"roles": ["client"]}}
    return [
        change(case_id, "case_opened", at=at, title="Class action"),
        change(case_id, "task_scheduled", at=at, **task),
    ]


def add_parties(cases: Cases, case_id: str, numbers: range) -> None:
    cases.tell(t.CASE_EVENTS, parties_of(case_id, numbers, cases.start))
    cases.tell(t.CASE_PEOPLE, [record(case_id, n, cases.start) for n in numbers])


def measure_launch(parties: int) -> float:
    """Microseconds a party, from the launch to the last request; each is asked for opt-in too."""
    cases = Cases()
    cases.tell(t.CASE_EVENTS, launch_of("big"))
    add_parties(cases, "big", range(parties))
    began = time.process_time()
    cases.tell(t.CASE_EVENTS, [change("big", "launched")])
    cases.pass_time(START + timedelta(minutes=1))
    took = time.process_time() - began
    if cases.requested != parties:
        raise ValueError(f"{cases.requested} texts were requested of {parties} parties")
    return took / parties * 1e6


def plan_cases(count: int, start: datetime = START) -> Cases:
    """Their events are 40 days apart, the first in 40 to 67 days."""
    cases = Cases(start)
    for n in range(count):
        case_id = f"case-{n:06}"
        cases.tell(t.CASE_EVENTS, [change(case_id, "case_opened", at=start, title=f"Case {n}")])
        add_parties(cases, case_id, range(n * CLIENTS, (n + 1) * CLIENTS))
        hearings = [
            change(
                case_id,
                "event_saved",
                k,
                at=start,
                event_id=f"hearing-{k}",
                event_type="hearing",
                title="Hearing",
                starts_at=f"{start + timedelta(days=40 * k + n % 28):%Y-%m-%d}T{9 + n % 8:02}:00",
            )
            for k in range(1, EVENTS + 1)
        ]
        cases.tell(t.CASE_EVENTS, hearings)
    return cases


def copy_state(cases: Cases, copies: int) -> Iterator[tuple[bytes, bytes]]:
    """As the changelog would hold it with so many reminders planned."""
    latest = {key: value for key, value in cases.changelog if b"case-" in key and value}
    for copy in range(copies):
        for key, value in latest.items():
            yield key.replace(b"case-", b"copy%04d-" % copy), value


def measure(parties: int, reminders: int, real: int = REAL) -> Figures:
    launch = measure_launch(parties)
    cases = plan_cases(real)
    copies = -(-reminders // (A_CASE * real))
    state = list(copy_state(cases, copies))
    size = sum(len(key) + len(value) for key, value in state) / (copies * A_CASE * real)
    positions = (changelog.POSITIONS, changelog.encode_positions({}, len(state), 1))
    owner = Cases().task
    began = time.process_time()
    owner.restore([*state, positions])
    restored = time.process_time() - began
    began = time.process_time()
    cases.pass_time(START + timedelta(days=40 * EVENTS + 30))
    took = time.process_time() - began
    if cases.requested != A_CASE * real:
        raise ValueError(f"{cases.requested} reminders were requested, not {A_CASE * real}")
    return Figures(launch, took / cases.requested * 1e6, size, len(state), restored)


async def one_run(parties: int, reminders: int) -> Figures:
    """Raises Ended."""
    sizes = ["--parties", str(parties), "--reminders", str(reminders)]
    with tempfile.TemporaryDirectory(prefix="sayso-bench-") as folder:
        async with running([PYTHON, "-m", "tests.bench.cases", *sizes], Path(folder)) as process:
            await process.wait()
        return Figures(**json.loads(last_words(Path(folder) / "log")))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--parties", type=int, required=True)
    parser.add_argument("--reminders", type=int, required=True)
    given = parser.parse_args()
    print(json.dumps(measure(given.parties, given.reminders)._asdict()))


if __name__ == "__main__":
    main()
