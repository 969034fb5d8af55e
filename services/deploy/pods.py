"""What every pod of ours has: who it is, what it may do, how it is asked whether it lives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

Manifest = dict[str, Any]

PART_OF: Final = "app.kubernetes.io/part-of"
NAME: Final = "app.kubernetes.io/name"
KIND: Final = "sayso/kind"
"""`worker` for the processors."""

USER: Final = 10001
"""As in services/image/Dockerfile."""
IMAGE: Final = "sayso"
"""Overlays say which registry and version."""
METRICS_PORT: Final = 9300
SECRETS_FOLDER: Final = "/run/secrets"
STATE_FOLDER: Final = "/var/lib/sayso"
KAFKA_CA: Final = "sayso-cluster-ca-cert"
"""A secret that Strimzi makes for the cluster `sayso`."""

LIVENESS_PERIOD: Final = 10
LIVENESS_FAILURES: Final = 12
"""Two minutes: a worker's own watchdog ends it after one, and says why."""
START_PERIOD: Final = 10
START_FAILURES: Final = 8640
"""A day: a start may wait for Kafka or restore millions of rows. A start that does not move while
Kafka answers is ended by the watchdog."""


class Resources(NamedTuple):
    cpu: str = "100m"
    cpu_limit: str = "1"
    memory: str = "256Mi"
    memory_limit: str = "512Mi"


class Container(NamedTuple):
    name: str
    """Also its Kafka user, after the prefix `sayso-`."""
    module: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = {}
    ports: Mapping[str, int] = {}
    probes: Manifest = {}
    resources: Resources = Resources()
    secrets: Mapping[str, str] = {}
    """By variable, `secret/key`: mounted as a file that the variable names."""
    keeps_state: bool = False


def labels(name: str, kind: str) -> dict[str, str]:
    return {PART_OF: "sayso", NAME: name, KIND: kind}


def build_pod(
    name: str, kind: str, containers: Iterable[Container], *, grace: int = 30, **more: Any
) -> Manifest:
    """`grace`: seconds between SIGTERM and SIGKILL."""
    parts = list(containers)
    return {
        "metadata": {"labels": labels(name, kind)},
        "spec": {
            "automountServiceAccountToken": False,
            # Kubernetes would set SAYSO_..._PORT for services of such a name, to an address.
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": grace,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": USER,
                "runAsGroup": USER,
                "fsGroup": USER,
                "fsGroupChangePolicy": "OnRootMismatch",
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": "kubernetes.io/hostname",
                    "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": {"matchLabels": {NAME: name}},
                }
            ],
            "containers": [build_container(part) for part in parts],
            "volumes": _volumes(parts),
            **more,
        },
    }


def build_container(part: Container) -> Manifest:
    mounts = [
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the container's own
        {"name": "kafka-ca", "mountPath": f"{SECRETS_FOLDER}/kafka-ca", "readOnly": True},
        *[
            {"name": volume, "mountPath": f"{SECRETS_FOLDER}/{volume}", "readOnly": True}
            for volume in _secret_volumes(part)
        ],
        *([{"name": "state", "mountPath": STATE_FOLDER}] if part.keeps_state else []),
    ]
    ports = [{"name": name, "containerPort": port} for name, port in part.ports.items()]
    return {
        "name": part.name,
        "image": IMAGE,
        "command": ["python", "-m", part.module],
        "args": list(part.arguments),
        "envFrom": [{"configMapRef": {"name": "sayso-settings"}}],
        "env": _environment(part),
        **({"ports": ports} if ports else {}),
        **part.probes,
        "resources": {
            "requests": {"cpu": part.resources.cpu, "memory": part.resources.memory},
            "limits": {"cpu": part.resources.cpu_limit, "memory": part.resources.memory_limit},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": mounts,
    }


def build_probes(port: str, *, started: str, ready: str) -> Manifest:
    """Paths of services/observability/health.py. None of them asks Kafka."""
    return {
        "startupProbe": _probe(port, started, START_PERIOD, START_FAILURES),
        "livenessProbe": _probe(port, "/live", LIVENESS_PERIOD, LIVENESS_FAILURES),
        "readinessProbe": _probe(port, ready, 5, 3),
    }


def _probe(port: str, path: str, period: int, failures: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": port},
        "periodSeconds": period,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }


def _environment(part: Container) -> list[Manifest]:
    named = {
        "SAYSO_KAFKA_USER": f"sayso-{part.name}",
        "SAYSO_KAFKA_PASSWORD_FILE": f"{SECRETS_FOLDER}/sayso-{part.name}/password",
        **{name: f"{SECRETS_FOLDER}/{where}" for name, where in part.secrets.items()},
        **part.environment,
    }
    return [
        {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        *[{"name": name, "value": value} for name, value in named.items()],
    ]


def _secret_volumes(part: Container) -> list[str]:
    return [f"sayso-{part.name}", *[where.partition("/")[0] for where in part.secrets.values()]]


def _volumes(parts: Iterable[Container]) -> list[Manifest]:
    """Each secret with the keys that are used, and no others: Strimzi puts a whole login beside the
    password."""
    keys: dict[str, set[str]] = {}
    for part in parts:
        for where in (f"sayso-{part.name}/password", *part.secrets.values()):
            secret, _, key = where.partition("/")
            keys.setdefault(secret, set()).add(key)
    return [
        {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
        {"name": "kafka-ca", "secret": _secret(KAFKA_CA, {"ca.crt"})},
        *[{"name": name, "secret": _secret(name, found)} for name, found in sorted(keys.items())],
    ]


def _secret(name: str, keys: Iterable[str]) -> Manifest:
    return {
        "secretName": name,
        "defaultMode": 0o440,
        "items": [{"key": key, "path": key} for key in sorted(keys)],
    }
