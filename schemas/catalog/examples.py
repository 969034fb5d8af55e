"""The golden examples: real-looking messages, one a file, in `schemas/examples/<topic>/`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from schemas.topics import TOPICS, Topic

EXAMPLES = Path(__file__).parents[1] / "examples"


class Example(NamedTuple):
    """`name` is the file's, without its ending: it tells what is worth seeing."""

    topic: Topic[Any]
    name: str
    value: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.value)

    @property
    def message(self) -> Any:
        """Raises pydantic's ValidationError."""
        return self.topic.decode(self.value)


def examples() -> list[Example]:
    """In the order of the topics, then of the names."""
    return [
        Example(topic, file.stem, file.read_bytes())
        for topic in TOPICS
        for file in sorted((EXAMPLES / topic.name).glob("*.json"))
    ]
