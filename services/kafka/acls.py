"""Who may do what on Kafka: the fewest rights with which each service does its work.

Every service is a Kafka user of its own. The rights are computed from the declarations of topics
and processors. Rights that Kafka derives are not listed twice: who may read or write a topic may
describe it, and since Kafka 2.8 who may write any topic may write it idempotently.
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
from services.kafka import BrokerError
from streams.processor import Processor
from streams.topology import PROCESSORS


class Kind(IntEnum):
    """Of a resource. The numbers of these enums are Kafka's own."""

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
    """The user may do the operation to the resource of that name, or with that prefix."""

    user: str
    kind: Kind
    name: str
    operation: Operation
    pattern: Pattern = Pattern.LITERAL


Rights = list[tuple[Kind, str, Operation, Pattern]]

_ALLOW: Final = 3
"""A permission type of Kafka's."""

WRITTEN_BY_PRODUCERS: Final = (
    t.SEND_REQUESTS,
    t.REQUEST_CANCELS,
    t.PERSON_EVENTS,
    t.PERSON_REQUESTS,
    t.CONSENT_EVENTS,
    t.NUMBER_FACTS,
    t.CASE_EVENTS,
)
WRITTEN_BY_STAFF: Final = (*WRITTEN_BY_PRODUCERS, t.APPROVALS, t.DISMISSALS, t.THREAD_EVENTS)
WRITTEN_BY_OPS: Final = (
    t.SETTINGS,
    t.TEMPLATES,
    t.SENDERS,
    t.DISPATCH_CONTROLS,
    t.LETTER_RESOLUTIONS,
)
READ_BY_PROCESSORS: Final = (
    *{
        topic.name: topic for processor in PROCESSORS.values() for topic in processor.inputs
    }.values(),
    t.MAIL_REQUESTS,
)
"""And by the process that mails staff.  A dead letter's record may be replayed to any of them."""

STATE_TOPICS: Final = tuple(processor.state_topic for processor in PROCESSORS.values())
"""`sayso lag` reads there what processors keep beside their positions."""


def compute_rights() -> Mapping[str, Rights]:
    """By service, in the order in which they are printed."""
    groups = [
        right for name in (*PROCESSORS, "notify") for right in _group(name, Operation.DESCRIBE)
    ]
    staff = _topics(Operation.READ, TOPICS) + _topics(Operation.WRITE, WRITTEN_BY_STAFF)
    ops = (
        _topics(Operation.READ, (*TOPICS, *STATE_TOPICS))
        + _topics(Operation.WRITE, (*WRITTEN_BY_OPS, *READ_BY_PROCESSORS))
        + _transactions("sayso.letter-")
        + groups
    )
    return {
        **{name: _of_processor(processor) for name, processor in PROCESSORS.items()},
        "webhook": _topics(Operation.WRITE, (t.INBOUND, t.DELIVERY_RECEIPTS)),
        "notify": _topics(Operation.READ, (t.MAIL_REQUESTS, t.SETTINGS, t.SENDERS))
        + _topics(Operation.WRITE, (t.DEAD_LETTERS,))
        + _group("notify", Operation.READ),
        "event-webhooks": _topics(Operation.READ, (t.OUTCOMES, t.CONSENT_LOG, t.REPLIES)),
        "ledger": _topics(Operation.READ, TOPICS) + _topics(Operation.WRITE, (t.BALANCE,)),
        "exporter": _topics(Operation.READ, (*READ_BY_PROCESSORS, *STATE_TOPICS)) + groups,
        "producer": _topics(Operation.WRITE, WRITTEN_BY_PRODUCERS),
        "staff": staff,
        "ops": ops,
        "console": staff + ops,  # it does in a browser what both do in a terminal
        "topics": _of_topics_apply(),
    }


def compute_acls(prefix: str = "sayso-") -> list[Acl]:
    """Of every service. Its user is the service's name after the prefix."""
    return [
        Acl(prefix + service, kind, name, operation, pattern)
        for service, rights in compute_rights().items()
        for kind, name, operation, pattern in dict.fromkeys(rights)
    ]


def render_commands(acls: Iterable[Acl]) -> list[str]:
    """Options of `kafka-acls.sh`: one line for all names with the same user and operation."""
    lines = []
    for (user, kind, operation, pattern), group in groupby(sorted(acls, key=_line), key=_line):
        option = f"--{kind.name.lower().replace('_', '-')}"
        names = " ".join(f"{option} {acl.name}" for acl in group)
        prefixed = " --resource-pattern-type prefixed" if pattern is Pattern.PREFIXED else ""
        verb = operation.name.title().replace("_", "")
        lines.append(f"--add --allow-principal User:{user} --operation {verb} {names}{prefixed}")
    return lines


async def grant(client: AIOKafkaAdminClient, acls: Iterable[Acl]) -> None:
    """Give these rights, and take none away. Raises BrokerError.

    aiokafka knows the request, but has no public method for it.
    """
    for acl in acls:
        request = CreateAclsRequest(
            acl.kind, acl.name, acl.pattern, f"User:{acl.user}", "*", acl.operation, _ALLOW
        )
        ((code, why),) = (await client._send_request(request)).creation_responses
        if code:
            raise BrokerError(
                f"Kafka refused to let {acl.user} {acl.operation.name.lower()} {acl.name}: "
                f"{why or for_code(code).description}"
            )


def _of_processor(processor: Processor) -> Rights:
    """It reads its state topic when it takes over a partition, settings and senders at any time."""
    reads = (*processor.inputs, processor.state_topic, t.SETTINGS, t.SENDERS)
    return [
        *_topics(Operation.READ, reads),
        *_topics(Operation.WRITE, processor.outputs),
        *_group(processor.name, Operation.READ),
        *_transactions(f"sayso.{processor.name}-"),
    ]


def _of_topics_apply() -> Rights:
    """What `sayso topics apply` needs."""
    needed = (
        Operation.CREATE,
        Operation.DESCRIBE,
        Operation.DESCRIBE_CONFIGS,
        Operation.ALTER_CONFIGS,
    )
    return [right for operation in needed for right in _topics(operation, EVERY_TOPIC)]


def _topics(operation: Operation, topics: Iterable[Topic[Any]]) -> Rights:
    return [(Kind.TOPIC, topic.name, operation, Pattern.LITERAL) for topic in topics]


def _group(processor: str, operation: Operation) -> Rights:
    return [(Kind.GROUP, f"sayso.{processor}", operation, Pattern.LITERAL)]


def _transactions(prefix: str) -> Rights:
    """One id for each partition, or for each dead letter. Who may write under an id may see it."""
    return [(Kind.TRANSACTIONAL_ID, prefix, Operation.WRITE, Pattern.PREFIXED)]


def _line(acl: Acl) -> tuple[str, Kind, Operation, Pattern]:
    return acl.user, acl.kind, acl.operation, acl.pattern
