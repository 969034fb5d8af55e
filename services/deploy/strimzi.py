"""Topics and Kafka users as Strimzi's operators read them, from the declarations of both."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any, Final

from schemas.topics import EVERY_TOPIC, Topic
from services.deploy.network import CLUSTER
from services.deploy.pods import Manifest
from services.kafka.acls import Acl, Kind, Operation, Pattern, compute_acls

VERSION: Final = "kafka.strimzi.io/v1"
PARTITIONS: Final = 12
REPLICATION: Final = 3

_KINDS: Final = {
    Kind.TOPIC: "topic",
    Kind.GROUP: "group",
    Kind.TRANSACTIONAL_ID: "transactionalId",
}
_OPERATIONS: Final = {
    Operation.READ: "Read",
    Operation.WRITE: "Write",
    Operation.CREATE: "Create",
    Operation.DESCRIBE: "Describe",
    Operation.DESCRIBE_CONFIGS: "DescribeConfigs",
    Operation.ALTER_CONFIGS: "AlterConfigs",
}
_PATTERNS: Final = {Pattern.LITERAL: "literal", Pattern.PREFIXED: "prefix"}


def build_topics(
    topics: Iterable[Topic[Any]] = EVERY_TOPIC,
    *,
    partitions: int = PARTITIONS,
    replication: int = REPLICATION,
) -> list[Manifest]:
    return [
        {
            **_head("KafkaTopic", topic.name),
            "spec": {
                "partitions": topic.partitions(partitions),
                "replicas": replication,
                "config": topic.config(replication=replication),
            },
        }
        for topic in topics
    ]


def build_users(acls: Iterable[Acl] | None = None) -> list[Manifest]:
    """One for each service. Strimzi makes a password, and a secret of the user's name with it."""
    rights = compute_acls() if acls is None else list(acls)
    by_user: dict[str, list[Acl]] = {}
    for acl in rights:
        by_user.setdefault(acl.user, []).append(acl)
    return [
        {
            **_head("KafkaUser", user),
            "spec": {
                "authentication": {"type": "scram-sha-512"},
                "authorization": {"type": "simple", "acls": _rules(own)},
            },
        }
        for user, own in by_user.items()
    ]


def _rules(acls: list[Acl]) -> list[Manifest]:
    """One for each resource, with all operations on it."""

    def resource(acl: Acl) -> tuple[Kind, str, Pattern]:
        return acl.kind, acl.name, acl.pattern

    return [
        {
            "resource": {"type": _KINDS[kind], "name": name, "patternType": _PATTERNS[pattern]},
            "operations": [_OPERATIONS[acl.operation] for acl in group],
        }
        for (kind, name, pattern), group in groupby(sorted(acls, key=resource), key=resource)
    ]


def _head(kind: str, name: str) -> Manifest:
    return {
        "apiVersion": VERSION,
        "kind": kind,
        "metadata": {"name": name, "labels": {"strimzi.io/cluster": CLUSTER}},
    }
