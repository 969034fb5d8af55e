"""A ledger on PostgreSQL answers as one in a file does, after the same records."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas import topics
from schemas.catalog.examples import examples
from services.ledger import Ledger
from services.ledger.ledger import FILE
from services.ledger.projection import Partition, Record
from services.ledger.store import Store
from tests.adapters.ledger_filler import apply_records
from tests.adapters.ledger_reads import NOW, ask_everything
from tests.bench.big_ledger import Size, make_everything
from tests.postgres_server import new_location

PARTITIONS = 3


def make_records(seed: int) -> list[Record]:
    """A small house, and every example of the catalogue; some keys are deleted in the end."""
    told = [*make_everything(Size(messages=400, people=90, cases=18))]
    told += [(one.topic, NOW - timedelta(hours=1), one.message) for one in examples()]
    some = random.Random(seed)
    some.shuffle(told)
    offsets = Counter[Partition]()
    found = []
    for topic, at, message in told:
        key = topic.key(message).encode()
        place = Partition(topic.name, sum(key) % PARTITIONS)
        offsets[place] += 1 + some.randrange(2)  # markers and compaction leave gaps
        at_ms = round(at.timestamp() * 1000)
        found.append(Record(place, offsets[place], at_ms, key, topic.encode(message)))
        if topic in (topics.PEOPLE, topics.CASES) and some.random() < 0.03:
            offsets[place] += 1
            found.append(Record(place, offsets[place], at_ms, key, None))
    return found


def batches(records: list[Record], seed: int) -> Iterator[list[Record]]:
    some = random.Random(seed)
    at = 0
    while at < len(records):
        size = some.choice((1, 30, 400, 1500))
        yield records[at : at + size]
        at += size


@pytest.mark.parametrize("seed", [1])
def test_every_question_has_the_same_answer(postgres: str, tmp_path: Path, seed: int) -> None:
    file = Ledger.open(tmp_path / FILE)
    database = Ledger.open(new_location(postgres))
    for batch in batches(make_records(seed), seed):
        stores: tuple[Store, Store] = (file._store, database._store)
        assert len({apply_records(one, *batch) for one in stores}) == 1
    now = datetime(2026, 11, 29, 12, tzinfo=UTC)
    answers = [dict(ask_everything(one, now)) for one in (file, database)]
    differ = {name for name, one in answers[0].items() if repr(one) != repr(answers[1].get(name))}
    assert answers[0].keys() == answers[1].keys()
    assert not differ, {name: [one[name] for one in answers] for name in sorted(differ)[:3]}
    file.close()
    database.close()
