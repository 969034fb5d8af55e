"""A house that was stopped in the middle of its work, as it stood on Kafka: kept, so that later
versions go on from it.

`python -m tests.simulation.upgrade_snapshot NAME` keeps one more, by today's code; those there
are stay as they are."""

from __future__ import annotations

import base64
import gzip
import json
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from schemas import topics as t
from schemas.case_event import CaseOpened
from schemas.person import PersonRequest
from schemas.send_request import SendRequest
from tests.simulation.log import Entry
from tests.simulation.scenario import PEOPLE, Scenario

HOUSES: Final = Path(__file__).parents[1] / "golden" / "houses"
SEED: Final = 22
NOBODY_YET: Final = "p-1"
"""A person of whom nothing is known when the house is stopped."""


def stopped(seed: int = SEED) -> Scenario:
    """Some texts are out, some are queued, in doubt, held for tomorrow, or wait for a person's
    number; reports, replies and a STOP are still to come."""
    scenario = Scenario(seed)
    world = scenario.world
    scenario.people_opt_in()
    opened = CaseOpened(
        tenant="acme", case_id="8841", change_id="c1", title="In re Rivera", at=world.now
    )
    world.publish(t.CASE_EVENTS, opened)
    world.settle(until=timedelta(seconds=1))
    scenario.producers_ask(30)
    scenario.people_say_stop()
    world.settle(until=timedelta(seconds=60))
    tomorrow = SendRequest(
        message_id="tomorrow",
        tenant="acme",
        to=_willing(scenario),
        body="Good morning.",
        kind="reminder",
        not_before=world.now + timedelta(days=1),
        requested_at=world.now,
    )
    scenario.asked["acme", "tomorrow"] = tomorrow
    world.publish(t.SEND_REQUESTS, tomorrow)
    wanted = PersonRequest(
        message_id="by-person",
        tenant="acme",
        person_id=NOBODY_YET,
        body="Hello.",
        kind="reminder",
        requested_at=world.now,
    )
    world.publish(t.PERSON_REQUESTS, wanted)
    for n, number in enumerate(PEOPLE):
        late = SendRequest(
            message_id=f"late-{n}",
            tenant="bolt",
            to=number,
            body="On its way.",
            kind="transactional",
            requested_at=world.now,
        )
        scenario.asked["bolt", late.message_id] = late
        world.publish(t.SEND_REQUESTS, late)
    for _ in range(60):  # no call is made any more: as if the process ended
        world.turn(world.rng.choice(list(world.tasks.values())))
    return scenario


def _willing(scenario: Scenario) -> str:
    """Somebody who has said yes to acme, and will not say no."""
    yes = [
        one.number
        for one in scenario.world.log.all(t.CONSENT_STATUS)
        if (one.tenant, one.state) == ("acme", "opted_in")
    ]
    return next(number for number in yes if number not in scenario.stopped)


def keep(scenario: Scenario, file: Path) -> None:
    world = scenario.world
    kept = {
        "seed": scenario.seed,
        "now": world.now.isoformat(),
        "asked": [json.loads(t.SEND_REQUESTS.encode(one)) for one in scenario.asked.values()],
        "taken": [[*key, n] for key, n in scenario.taken.items()],
        "stopped": {number: at.isoformat() for number, at in scenario.stopped.items()},
        "later": [
            [at.isoformat(), topic.name, json.loads(topic.encode(one))]
            for at, topic, one in world.later
        ],
        "records": [_record(entry) for log in world.log.entries.values() for entry in log],
    }
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(gzip.compress(json.dumps(kept).encode(), mtime=0))


def reopened(file: Path) -> Scenario:
    """Under today's code, by new owners: what their predecessors had begun to call is in doubt."""
    kept = json.loads(gzip.decompress(file.read_bytes()))
    scenario = Scenario(kept["seed"])
    world = scenario.world
    world.now = datetime.fromisoformat(kept["now"])
    for record in kept["records"]:
        entry = _entry(record)
        world.log.entries[entry.topic, entry.partition].append(entry)
    for processor, partition in list(world.tasks):
        world.open(world.tasks[processor, partition].processor, partition)
    for at, topic, said in kept["later"]:
        declared = t.BY_NAME[topic]
        world.publish_at(
            datetime.fromisoformat(at), declared, declared.decode(json.dumps(said).encode())
        )
    requests = [t.SEND_REQUESTS.decode(json.dumps(one).encode()) for one in kept["asked"]]
    scenario.asked = {(one.tenant, one.message_id): one for one in requests}
    scenario.taken = Counter({(tenant, message_id): n for tenant, message_id, n in kept["taken"]})
    scenario.stopped = {
        number: datetime.fromisoformat(at) for number, at in kept["stopped"].items()
    }
    return scenario


def _record(entry: Entry) -> list[Any]:
    headers = [[name, _text(value)] for name, value in entry.headers]
    return [
        entry.topic,
        entry.partition,
        entry.offset,
        entry.timestamp,
        _text(entry.key),
        _text(entry.value),
        headers,
    ]


def _entry(record: list[Any]) -> Entry:
    topic, partition, offset, timestamp, key, value, headers = record
    return Entry(
        topic,
        partition,
        offset,
        timestamp,
        _bytes(key),
        _bytes(value),
        [(name, _bytes(said) or b"") for name, said in headers],
    )


def _text(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


def _bytes(value: str | None) -> bytes | None:
    return None if value is None else base64.b64decode(value)


if __name__ == "__main__":
    keep(stopped(), HOUSES / f"{sys.argv[1]}.json.gz")
