"""Grafana's dashboards, as tables of panels. `python -m services.observability.dashboards` writes
the JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, NamedTuple

FOLDER: Final = Path(__file__).with_name("grafana") / "dashboards"
SOURCE: Final = {"type": "prometheus", "uid": "sayso"}


class Panel(NamedTuple):
    title: str
    queries: tuple[tuple[str, str], ...]
    """Legend and PromQL."""
    unit: str = "short"
    """Grafana's name of it."""
    stat: bool = False
    """One big number instead of a chart."""


_P99: Final = "histogram_quantile(0.99, sum by (le{by}) (rate({name}_bucket[5m])))"

OVERVIEW: Final = (
    Panel(
        "Processors not well",
        (("{{group}} {{verdict}}", 'sum by (group, verdict) (sayso_lag_verdict{verdict!="OK"})'),),
        stat=True,
    ),
    Panel("Stuck messages", (("{{cause}}", "sayso_stuck_messages"),), stat=True),
    Panel("Unaccounted messages", (("{{tenant}}", "sayso_balance_residue"),), stat=True),
    Panel("Open dead letters", (("{{topic}} {{cause}}", "sayso_open_dead_letters"),), stat=True),
    Panel(
        "Decisions a second",
        (("{{verdict}}", "sum by (verdict) (rate(sayso_decisions_total[1m]))"),),
        "ops",
    ),
    Panel(
        "Outcomes a second",
        (("{{state}}", "sum by (state) (rate(sayso_outcomes_total[1m]))"),),
        "ops",
    ),
    Panel("Waiting messages, by cause", (("{{cause}}", "sayso_waiting_messages"),)),
    Panel("Age of the oldest", (("{{cause}}", "sayso_waiting_oldest_seconds"),), "s"),
    Panel(
        "STOP to effect, 99th percentile",
        (("p99", _P99.format(by="", name="sayso_stop_to_effect_seconds")),),
        "s",
    ),
    Panel("Opt-in requests a minute", (("asks", "60 * sum(rate(sayso_asks_total[5m]))"),)),
    Panel(
        "Why not sent",
        (("{{rule}}", 'sum by (rule) (rate(sayso_decisions_total{verdict!="send"}[5m]))'),),
        "ops",
    ),
    Panel(
        "Error codes",
        (("{{code}}", 'sum by (code) (rate(sayso_outcomes_total{code!=""}[5m]))'),),
        "ops",
    ),
)

LAG: Final = (
    Panel("Lag, records", (("{{group}}", "kafka_consumergroup_group_sum_lag"),)),
    Panel("Lag, seconds", (("{{group}}", "kafka_consumergroup_group_max_lag_seconds"),), "s"),
    Panel(
        "Lag by topic", (("{{group}} {{topic}}", "kafka_consumergroup_group_topic_sum_lag > 0"),)
    ),
    Panel("Groups", (("{{group}} {{state}}", "kafka_consumergroup_group_state"),)),
    Panel(
        "Input records a second",
        (("{{room}}", "sum by (room) (rate(sayso_facts_total[1m]))"),),
        "ops",
    ),
    Panel(
        "Input records in a transaction, 99th percentile",
        (("{{room}}", _P99.format(by=", room", name="sayso_batch_facts")),),
    ),
    Panel(
        "Transaction seconds, 99th percentile",
        (("{{room}}", _P99.format(by=", room", name="sayso_transaction_seconds")),),
        "s",
    ),
    Panel("Restore seconds", (("{{room}} {{instance}}", "sayso_restore_seconds"),), "s"),
    Panel("Segments in queues", (("{{lane}}", "sum by (lane) (sayso_queue_segments)"),)),
    Panel(
        "Segments a second: used and allowed",
        (("used", "sum(rate(sayso_segments_total[1m]))"), ("allowed", "sum(sayso_pace_allowed)")),
    ),
    Panel(
        "Attempts a second",
        (("{{state}}", "sum by (state) (rate(sayso_attempts_total[1m]))"),),
        "ops",
    ),
    Panel("Senders held up", (("{{state}}", "sum by (state) (sayso_senders_held_up)"),)),
    Panel(
        "Webhook answers a second",
        (("{{status}}", "sum by (status) (rate(sayso_webhook_answers_total[1m]))"),),
        "ops",
    ),
    Panel("The ledger has not moved for", (("ledger", "sayso_ledger_stands_seconds"),), "s"),
    Panel(
        "Dead letters a minute",
        (("{{room}} {{cause}}", "60 * rate(sayso_dead_letters_total[5m])"),),
    ),
)

DASHBOARDS: Final = {
    "overview": ("Sayso: messages", OVERVIEW),
    "lag": ("Sayso: processors and senders", LAG),
}


def build_dashboard(name: str) -> dict[str, Any]:
    title, panels = DASHBOARDS[name]
    return {
        "uid": f"sayso-{name}",
        "title": title,
        "schemaVersion": 39,
        "refresh": "5s",
        "editable": False,
        "time": {"from": "now-30m", "to": "now"},
        "tags": ["sayso"],
        "panels": list(_lay_out(panels)),
    }


def _lay_out(panels: tuple[Panel, ...]) -> list[dict[str, Any]]:
    """Four big numbers in a row, or two charts."""
    made = []
    x = 0
    y = 0
    for number, panel in enumerate(panels, 1):
        width = 6 if panel.stat else 12
        height = 5 if panel.stat else 8
        if x + width > 24:
            x = 0
            y += height
        made.append(
            _panel(panel) | {"id": number, "gridPos": {"x": x, "y": y, "w": width, "h": height}}
        )
        x += width
        if x == 24:
            x = 0
            y += height
    return made


def _panel(panel: Panel) -> dict[str, Any]:
    return {
        "title": panel.title,
        "type": "stat" if panel.stat else "timeseries",
        "datasource": SOURCE,
        "fieldConfig": {"defaults": {"unit": panel.unit, "noValue": "0"}, "overrides": []},
        "targets": [
            {"refId": chr(65 + index), "datasource": SOURCE, "expr": query, "legendFormat": legend}
            for index, (legend, query) in enumerate(panel.queries)
        ],
    }


def render(name: str) -> str:
    return json.dumps(build_dashboard(name), indent=1) + "\n"


if __name__ == "__main__":
    for name in DASHBOARDS:
        (FOLDER / f"{name}.json").write_text(render(name), "utf-8")
