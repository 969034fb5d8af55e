"""Which messages a topic carries."""

from __future__ import annotations

from typing import Any, get_args

from schemas.base import Message
from schemas.topics import TOPICS, Topic


def messages_of(topic: Topic[Any]) -> tuple[type[Message], ...]:
    """One type, or each member of a tagged union."""
    if isinstance(topic.carries, type):
        return (topic.carries,)
    union = get_args(topic.carries)[0]
    return tuple(get_args(member)[0] for member in get_args(union))


def every_message() -> dict[str, type[Message]]:
    """By name, in the order of the topics."""
    return {message.__name__: message for topic in TOPICS for message in messages_of(topic)}
