"""The usage report as rows of a table, its cost, and whether every request is accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from schemas.reports import UsageRow
from schemas.send_request import Kind, SystemKind
from services.ledger import Ledger
from services.ledger.usage import UsageFilter, UsageReport
from services.ledger.usage_totals import UsageSum
from services.operations.errors import InvalidRequest
from services.operations.validation import require_one_of
from streams.lifecycle import State, reconcile_states

COLUMNS: Final = {
    "tenant": "tenant",
    "branch": "branch",
    "sender": "sender",
    "day": "period",
    "kind": "kind",
    "state": "state",
    "code": "error_code",
    "meaning": "error_title",
}
"""What a column is called, and the field of a row that it shows."""
UsageLine = UsageRow | UsageSum
SUMS: Final = ("messages#", "segments#", "cost#")


class StateBalance(NamedTuple):
    """`unaccounted` counts requested messages that are not accounted for.

    It is 0 at rest, but not while some are on their way."""

    unaccounted: int
    sentence: str


def reconcile(found: UsageReport) -> StateBalance:
    """Apply the balance equation of `streams.lifecycle` to what the ledger holds."""
    counts = reconcile_states(found.requested, found.by_state)
    parts = " + ".join(f"{count:,} {group}" for group, count in counts.groups.items())
    if counts.unaccounted == 0:
        return StateBalance(
            0, f"Everything is accounted for: {counts.requested:,} requested = {parts}."
        )
    return StateBalance(
        counts.unaccounted,
        f"{counts.unaccounted:,} messages are not accounted for:"
        f" {counts.requested:,} requested, but {parts}."
        " Some may not be judged yet; look again in a moment.",
    )


def as_data(found: UsageReport) -> dict[str, Any]:
    return found._asdict() | {"rows": [row.model_dump(mode="json") for row in found.rows]}


def sum_rows(found: Sequence[UsageLine], columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """Add up the rows that agree in all of these columns; the total comes last.

    The cells of a row are the columns, then SUMS."""
    fields = [COLUMNS[column] for column in columns]
    groups: dict[tuple[str, ...], list[UsageLine]] = {}
    for row in found:
        name = tuple([str(getattr(row, field) or "") for field in fields])
        groups.setdefault(name, []).append(row)
    rows: list[tuple[Any, ...]] = [(*name, *_sums(groups[name])) for name in sorted(groups)]
    return [*rows, sum_total(found, columns)]


def sum_total(found: Sequence[UsageLine], columns: Sequence[str]) -> tuple[Any, ...]:
    """The last line of their table."""
    return ("total", *[""] * (len(columns) - 1), *_sums(found))


def count_states(found: UsageReport) -> list[tuple[str, int]]:
    """Messages by state, the most first."""
    counts: Counter[str] = Counter()
    for row in found.rows:
        counts[row.state] += row.messages
    return counts.most_common()


def parse_columns(by: str | None) -> tuple[str, ...]:
    """As in `kind,state`; None stands for all of them.  Raises InvalidRequest."""
    if by is None:
        return tuple(COLUMNS)
    columns = tuple(name.strip() for name in by.split(","))
    unknown = [name for name in columns if name not in COLUMNS]
    if unknown:
        raise InvalidRequest(
            f"--by {unknown[0]!r} is not a column", f"use some of {', '.join(COLUMNS)}"
        )
    return columns


def require_known_filter(ledger: Ledger, wanted: UsageFilter) -> None:
    """Raises InvalidRequest for a kind, a state or a sender that never existed."""

    def read_used(column: str) -> list[str]:
        rows = ledger.rows(f"SELECT DISTINCT {column} AS value FROM usage")
        return [row["value"] for row in rows if row["value"]]

    require_one_of("--kind", wanted.kind, Kind, SystemKind, read_used("kind"))
    require_one_of("--state-is", wanted.state, State, read_used("state"))
    senders = (row["sender"] for row in ledger.rows("SELECT sender FROM senders"))
    require_one_of("--sender", wanted.sender, senders, read_used("sender"))


def format_cost(rows: Iterable[UsageLine]) -> str:
    """`12.3450 USD`, by currency; `?` where some segments have no price."""
    sums: Counter[str] = Counter()
    is_unpriced = False
    for row in rows:
        is_unpriced = is_unpriced or bool(row.segments_unpriced)
        others = [(one.currency, one.cost_billed) for one in row.other_costs]
        for currency, micros in ((row.currency, row.cost_billed), *others):
            if currency and micros:
                sums[currency] += micros
    costs = [f"{micros / 1e6:,.4f} {currency}" for currency, micros in sorted(sums.items())]
    return " + ".join([*costs, "?"] if is_unpriced else costs)


def _sums(rows: Sequence[UsageLine]) -> tuple[int, int, str]:
    messages = sum(row.messages for row in rows)
    return messages, sum(row.segments for row in rows), format_cost(rows)
