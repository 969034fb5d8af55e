"""Every process that runs for as long as Sayso runs."""

from __future__ import annotations

from typing import Any, Final

from schemas.topics import PROCESSOR_NAMES
from services.deploy.pods import (
    METRICS_PORT,
    NAME,
    Container,
    Manifest,
    Resources,
    build_container,
    build_pod,
    build_probes,
    labels,
)

WORKERS: Final = PROCESSOR_NAMES
"""Each processor is a StatefulSet: the name of a pod is its name in the consumer group, so that a
restart keeps its partitions and nobody rebalances."""
PROVIDER_TOKEN: Final = {"TWILIO_AUTH_TOKEN_FILE": "sayso-provider/auth-token"}
MAIL_SERVER: Final = {"SAYSO_SMTP_URL_FILE": "sayso-mail/url"}
"""Dispatch calls the provider, the webhook checks its signatures."""
EXPORTER_PORT: Final = 9308
EVENT_WEBHOOKS_PORT: Final = 9301
WEBHOOK_PORT: Final = 8410
CONSOLE_PORT: Final = 8430
DISPATCH_GRACE: Final = 45
"""Seconds: 20, and the provider's time-out twice, so that what came of its calls is written."""
REPLICAS: Final = {"webhook": 2}

_OUTSIDE: Final = ("--host", "0.0.0.0")  # noqa: S104 - the pod's own address
_METRICS: Final = {"metrics": METRICS_PORT}
_WORKER_PROBES: Final = build_probes("metrics", started="/started", ready="/ready")


def build_workers() -> list[Manifest]:
    return [_worker(name) for name in WORKERS]


def build_edges() -> list[Manifest]:
    """Who talks to the outside, and the console with all that shares its state folder."""
    return [
        _stateful_set("notify", "edge", [_notify()]),
        _webhook(),
        _console(),
        _service("webhook", {"http": WEBHOOK_PORT}),
        _service("console", {"http": CONSOLE_PORT}),
        _headless_service("workers", {"sayso/kind": "worker"}),
        _headless_service("notify", {NAME: "notify"}),
    ]


def build_disruption_budgets() -> list[Manifest]:
    """Nodes are emptied one pod of a kind at a time."""
    return [
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": name},
            "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {NAME: name}}},
        }
        for name in (*WORKERS, "notify", "webhook", "console")
    ]


def build_event_webhooks_patch() -> Manifest:
    """For whoever uses event webhooks: one more container beside the console's."""
    container = Container(
        "event-webhooks",
        "services.event_webhooks",
        environment={"SAYSO_METRICS_PORT": str(EVENT_WEBHOOKS_PORT)},
        ports={"ew-metrics": EVENT_WEBHOOKS_PORT},
        probes=build_probes("ew-metrics", started="/live", ready="/live"),
        keeps_state=True,
    )
    pod = build_pod("console", "edge", [container])["spec"]
    own = [volume for volume in pod["volumes"] if volume["name"] == "sayso-event-webhooks"]
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "console"},
        "spec": {
            "template": {"spec": {"containers": [build_container(container)], "volumes": own}}
        },
    }


def _worker(name: str) -> Manifest:
    calls_provider = name == "dispatch"
    container = Container(
        name,
        "services.workers",
        (name, "--instance", "$(POD_NAME)"),
        ports=_METRICS,
        probes=_WORKER_PROBES,
        resources=Resources("250m", "1", "512Mi", "1Gi"),
        secrets=PROVIDER_TOKEN if calls_provider else {},
    )
    return _stateful_set(
        name, "worker", [container], grace=DISPATCH_GRACE if calls_provider else 30
    )


def _notify() -> Container:
    return Container(
        "notify",
        "services.notify",
        ("--instance", "$(POD_NAME)"),
        ports=_METRICS,
        probes=_WORKER_PROBES,
        secrets=MAIL_SERVER,
    )


def _webhook() -> Manifest:
    """Its readiness does not ask Kafka: without a pod that is ready the provider would reach
    nobody, instead of hearing that it is to call again."""
    container = Container(
        "webhook",
        "services.webhook",
        _OUTSIDE,
        ports={"http": WEBHOOK_PORT} | _METRICS,
        probes=_WORKER_PROBES,
        secrets=PROVIDER_TOKEN,
    )
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "webhook", "labels": labels("webhook", "edge")},
        "spec": {
            "replicas": REPLICAS["webhook"],
            "selector": {"matchLabels": {NAME: "webhook"}},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
            },
            "template": build_pod("webhook", "edge", [container], grace=15),
        },
    }


def _console() -> Manifest:
    """One pod: console, ledger and exporter share the ledger's file. The ledger has no port to be
    asked at; `sayso_ledger_stands_seconds` says when it does not move."""
    page = build_probes("http", started="/live", ready="/live")
    metrics = build_probes("exporter", started="/live", ready="/live")
    containers = [
        Container(
            "console",
            "services.console",
            _OUTSIDE,
            ports={"http": CONSOLE_PORT},
            probes=page,
            resources=Resources("200m", "1", "384Mi", "1Gi"),
            keeps_state=True,
        ),
        Container(
            "ledger",
            "services.ledger",
            resources=Resources("200m", "1", "512Mi", "1Gi"),
            keeps_state=True,
        ),
        Container(
            "exporter",
            "services.observability",
            (*_OUTSIDE, "--port", str(EXPORTER_PORT)),
            ports={"exporter": EXPORTER_PORT},
            probes=metrics,
            keeps_state=True,
        ),
    ]
    claim = {
        "metadata": {"name": "state"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "20Gi"}},
        },
    }
    return _stateful_set("console", "edge", containers, volumeClaimTemplates=[claim])


def _stateful_set(
    name: str, kind: str, containers: list[Container], *, grace: int = 30, **more: Any
) -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name, "labels": labels(name, kind)},
        "spec": {
            "replicas": 1,
            "serviceName": "workers" if kind == "worker" else name,
            "podManagementPolicy": "Parallel",
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
            "selector": {"matchLabels": {NAME: name}},
            "template": build_pod(name, kind, containers, grace=grace),
            **more,
        },
    }


def _service(name: str, ports: dict[str, int]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": labels(name, "edge")},
        "spec": {
            "selector": {NAME: name},
            "ports": [
                {"name": port, "port": number, "targetPort": port} for port, number in ports.items()
            ],
        },
    }


def _headless_service(name: str, selector: dict[str, str]) -> Manifest:
    """What a StatefulSet wants to have, and what Prometheus may find its pods by."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/part-of": "sayso"}},
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": selector,
            "ports": [{"name": "metrics", "port": METRICS_PORT, "targetPort": "metrics"}],
        },
    }
