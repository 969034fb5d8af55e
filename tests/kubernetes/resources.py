"""Resources of operators that Kubernetes' own schemas do not know: what we use of them, strictly.

Written from the operators' published references (Strimzi's v1 API, KEDA's v1alpha1). A field that
is not here is refused, so that a new one is looked up before it is used.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[
    str,
    StringConstraints(
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$", max_length=253
    ),
]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Metadata(Strict):
    name: Name
    namespace: Name | None = None
    labels: dict[str, str] = {}


class TopicSpec(Strict):
    partitions: int = Field(ge=1)
    replicas: int = Field(ge=1, le=32767)
    config: dict[str, str]


class KafkaTopic(Strict):
    apiVersion: Literal["kafka.strimzi.io/v1"]  # noqa: N815
    kind: Literal["KafkaTopic"]
    metadata: Metadata
    spec: TopicSpec


class Resource(Strict):
    type: Literal["topic", "group", "cluster", "transactionalId"]
    name: str
    patternType: Literal["literal", "prefix"]  # noqa: N815


class Rule(Strict):
    resource: Resource
    operations: list[
        Literal["Read", "Write", "Create", "Delete", "Alter", "Describe", "AlterConfigs",
                "DescribeConfigs", "ClusterAction", "IdempotentWrite", "All"]
    ] = Field(min_length=1)  # fmt: skip


class Authorization(Strict):
    type: Literal["simple"]
    acls: list[Rule] = Field(min_length=1)


class Authentication(Strict):
    type: Literal["scram-sha-512", "tls", "tls-external"]


class UserSpec(Strict):
    authentication: Authentication
    authorization: Authorization


class KafkaUser(Strict):
    apiVersion: Literal["kafka.strimzi.io/v1"]  # noqa: N815
    kind: Literal["KafkaUser"]
    metadata: Metadata
    spec: UserSpec


class Target(Strict):
    apiVersion: Literal["apps/v1"]  # noqa: N815
    kind: Literal["StatefulSet"]
    name: Name


class Prometheus(Strict):
    serverAddress: str  # noqa: N815
    query: str
    threshold: str
    ignoreNullValues: Literal["true", "false"]  # noqa: N815


class Trigger(Strict):
    type: Literal["prometheus"]
    metricType: Literal["Value", "AverageValue"]  # noqa: N815
    metadata: Prometheus


class AutoscalerConfig(Strict):
    behavior: dict[Literal["scaleUp", "scaleDown"], dict[str, Any]]
    """Kubernetes' own: its schema is looked at as that of a HorizontalPodAutoscaler."""


class Advanced(Strict):
    horizontalPodAutoscalerConfig: AutoscalerConfig  # noqa: N815


class ScaledSpec(Strict):
    scaleTargetRef: Target  # noqa: N815
    minReplicaCount: int = Field(ge=0)  # noqa: N815
    maxReplicaCount: int = Field(ge=1)  # noqa: N815
    pollingInterval: int = Field(ge=1)  # noqa: N815
    advanced: Advanced
    triggers: list[Trigger] = Field(min_length=1)


class ScaledObject(Strict):
    apiVersion: Literal["keda.sh/v1alpha1"]  # noqa: N815
    kind: Literal["ScaledObject"]
    metadata: Metadata
    spec: ScaledSpec


MODELS: Final[dict[str, type[Strict]]] = {
    "KafkaTopic": KafkaTopic,
    "KafkaUser": KafkaUser,
    "ScaledObject": ScaledObject,
}
