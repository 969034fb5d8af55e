"""The demo's fictional people, and what is requested for them, all from one seed."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from schemas.base import Evidence
from schemas.consent import ConsentAction, ConsentEvent
from schemas.send_request import SendRequest
from services.local.demo.cast import CAST, script_cast

CORPUS: Final = Path(__file__).with_name("sms_corpus.tsv")
"""Credit and licence: NOTICE, next to it."""

ROLES: Final = {
    "agreed": 70,
    "says START": 7,
    "never answers": 8,
    "said no": 5,
    "says STOP": 5,
    "cannot be reached": 5,
}
"""Shares of a hundred people.

Two roles were never asked before: Sayso asks them by text, and those who say START then get texts.
"""
NEVER_ASKED: Final = ("says START", "never answers", "has no mobile")
"""Roles without a consent on record.  The last is in the story of a law office only."""
DELIVERED: Final = "delivered"
FAILURES: Final = ("undelivered:30003", "undelivered:30005", "failed:30006")
KINDS: Final = {"reminder": 50, "transactional": 30, "direct": 20}
"""Kinds of requests, by weight."""
WORDING: Final = "Yes, text me about my case. Reply STOP to end, HELP for help."

_AREA_CODES: Final = [
    "201",
    "202",
    "203",
    "205",
    "206",
    "207",
    "208",
    "210",
    "212",
    "213",
    "214",
    "215",
    "216",
    "217",
    "218",
    "301",
    "302",
    "303",
    "304",
    "305",
    "307",
    "310",
    "312",
    "313",
    "314",
    "401",
    "402",
    "404",
    "405",
    "406",
    "410",
    "412",
    "414",
    "415",
    "501",
    "502",
    "503",
    "504",
    "505",
    "512",
    "602",
    "603",
    "605",
    "612",
    "617",
    "701",
    "702",
    "713",
    "718",
    "801",
    "802",
    "803",
    "804",
    "808",
    "901",
    "904",
    "907",
    "912",
    "913",
    "916",
]
MOST_PEOPLE: Final = len(_AREA_CODES) * 100
CLIENTS: Final = ("+19195550101", "+19195550102")
"""In an area code of their own."""


class Person(NamedTuple):
    number: str
    role: str
    scenario: str = DELIVERED
    """Of the simulator."""


class Fixtures(NamedTuple):
    people: tuple[Person, ...]
    claims: tuple[ConsentEvent, ...]
    first: tuple[SendRequest, ...]
    second: tuple[SendRequest, ...]
    """Requested once everybody who answers the first texts with STOP or START has been heard."""
    clients: tuple[Person, Person]
    """Somebody's number on file, which is wrong, and their own. Both agreed."""
    cast: tuple[Person, ...] = ()
    """The people of the law-office story."""
    later: frozenset[str] = frozenset()
    """Ids of what staff request in the end, and of the texts of cases."""

    @property
    def identities(self) -> set[str]:
        """Ids of all that is requested."""
        return {request.message_id for request in (*self.first, *self.second)} | self.later

    def numbers(self, *roles: str) -> set[str]:
        everybody = (*self.people, *self.clients, *self.cast)
        return {person.number for person in everybody if person.role in roles}

    def move_to(self, now: datetime) -> Fixtures:
        """The same, requested now."""

        def move(requests: tuple[SendRequest, ...]) -> tuple[SendRequest, ...]:
            return tuple(one.model_copy(update={"requested_at": now}) for one in requests)

        return self._replace(first=move(self.first), second=move(self.second))

    def script(self) -> dict[str, Any]:
        """What the simulator has to do with these people."""
        answers = {"says STOP": ("STOP", "Stop."), "says START": ("START", "Yes!")}
        numbers: dict[str, Any] = {
            person.number: {
                "fate": person.scenario,
                "replies": [{"after_texts": 1, "body": answers[person.role][i % 2]}],
            }
            for i, person in enumerate(self.people)
            if person.role in answers
        }
        everybody = (*self.people, *self.clients)
        failing = {one.number: one.scenario for one in everybody if one.scenario != DELIVERED}
        return {"numbers": numbers | failing | script_cast()}


