"""From a message to the record that goes out: key, partition, bytes, headers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from schemas.base import Message
from schemas.topics import Topic
from streams.lanes.reading import hashed
from streams.lanes.transaction import Outgoing

Place = tuple[str, int]
Contents = tuple[bytes, bytes | None, list[tuple[str, bytes]]]
"""Key, value, headers."""
NONE: Final[list[tuple[str, bytes]]] = []
_tuple = tuple.__new__  # a NamedTuple's own constructor takes twice as long


class Route(NamedTuple):
    """How messages of a topic go out: everything that is the same for all of them."""

    name: str
    partitions: int
    key: Callable[[Any], str]
    dump: Callable[[Any], bytes]
    envelope: tuple[tuple[str, bytes], ...]


class Outbox:
    """`counts`: partitions by topic."""

    def __init__(self, room: str, lane: int, counts: Mapping[str, int]) -> None:
        self._room, self._counts = room, counts
        self._place = f"{room}/{lane}/"
        self._serial, self._stem = 0, b""
        self._routes: dict[str, Route] = {}

    def record(self, topic: Topic[Any], message: Message, serial: int, nth: int) -> Outgoing:
        """Its CloudEvents id is its place among all that this lane ever published."""
        route = self._routes.get(topic.name) or self._route(topic)
        if serial != self._serial:
            self._serial, self._stem = serial, f"{self._place}{serial}/".encode()
        name, partitions, key_of, dump, envelope = route
        key = key_of(message).encode()
        headers = [*envelope, ("ce_id", b"%b%d" % (self._stem, nth))]
        partition = hashed(key) % partitions
        return _tuple(Outgoing, (name, partition, key, dump(message), headers))

    def _route(self, topic: Topic[Any]) -> Route:
        """The headers are what CloudEvents wants in every record (binary mode), but for its id."""
        envelope = (
            ("ce_specversion", b"1.0"),
            ("ce_type", topic.event_type.encode()),
            ("ce_source", f"/sayso/{self._room}".encode()),
            ("content-type", b"application/json"),
        )
        dump = topic.dump
        route = self._routes[topic.name] = Route(topic.name, self._counts[topic.name], topic.key, dump, envelope)
        return route


def placed(sends: Iterable[Outgoing]) -> dict[Place, list[Contents]]:
    """By topic and partition: whole batches are built."""
    places: dict[Place, list[Contents]] = {}
    for topic, partition, key, value, headers in sends:
        there = places.get((topic, partition))
        if there is None:
            there = places[topic, partition] = []
        there.append((key, value, headers))
    return places
