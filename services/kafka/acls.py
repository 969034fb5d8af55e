"""Who may do what on Kafka: the fewest rights with which each service does its work, from the declarations.

Every service is a user of its own.  Rights that Kafka derives are not asked for twice: to read or write a topic is to
see it, and since 2.8 to write any topic is to write it idempotently.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from itertools import groupby
from typing import Any, Final, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import for_code
from aiokafka.protocol.admin import CreateAclsRequest

from schemas import topics as t
from schemas.topics import EVERY_TOPIC, TOPICS, Topic
from services.kafka.errors import BrokerError
from streams.processor import Processor
from streams.topology import PROCESSORS


class Kind(IntEnum):
    """Kafka's own numbers, as are those below."""

    TOPIC = 2
    GROUP = 3
    TRANSACTIONAL_ID = 5


class Operation(IntEnum):
    READ = 3
    WRITE = 4
    CREATE = 5
    DESCRIBE = 8
    DESCRIBE_CONFIGS = 10
    ALTER_CONFIGS = 11


class Pattern(IntEnum):
    LITERAL = 3
    PREFIXED = 4


class Acl(NamedTuple):
    """`user` may do `operation` to what is called `name`, or begins so."""

    user: str
    kind: Kind
    name: str
    operation: Operation
    pattern: Pattern = Pattern.LITERAL


Rights = list[tuple[Kind, str, Operation, Pattern]]

FROM_OUTSIDE: Final = (
    t.SEND_REQUESTS,
    t.REQUEST_CANCELS,
    t.PERSON_EVENTS,
    t.PERSON_REQUESTS,
    t.CONSENT_EVENTS,
    t.NUMBER_FACTS,
)
"""What producers tell us."""
BY_STAFF: Final = (*FROM_OUTSIDE, t.APPROVALS, t.DISMISSALS)
BY_OPS: Final = (t.SETTINGS, t.SENDERS, t.DISPATCH_CONTROLS, t.LETTER_RESOLUTIONS)
READ_BY_ROOMS: Final = tuple(
    {topic.name: topic for room in PROCESSORS.values() for topic in room.inputs}.values()
)
"""A record that was set aside may be replayed to any of them."""


def rights() -> Mapping[str, Rights]:
    """By service, in the order in which they are told."""
    groups = [right for room in PROCESSORS for right in _group(room, Operation.DESCRIBE)]
    return {
        **{name: _of_room(room) for name, room in PROCESSORS.items()},
        "webhook": _topics(Operation.WRITE, (t.INBOUND, t.DELIVERY_RECEIPTS)),
        "consents": _topics(Operation.WRITE, (t.CONSENT_EVENTS,)),
        "ledger": _topics(Operation.READ, TOPICS) + _topics(Operation.WRITE, (t.BALANCE,)),
        "exporter": _topics(Operation.READ, READ_BY_ROOMS) + groups,
        "producer": _topics(Operation.WRITE, FROM_OUTSIDE),
        "staff": _topics(Operation.READ, TOPICS) + _topics(Operation.WRITE, BY_STAFF),
        "ops": _topics(Operation.READ, TOPICS)
        + _topics(Operation.WRITE, (*BY_OPS, *READ_BY_ROOMS))
        + _transactions("sayso.letter-")
        + groups,
        "topics": _declaring(),
    }


def acls(prefix: str = "sayso-") -> list[Acl]:
    """Of every service; its user is called as it is, after `prefix`."""
    return [
        Acl(prefix + service, kind, name, operation, pattern)
        for service, found in rights().items()
        for kind, name, operation, pattern in dict.fromkeys(found)
    ]


def commands(wanted: Iterable[Acl]) -> list[str]:
    """For `kafka-acls.sh`: the names of what may be done alike in one."""
    lines = []
    for (user, kind, operation, pattern), alike in groupby(sorted(wanted, key=_alike), key=_alike):
        option = f"--{kind.name.lower().replace('_', '-')}"
        named = " ".join(f"{option} {acl.name}" for acl in alike)
        prefixed = " --resource-pattern-type prefixed" if pattern is Pattern.PREFIXED else ""
        lines.append(
            f"--add --allow-principal User:{user} --operation {_spelled(operation)} {named}{prefixed}"
        )
    return lines


async def allow(client: AIOKafkaAdminClient, wanted: Iterable[Acl]) -> None:
    """What is allowed beside that stays.  aiokafka knows the request and has no call for it.  Raises BrokerError."""
    for acl in wanted:
        allowed = 3
        principal = f"User:{acl.user}"
        request = CreateAclsRequest(
            acl.kind, acl.name, acl.pattern, principal, "*", acl.operation, allowed
        )
        ((code, why),) = (await client._send_request(request)).creation_responses
        if code:
            raise BrokerError(
                f"Kafka refused to let {acl.user} {acl.operation.name.lower()} {acl.name}: "
                f"{why or for_code(code).description}"
            )


def _of_room(room: Processor) -> Rights:
    """The rows are read when a partition is taken over, settings and senders all the time."""
    return [
        *_topics(Operation.READ, (*room.inputs, room.state_topic, t.SETTINGS, t.SENDERS)),
        *_topics(Operation.WRITE, room.outputs),
        *_group(room.name, Operation.READ),
        *_transactions(f"sayso.{room.name}-"),
    ]


def _declaring() -> Rights:
    """`sayso topics apply`."""
    needed = (
        Operation.CREATE,
        Operation.DESCRIBE,
        Operation.DESCRIBE_CONFIGS,
        Operation.ALTER_CONFIGS,
    )
    return [right for operation in needed for right in _topics(operation, EVERY_TOPIC)]


def _topics(operation: Operation, topics: Iterable[Topic[Any]]) -> Rights:
    return [(Kind.TOPIC, topic.name, operation, Pattern.LITERAL) for topic in topics]


def _group(room: str, operation: Operation) -> Rights:
    return [(Kind.GROUP, f"sayso.{room}", operation, Pattern.LITERAL)]


def _transactions(prefix: str) -> Rights:
    """One for each partition, or letter.  To write under a name is to see it."""
    return [(Kind.TRANSACTIONAL_ID, prefix, Operation.WRITE, Pattern.PREFIXED)]


def _alike(acl: Acl) -> tuple[str, Kind, Operation, Pattern]:
    return acl.user, acl.kind, acl.operation, acl.pattern


def _spelled(operation: Operation) -> str:
    return operation.name.title().replace("_", "")
