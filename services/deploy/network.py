"""Who may talk to whom. What is not named here is refused, in both directions.

A policy knows addresses and no names: "the provider" is whatever answers at port 443 outside of the
private networks. Only dispatch may go there.
"""

from __future__ import annotations

from typing import Any, Final

from services.deploy.pods import METRICS_PORT, NAME, PART_OF, Manifest
from services.deploy.workloads import (
    CONSOLE_PORT,
    EVENT_WEBHOOKS_PORT,
    EXPORTER_PORT,
    WEBHOOK_PORT,
    WORKERS,
)

CLUSTER: Final = "sayso"
"""The name of the Kafka cluster, in Strimzi's labels."""
KAFKA_PORT: Final = 9093
NAMESPACE: Final = "kubernetes.io/metadata.name"
"""A label that Kubernetes sets on each namespace."""
PRIVATE: Final = (
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
)
PRIVATE_V6: Final = ("fc00::/7", "fe80::/10")
PUBLIC: Final = (
    {"ipBlock": {"cidr": "0.0.0.0/0", "except": list(PRIVATE)}},
    {"ipBlock": {"cidr": "::/0", "except": list(PRIVATE_V6)}},
)
OURS: Final = {"matchLabels": {PART_OF: "sayso"}}


def build_policies() -> list[Manifest]:
    kafka = {
        "podSelector": {"matchLabels": {"strimzi.io/cluster": CLUSTER, "strimzi.io/kind": "Kafka"}}
    }
    names = {"namespaceSelector": {"matchLabels": {NAMESPACE: "kube-system"}}}
    entrance = {"namespaceSelector": {"matchLabels": {NAMESPACE: "ingress-nginx"}}}
    watching = {"namespaceSelector": {"matchLabels": {NAMESPACE: "monitoring"}}}
    metrics = [METRICS_PORT, EVENT_WEBHOOKS_PORT, EXPORTER_PORT]
    return [
        _policy("nothing-else", OURS, policyTypes=["Ingress", "Egress"]),
        _policy("names", OURS, egress=[_to([names], 53, "UDP", "TCP")]),
        _policy("kafka", _speaks_kafka(), egress=[_to([kafka], KAFKA_PORT)]),
        _policy("dispatch-to-provider", _is("dispatch"), egress=[_to(list(PUBLIC), 443)]),
        _policy(
            "notify-to-mail-server",
            _is("notify"),
            egress=[_to(list(PUBLIC), 587), _to(list(PUBLIC), 465)],
        ),
        _policy("to-webhook", _is("webhook"), ingress=[_from([entrance], WEBHOOK_PORT)]),
        _policy("to-console", _is("console"), ingress=[_from([entrance], CONSOLE_PORT)]),
        _policy("to-metrics", OURS, ingress=[_from([watching], *metrics)]),
    ]


def build_event_webhooks_policy() -> Manifest:
    """Tenants' endpoints may be anywhere. Addresses of our own networks are refused here once more
    (services/event_webhooks/addresses.py)."""
    return _policy("event-webhooks-to-endpoints", _is("console"), egress=[_to(list(PUBLIC), 443)])


def _speaks_kafka() -> Manifest:
    """By name: a simulator or a mail catcher has no business there."""
    names = [*WORKERS, "notify", "webhook", "console"]
    return {"matchExpressions": [{"key": NAME, "operator": "In", "values": names}]}


def _is(name: str) -> Manifest:
    return {"matchLabels": {NAME: name}}


def _to(peers: list[Any], port: int, *protocols: str) -> Manifest:
    return {
        "to": peers,
        "ports": [{"protocol": one, "port": port} for one in protocols or ("TCP",)],
    }


def _from(peers: list[Any], *ports: int) -> Manifest:
    return {"from": peers, "ports": [{"protocol": "TCP", "port": port} for port in ports]}


def _policy(name: str, pods: Manifest, **rules: Any) -> Manifest:
    types = [kind for kind in ("Ingress", "Egress") if kind.lower() in rules]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": {"podSelector": pods, "policyTypes": types, **rules},
    }
