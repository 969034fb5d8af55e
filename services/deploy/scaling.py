"""How many workers: by the seconds until what is unread is read, as Prometheus knows it.

KEDA's own Kafka scaler looks at the offsets of consumer groups. Our positions are in changelogs,
and transaction markers take offsets, so it would see lag for ever, or none. The exporter knows
both. The queue of a sender is no reason for a worker: the carrier's pace empties it, not we.
"""

from __future__ import annotations

from typing import Final

from services.deploy.pods import Manifest
from services.deploy.strimzi import PARTITIONS
from services.deploy.workloads import WORKERS

PROMETHEUS: Final = "http://prometheus.monitoring.svc:9090"
DRAIN_SECONDS: Final = 30
"""A worker is added when what is unread would take longer."""
CALM: Final = 1800
"""Seconds of calm before a worker is taken away: each change moves partitions."""


def build_scaling() -> list[Manifest]:
    return [_scaled(name) for name in WORKERS]


def drain_seconds(processor: str) -> str:
    """A query: what is unread, by what was read a second in the last five minutes."""
    unread = f'sum(kafka_consumergroup_group_sum_lag{{group="sayso.{processor}"}})'
    rate = f'sum(rate(sayso_facts_total{{room="{processor}"}}[5m]))'
    return f"{unread} / clamp_min({rate}, 1)"


def _scaled(processor: str) -> Manifest:
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": processor},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": processor},
            "minReplicaCount": 1,
            "maxReplicaCount": PARTITIONS,
            "pollingInterval": 30,
            "advanced": {"horizontalPodAutoscalerConfig": {"behavior": _behavior()}},
            "triggers": [
                {
                    "type": "prometheus",
                    # by pod: the query is about all of them, so KEDA must not divide it
                    "metricType": "Value",
                    "metadata": {
                        "serverAddress": PROMETHEUS,
                        "query": drain_seconds(processor),
                        "threshold": str(DRAIN_SECONDS),
                        # nothing known of the lag is no reason to change anything
                        "ignoreNullValues": "false",
                    },
                }
            ],
        },
    }


def _behavior() -> Manifest:
    return {
        "scaleUp": {
            "stabilizationWindowSeconds": 60,
            "policies": [{"type": "Pods", "value": 2, "periodSeconds": 120}],
        },
        "scaleDown": {
            "stabilizationWindowSeconds": CALM,
            "policies": [{"type": "Pods", "value": 1, "periodSeconds": 600}],
        },
    }
