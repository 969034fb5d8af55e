"""Every metric, with one sentence each. The table in the docs is made from it.

No label holds a phone number or a text: labels are words of ours, codes of the provider, and
tenants' names.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
RECORDS: Final = (1, 2, 5, 10, 25, 50, 100, 200, 400, 1000, 2000, 4000)


class Kind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Metric(NamedTuple):
    """A counter's name ends in `_total`; a time is in seconds."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    about: str
    buckets: tuple[float, ...] = ()


_C: Final = Kind.COUNTER
_G: Final = Kind.GAUGE
_H: Final = Kind.HISTOGRAM
_PART = ("group", "topic", "partition")

WORKERS: Final[tuple[Metric, ...]] = (
    Metric("sayso_facts_total", _C, ("room",), "Input records processed and committed."),
    Metric("sayso_batch_facts", _H, ("room",), "Input records in one transaction.", RECORDS),
    Metric(
        "sayso_transaction_seconds",
        _H,
        ("room",),
        "Duration of a transaction, from the first write to the commit.",
        SECONDS,
    ),
    Metric("sayso_restore_seconds", _G, ("room",), "Duration of the last restore of state."),
    Metric("sayso_restored_rows", _G, ("room",), "State entries that it restored."),
    Metric("sayso_partitions", _G, ("room",), "Partitions that this worker owns."),
    Metric(
        "sayso_reopenings_total",
        _C,
        ("room",),
        "Partitions fenced and restored in place: the answer to their transaction was lost.",
    ),
    Metric(
        "sayso_decisions_total",
        _C,
        ("verdict", "rule"),
        "Decisions, by the rule that decided, or `none`.",
    ),
    Metric("sayso_asks_total", _C, (), "Opt-in requests ordered."),
    Metric(
        "sayso_consent_changes_total",
        _C,
        ("action", "source"),
        "Consent changes that took effect.",
    ),
    Metric(
        "sayso_stop_to_effect_seconds",
        _H,
        (),
        "From a STOP's arrival to the commit that ends its number's texts.",
        SECONDS,
    ),
    Metric("sayso_attempts_total", _C, ("state",), "Reports about attempts, by state."),
    Metric(
        "sayso_segments_total",
        _C,
        (),
        "Segments that the provider took. Their rate is the pace used.",
    ),
    Metric(
        "sayso_outcomes_total",
        _C,
        ("state", "code"),
        "Changes of a message's outcome; `code` if the provider gave one.",
    ),
    Metric(
        "sayso_unknown_codes_total",
        _C,
        ("code",),
        "Outcomes with a code that the catalogue does not have.",
    ),
    Metric(
        "sayso_queue_segments",
        _G,
        ("lane",),
        "Segments in the queues of this worker's senders.",
    ),
    Metric(
        "sayso_pace_allowed",
        _G,
        (),
        "Segments per second allowed to the senders that have a queue.",
    ),
    Metric(
        "sayso_pace_drain_seconds",
        _G,
        (),
        "Seconds until the slowest of these senders has emptied its queue.",
    ),
    Metric(
        "sayso_senders_held_up",
        _G,
        ("state",),
        "Senders that are paused, waiting after a 429, or without settings.",
    ),
    Metric("sayso_dead_letters_total", _C, ("room", "cause"), "Records that became dead letters."),
    Metric(
        "sayso_standstills",
        _G,
        ("topic", "partition"),
        "1 for a topic's partition that stands still: too many of its records were unreadable.",
    ),
)
"""Metrics of each worker."""

WEBHOOK: Final[tuple[Metric, ...]] = (
    Metric("sayso_receipts_total", _C, ("status", "code"), "Delivery receipts put on Kafka."),
    Metric("sayso_inbound_total", _C, (), "Inbound texts put on Kafka."),
    Metric(
        "sayso_webhook_answers_total",
        _C,
        ("status",),
        "Our answers to the provider, by HTTP status.",
    ),
)

NOTIFY: Final[tuple[Metric, ...]] = (
    Metric(
        "sayso_mails_total",
        _C,
        ("result",),
        "Mails to staff: `sent`, `retried` (to be tried again), `refused` or `unreadable`.",
    ),
    Metric("sayso_mails_open", _G, (), "Mails taken from Kafka that no server has accepted yet."),
    Metric(
        "sayso_returned_mails_total",
        _C,
        ("result",),
        "Mails that came back to our address: `answered` or `ignored`.",
    ),
    Metric("sayso_mail_server_up", _G, (), "0 while the mail server takes nothing from us."),
)
"""Metrics of the process that mails staff."""

