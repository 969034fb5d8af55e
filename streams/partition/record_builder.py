"""From a message to the record that goes out: key, partition, bytes, headers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from schemas.cloudevents import fixed_headers
from schemas.topics import Topic
from streams.partition.decoding import partition_of
from streams.partition.transaction import Transaction
from streams.processing import Publication

NONE: Final[list[tuple[str, bytes]]] = []


class Route(NamedTuple):
    """How messages of a topic go out: everything that is the same for all of them."""

    name: str
    partitions: int
    key: Callable[[Any], str]
    dump: Callable[[Any], bytes]
    envelope: tuple[tuple[str, bytes], ...]


class RecordBuilder:
    """`counts`: partitions by topic."""

    def __init__(self, processor: str, task: int, counts: Mapping[str, int]) -> None:
        self._room, self._counts = processor, counts
        self._place = f"{processor}/{task}/"
        self._serial, self._stem = 0, b""
        self._routes: dict[str, Route] = {}

    def put(self, tx: Transaction, publications: tuple[Publication, ...]) -> None:
        """A record's CloudEvents id is its place among all that this lane ever published."""
        if tx.serial != self._serial:
            self._serial, self._stem = tx.serial, f"{self._place}{tx.serial}/".encode()
        places, routes, nth = tx.outgoing, self._routes, tx.outgoing_count
        for topic, message in publications:
            name, partitions, key_of, dump, envelope = routes.get(topic.name) or self._route(topic)
            key = key_of(message).encode()
            headers = [*envelope, ("ce_id", b"%b%d" % (self._stem, nth))]
            place = name, partition_of(key, partitions)
            there = places.get(place)
            if there is None:
                there = places[place] = []
            there.append((key, dump(message), headers))
            nth += 1
        tx.outgoing_count = nth

    def _route(self, topic: Topic[Any]) -> Route:
        """The headers are what CloudEvents wants in every record (binary mode), but for its id."""
        envelope = fixed_headers(topic, self._room)
        dump = topic.dump
        route = self._routes[topic.name] = Route(
            topic.name, self._counts[topic.name], topic.key, dump, envelope
        )
        return route
