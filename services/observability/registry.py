"""The metrics of one process, as Prometheus reads them. Only declared metrics exist
(`metrics.py`)."""

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

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_COLLECTORS: Final[Mapping[Kind, Any]] = {
    Kind.COUNTER: Counter,
    Kind.GAUGE: Gauge,
    Kind.HISTOGRAM: Histogram,
}


class MetricRegistry:
    """A name that is not declared raises KeyError: a bug, found by the first test that counts
    it."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry(auto_describe=True)
        self._collectors = {metric.name: self._create(metric) for metric in metrics}
        self._labeled: dict[tuple[Any, ...], Any] = {}

    def _create(self, metric: Metric) -> Any:
        more = {"buckets": metric.buckets} if metric.buckets else {}
        return _COLLECTORS[metric.kind](
            metric.name, metric.about, metric.labels, registry=self.registry, **more
        )

    def count(self, name: str, by: float = 1, **labels: str) -> None:
        self._collector(name, labels).inc(by)

    def set(self, name: str, value: float, **labels: str) -> None:
        self._collector(name, labels).set(value)

    def observe(self, name: str, value: float, **labels: str) -> None:
        self._collector(name, labels).observe(value)

    def clear(self, *names: str) -> None:
        """Forget all values of these metrics, because some labels may not exist any more."""
        for name in names:
            self._collectors[name].clear()
        self._labeled.clear()

    def text(self) -> bytes:
        return generate_latest(self.registry)

    def _collector(self, name: str, labels: Mapping[str, str]) -> Any:
        key = (name, *labels.items())
        found = self._labeled.get(key)  # Prometheus' own lookup takes ten times as long
        if found is None:
            collector = self._collectors[name]
            found = self._labeled[key] = collector.labels(**labels) if labels else collector
        return found
