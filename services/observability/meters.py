"""Metrics as Prometheus reads them: collectors made from the declarations, and nothing that is not declared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from services.observability.metrics import Kind, Metric

CONTENT: Final = "text/plain; version=0.0.4; charset=utf-8"
_OF: Final[Mapping[Kind, Any]] = {
    Kind.COUNTER: Counter,
    Kind.GAUGE: Gauge,
    Kind.HISTOGRAM: Histogram,
}


class Meters:
    """Of one process.  A name that is not declared is a KeyError: a bug, found by the first test that counts it."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry(auto_describe=True)
        self._made = {metric.name: self._make(metric) for metric in metrics}
        self._labeled: dict[tuple[Any, ...], Any] = {}

    def _make(self, metric: Metric) -> Any:
        more = {"buckets": metric.buckets} if metric.buckets else {}
        return _OF[metric.kind](
            metric.name, metric.about, metric.labels, registry=self.registry, **more
        )

    def count(self, name: str, by: float = 1, **labels: str) -> None:
        self._one(name, labels).inc(by)

    def set(self, name: str, value: float, **labels: str) -> None:
        self._one(name, labels).set(value)

    def observe(self, name: str, value: float, **labels: str) -> None:
        self._one(name, labels).observe(value)

    def clear(self, *names: str) -> None:
        """Values whose labels may be gone: what is not set again is no longer told."""
        for name in names:
            self._made[name].clear()
        self._labeled.clear()

    def text(self) -> bytes:
        return generate_latest(self.registry)

    def _one(self, name: str, labels: Mapping[str, str]) -> Any:
        key = (name, *labels.items())
        found = self._labeled.get(key)  # Prometheus' own lookup takes ten times as long
        if found is None:
            made = self._made[name]
            found = self._labeled[key] = made.labels(**labels) if labels else made
        return found