EVENT_WEBHOOKS: Final[tuple[Metric, ...]] = (
    Metric(
        "sayso_event_webhook_attempts_total",
        _C,
        ("result",),
        "Attempts to deliver an event webhook: `delivered`, or the problem.",
    ),
    Metric("sayso_event_webhook_waiting", _G, (), "Event webhooks that no endpoint has taken yet."),
    Metric("sayso_event_webhook_oldest_seconds", _G, (), "Age of the oldest of them."),
    Metric(
        "sayso_event_webhook_endpoints",
        _G,
        ("state",),
        "Endpoints: `active`, `paused` (by hand), `dead` (failing for a day), `gone` (410).",
    ),
    Metric(
        "sayso_event_webhook_unreadable_total",
        _C,
        (),
        "Records of which no event webhook could be made.",
    ),
)
"""Metrics of the process that delivers event webhooks."""

EXPORTER: Final[tuple[Metric, ...]] = (
    Metric(
        "kafka_consumergroup_group_lag",
        _G,
        _PART,
        "Records that a processor has not processed yet.",
    ),
    Metric("kafka_consumergroup_group_lag_seconds", _G, _PART, "Age of the first of them."),
    Metric(
        "kafka_consumergroup_group_max_lag",
        _G,
        ("group",),
        "The largest lag of a partition, in records.",
    ),
    Metric(
        "kafka_consumergroup_group_max_lag_seconds",
        _G,
        ("group",),
        "The largest lag of a partition, in seconds.",
    ),
    Metric(
        "kafka_consumergroup_group_sum_lag",
        _G,
        ("group",),
        "Records that a processor has not processed yet, on all partitions.",
    ),
    Metric(
        "kafka_consumergroup_group_topic_sum_lag", _G, ("group", "topic"), "The same, of one topic."
    ),
    Metric("kafka_consumergroup_group_offset", _G, _PART, "The committed offset."),
    Metric(
        "kafka_consumergroup_group_state",
        _G,
        ("group", "state"),
        "1 for the state that the group is in.",
    ),
    Metric("kafka_partition_latest_offset", _G, ("topic", "partition"), "The end of a partition."),
    Metric("kafka_partition_earliest_offset", _G, ("topic", "partition"), "Its beginning."),
    Metric(
        "sayso_lag_verdict",
        _G,
        ("group", "verdict"),
        "Partitions by verdict: OK, WARN, STALLED, STOPPED.",
    ),
    Metric("sayso_waiting_messages", _G, ("cause",), "Waiting messages, by what they wait for."),
    Metric(
        "sayso_waiting_oldest_seconds", _G, ("cause",), "How long the oldest of them has waited."
    ),
    Metric(
        "sayso_stuck_messages",
        _G,
        ("cause",),
        "Waiting messages that should have moved by now. Alert on these.",
    ),
    Metric(
        "sayso_to_read_replies",
        _G,
        (),
        "Numbers whose reply may be an opt-out and has not been answered by staff.",
    ),
    Metric("sayso_to_read_oldest_seconds", _G, (), "Age of the oldest of these replies."),
    Metric(
        "sayso_balance_residue",
        _G,
        ("tenant",),
        "Requested messages that are not accounted for; 0 at rest.",
    ),
    Metric(
        "sayso_open_dead_letters", _G, ("topic", "cause"), "Dead letters that are not resolved."
    ),
    Metric(
        "sayso_ledger_stands_seconds",
        _G,
        (),
        "Seconds for which the ledger had something to read and did not move.",
    ),
    Metric("sayso_silent_brokers", _G, (), "Kafka brokers that do not answer."),
    Metric("sayso_under_replicated_partitions", _G, (), "Partitions that lack copies in sync."),
    Metric(
        "sayso_below_min_insync_partitions",
        _G,
        (),
        "Partitions below min.insync.replicas, which take no records.",
    ),
    Metric("sayso_exporter_seconds", _G, (), "Duration of the last sample."),
    Metric("sayso_exporter_up", _G, (), "1 if the last sample succeeded."),
)
"""Metrics of the exporter. The first ten have the names of klag-exporter's, so that its dashboards
fit."""

METRICS: Final = WORKERS + WEBHOOK + NOTIFY + EVENT_WEBHOOKS + EXPORTER


def render_docs() -> str:
    """For the docs, in Markdown."""
    lines = ["| metric | kind | labels | |", "|---|---|---|---|"]
    for metric in METRICS:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        lines.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.about} |")
    return "\n".join(lines) + "\n"
