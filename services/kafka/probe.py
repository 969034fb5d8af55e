"""Ask a broker who it is, over a plain socket: ready or not, known to us or not, without a client library.

One Metadata request (version 2: the oldest that tells the cluster's id), no topics; an open port proves nothing, as
Kafka listens before it answers and answers before it has registered."""

from __future__ import annotations

import socket
import struct
from typing import Final

_METADATA_V2: Final = struct.pack(">hhihi", 3, 2, 1, -1, 0)
"""API key, version, correlation id, no client id, an empty list of topics."""


def cluster_id(bootstrap: str, timeout: float = 2.0) -> str | None:
    """The id of the cluster that answers there with at least one live broker; None when none does."""
    host, _, port = bootstrap.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout) as connection:
            connection.sendall(struct.pack(">i", len(_METADATA_V2)) + _METADATA_V2)
            with connection.makefile("rb") as answer:
                (size,) = struct.unpack(">i", answer.read(4))
                return _cluster(answer.read(size))
    except (OSError, ValueError, struct.error, IndexError):
        return None


def _cluster(answer: bytes) -> str | None:
    brokers, place = struct.unpack_from(">i", answer, 4)[0], 8
    for _ in range(brokers):
        place += 4  # node id
        place = _after_string(answer, place) + 4  # host, then port
        place = _after_string(answer, place)  # rack
    end = _after_string(answer, place)
    return answer[place + 2 : end].decode() if brokers > 0 else None


def _after_string(answer: bytes, place: int) -> int:
    """Kafka's nullable string: a length of two bytes (-1: null), then the bytes."""
    return int(place + 2 + max(0, struct.unpack_from(">h", answer, place)[0]))
