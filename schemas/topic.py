"""What a topic is: its name, what it carries, how it is keyed and kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, partial
from typing import Any, Final, Generic, TypeVar, get_args

from pydantic import TypeAdapter

from schemas.base import KEPT, Message
from schemas.structs import MessageStruct, encode, reader

M = TypeVar("M", bound=Message)

_CAPITAL: Final = re.compile(r"(?<!^)(?=[A-Z])")


@dataclass(frozen=True)
class Topic(Generic[M]):
    name: str
    carries: Any
    """A message type, or a tagged union of several."""
    key: Callable[[M], str]
    """The key of a message."""
    keep: timedelta | None
    """Retention; None is for ever."""
    about: str
    keyed_by: str = ""
    """What `key` makes the key of, in words."""
    compacted: bool = False
    append_time: bool = False
    """The broker dates the records, so that nobody can backdate them."""
    single: bool = False
    """One partition whatever the cluster's default: it is small, and everybody reads all of it."""
    max_bytes: int | None = None
    family: str = "Control"
    """What its messages are together, where it carries several."""

    @cached_property
    def parse(self) -> Callable[[bytes], M]:
        """Raises pydantic's ValidationError, which says what is wrong field by field."""
        kind = self.carries
        if isinstance(kind, type) and issubclass(kind, MessageStruct):
            return reader(kind)
        return partial(self._adapter.validator.validate_json, context=KEPT)

    @cached_property
    def dump(self) -> Callable[[M], bytes]:
        """As it goes on the wire.  We leave out what is None: a reader takes what is missing for
        None."""
        kind = self.carries
        if isinstance(kind, type) and issubclass(kind, MessageStruct):
            return encode
        return partial(self._adapter.serializer.to_json, exclude_none=True)

    @cached_property
    def _adapter(self) -> TypeAdapter[M]:
        return TypeAdapter(self.carries)

    def decode(self, value: bytes) -> M:
        """`parse`, for one message."""
        return self.parse(value)

    def encode(self, message: M) -> bytes:
        """`dump`, for one message."""
        return self.dump(message)

    @cached_property
    def messages(self) -> tuple[type[Message], ...]:
        """The one type it carries, or each member of the tagged union."""
        if isinstance(self.carries, type):
            return (self.carries,)
        return tuple(get_args(member)[0] for member in get_args(get_args(self.carries)[0]))

    @cached_property
    def event_type(self) -> str:
        """The CloudEvents `type` of its records, as `sayso.send_request.v1`; each control is
        `sayso.control.v1`.  A breaking change of the wire would be `v2`, on a topic of its own."""
        name = self.carries.__name__ if isinstance(self.carries, type) else self.family
        return f"sayso.{_CAPITAL.sub('_', name).lower()}.v1"

    def partitions(self, default: int) -> int:
        return 1 if self.single else default

    def config(self, *, replication: int) -> dict[str, str]:
        """Broker settings of this topic.

        With three replicas a write needs two, and a stale replica never leads.  So an acknowledged
        record survives the loss of one broker."""
        settings = {
            "cleanup.policy": "compact" if self.compacted else "delete",
            "retention.ms": str(
                -1 if self.keep is None else self.keep // timedelta(milliseconds=1)
            ),
            "message.timestamp.type": "LogAppendTime" if self.append_time else "CreateTime",
            # Producers may compress with zstd, for which not every reader has a library.
            "compression.type": "uncompressed",
            "min.insync.replicas": "2" if replication >= 3 else "1",
            "unclean.leader.election.enable": "false",
        }
        if self.max_bytes:
            settings["max.message.bytes"] = str(self.max_bytes)
        return settings