def build_fixtures(requests: int, seed: int, tenant: str, prefix: str, now: datetime) -> Fixtures:
    """`prefix`: what all ids begin with."""
    rng = random.Random(seed)
    people = tuple(_build_people(min(max(requests // 2, 20), MOST_PEOPLE), rng))
    texts = _draw_texts(rng)
    count = max(requests, len(people) + 10)
    stops = [person for person in people if person.role == "says STOP"]
    others = rng.choices(people, k=count - len(people) - len(stops) - 2)
    requested = [
        _build_request(i, person.number, next(texts), tenant, prefix, now, rng)
        for i, person in enumerate([*people, *stops, *others])
    ]
    first = tuple(requested[: len(people)])
    unsendable = _build_unsendable(len(requested), tenant, prefix, now)
    duplicate = first[0]
    second = (*requested[len(people) :], *unsendable, duplicate)
    clients = Person(CLIENTS[0], "client", FAILURES[1]), Person(CLIENTS[1], "client")
    cast = tuple(Person(member.number, member.fate) for member in CAST)
    claims = (
        _build_claim(i, person, tenant, prefix, now)
        for i, person in enumerate((*people, *clients, *cast))
    )
    return Fixtures(people, tuple(filter(None, claims)), first, second, clients, cast)


def _build_people(count: int, rng: random.Random) -> Iterator[Person]:
    """555-0100 to 555-0199 is reserved for fiction in every area code of North America."""
    numbers = [f"+1{area}55501{line:02}" for area in _AREA_CODES for line in range(100)]
    roles = [role for role, share in ROLES.items() for _ in range(share)]
    for i, number in enumerate(rng.sample(numbers, count)):
        role = roles[i * 100 // count]
        scenario = FAILURES[i % 3] if role == "cannot be reached" else DELIVERED
        yield Person(number, role, scenario)


def _draw_texts(rng: random.Random) -> Iterator[str]:
    with CORPUS.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        texts = [row[1] for row in rows if len(row) == 2]
    while True:
        yield from rng.sample(texts, len(texts))


def _build_request(
    index: int, number: str, body: str, tenant: str, prefix: str, now: datetime, rng: random.Random
) -> SendRequest:
    kind = rng.choices(tuple(KINDS), tuple(KINDS.values()))[0]
    return SendRequest(
        message_id=f"{prefix}-{index:05}",
        tenant=tenant,
        to=number,
        body=body,
        kind=kind,
        requested_at=now,
        branch=rng.choice((None, "intake", "court")),
        requested_by="demo",
    )


def _build_unsendable(
    index: int, tenant: str, prefix: str, now: datetime
) -> tuple[SendRequest, SendRequest]:
    """A text that comes too late, and one to a number that cannot exist."""
    common: dict[str, Any] = {
        "tenant": tenant,
        "body": "Your hearing is today at 9.",
        "kind": "reminder",
        "requested_at": now,
    }
    late = SendRequest(
        message_id=f"{prefix}-{index:05}",
        to="+12125550100",
        valid_until=now - timedelta(hours=1),
        **common,
    )
    wrong = SendRequest(message_id=f"{prefix}-{index + 1:05}", to="+1212555", **common)
    return late, wrong


def _build_claim(
    index: int, person: Person, tenant: str, prefix: str, now: datetime
) -> ConsentEvent | None:
    if person.role in NEVER_ASKED:
        return None
    refuses = person.role == "said no"
    return ConsentEvent(
        event_id=f"{prefix}-c{index:05}",
        tenant=tenant,
        number=person.number,
        source="form",
        at=now,
        action=ConsentAction.OPT_OUT if refuses else ConsentAction.OPT_IN,
        evidence=Evidence(wording=None if refuses else WORDING, document=f"intake-form-{index:05}"),
    )
