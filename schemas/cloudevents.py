"""The CloudEvents 1.0 headers of our records (Kafka binding, binary mode)."""

from __future__ import annotations

from typing import Any

from schemas.topic import Topic

Headers = tuple[tuple[str, bytes], ...]


def common_headers(topic: Topic[Any], source: str) -> Headers:
    """All but `ce_id`, which differs from record to record. `source` is the part of Sayso that
    publishes."""
    return (
        ("ce_specversion", b"1.0"),
        ("ce_source", f"/sayso/{source}".encode()),
        ("ce_type", topic.event_type.encode()),
        ("content-type", b"application/json"),
    )
