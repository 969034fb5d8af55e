"""Who takes part in the demo and what is asked for: fictional people, real texts, all from one seed."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from schemas.base import Evidence
from schemas.consent import ConsentAction, ConsentEvent
from schemas.send_request import SendRequest

CORPUS = Path(__file__).with_name("sms_corpus.tsv")
"""Credit and licence: NOTICE, next to it."""

SHARES = {
    "agreed": 70,
    "says START": 7,
    "never answers": 8,
    "said no": 5,
    "says STOP": 5,
    "cannot be reached": 5,
}
"""Of a hundred people.  Two kinds were never asked before: Sayso asks them by text; some then say yes."""
DELIVERED = "delivered"
FAILURES = ("undelivered:30003", "undelivered:30005", "failed:30006")
KINDS = {"reminder": 50, "transactional": 30, "direct": 20}
WORDING = "Yes, text me about my case. Reply STOP to end, HELP for help."

_AREAS = (
    201,
    202,
    203,
    205,
    206,
    207,
    208,
    210,
    212,
    213,
    214,
    215,
    216,
    217,
    218,
    301,
    302,
    303,
    304,
    305,
    307,
    310,
    312,
    313,
    314,
    401,
    402,
    404,
    405,
    406,
    410,
    412,
    414,
    415,
    501,
    502,
    503,
    504,
    505,
    512,
    602,
    603,
    605,
    612,
    617,
    701,
    702,
    713,
    718,
    801,
    802,
    803,
    804,
    808,
    901,
    904,
    907,
    912,
    913,
    916,
)
MOST_PEOPLE = len(_AREAS) * 100
CLIENTS = ("+19195550101", "+19195550102")
"""In an area code of their own."""


class Person(NamedTuple):
    number: str
    role: str
    fate: str = DELIVERED


class Cast(NamedTuple):
    """`second` is asked for once everybody who says STOP or START in answer to `first` has been heard.  `clients`: the
    number on file of somebody, which is wrong, and their own; both agreed."""

    people: tuple[Person, ...]
    claims: tuple[ConsentEvent, ...]
    first: tuple[SendRequest, ...]
    second: tuple[SendRequest, ...]
    clients: tuple[Person, Person]
    later: frozenset[str] = frozenset()
    """Ids of what staff ask for in the end."""

    @property
    def identities(self) -> set[str]:
        return {request.message_id for request in (*self.first, *self.second)} | self.later

    def numbers(self, *roles: str) -> set[str]:
        return {person.number for person in (*self.people, *self.clients) if person.role in roles}

    def asked_at(self, now: datetime) -> Cast:
        """The same, asked for now."""
        first, second = (
            tuple(request.model_copy(update={"requested_at": now}) for request in requests)
            for requests in (self.first, self.second)
        )
        return self._replace(first=first, second=second)

    def script(self) -> dict[str, Any]:
        """The simulator's part in it."""
        says = {"says STOP": ("STOP", "Stop."), "says START": ("START", "Yes!")}
        answers = {
            person.number: {
                "fate": person.fate,
                "replies": [{"after_texts": 1, "body": says[person.role][at % 2]}],
            }
            for at, person in enumerate(self.people)
            if person.role in says
        }
        lost = [one for one in (*self.people, *self.clients) if one.fate != DELIVERED]
        return {"numbers": answers | {one.number: one.fate for one in lost}}


def cast(requests: int, seed: int, tenant: str, prefix: str, now: datetime) -> Cast:
    chance = random.Random(seed)
    people = tuple(_people(min(max(requests // 2, 20), MOST_PEOPLE), chance))
    texts = _texts(chance)
    count = max(requests, len(people) + 10)
    stops = [person for person in people if person.role == "says STOP"]
    order = [*people, *stops, *chance.choices(people, k=count - len(people) - len(stops) - 2)]
    asked = [
        _request(at, person.number, next(texts), tenant, prefix, now, chance)
        for at, person in enumerate(order)
    ]
    first, second = asked[: len(people)], asked[len(people) :]
    odd = _odd(len(asked), tenant, prefix, now)
    clients = Person(CLIENTS[0], "client", FAILURES[1]), Person(CLIENTS[1], "client")
    everybody = enumerate((*people, *clients))
    claims = tuple(
        claim for at, person in everybody if (claim := _claim(at, person, tenant, prefix, now))
    )
    return Cast(people, claims, tuple(first), (*second, *odd, first[0]), clients)


def _people(count: int, chance: random.Random) -> Iterator[Person]:
    """555-0100 to 555-0199 is kept for fiction in every area code of North America."""
    every = [f"+1{area}55501{line:02}" for area in _AREAS for line in range(100)]
    bounds = [role for role, share in SHARES.items() for _ in range(share)]
    for at, number in enumerate(chance.sample(every, count)):
        role = bounds[at * 100 // count]
        yield Person(number, role, FAILURES[at % 3] if role == "cannot be reached" else DELIVERED)


def _texts(chance: random.Random) -> Iterator[str]:
    with CORPUS.open(encoding="utf-8", newline="") as file:
        texts = [
            row[1]
            for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            if len(row) == 2
        ]
    while True:
        yield from chance.sample(texts, len(texts))


def _request(
    at: int, number: str, body: str, tenant: str, prefix: str, now: datetime, chance: random.Random
) -> SendRequest:
    kind = chance.choices(tuple(KINDS), tuple(KINDS.values()))[0]
    return SendRequest(
        message_id=f"{prefix}-{at:05}",
        tenant=tenant,
        to=number,
        body=body,
        kind=kind,
        requested_at=now,
        branch=chance.choice((None, "intake", "court")),
        requested_by="demo",
    )


def _odd(at: int, tenant: str, prefix: str, now: datetime) -> tuple[SendRequest, ...]:
    """A number that cannot be, and a text that nobody needs any more."""
    late, wrong = (f"{prefix}-{at + more:05}" for more in range(2))
    body = "Your hearing is today at 9."
    common: dict[str, Any] = {
        "tenant": tenant,
        "body": body,
        "kind": "reminder",
        "requested_at": now,
    }
    return (
        SendRequest(
            message_id=late, to="+12125550100", valid_until=now - timedelta(hours=1), **common
        ),
        SendRequest(message_id=wrong, to="+1212555", **common),
    )


def _claim(at: int, person: Person, tenant: str, prefix: str, now: datetime) -> ConsentEvent | None:
    if person.role in ("says START", "never answers"):
        return None
    no = person.role == "said no"
    return ConsentEvent(
        event_id=f"{prefix}-c{at:05}",
        tenant=tenant,
        number=person.number,
        source="form",
        at=now,
        action=ConsentAction.OPT_OUT if no else ConsentAction.OPT_IN,
        evidence=Evidence(wording=None if no else WORDING, document=f"intake-form-{at:05}"),
    )
