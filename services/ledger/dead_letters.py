"""Dead letters, and what was done about each."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from schemas.dead_letter import DeadLetter, LetterResolution
from services.ledger.ledger import Ledger


class DeadLetterEntry(NamedTuple):
    partition: int
    """Of sms.dead-letters, as `offset` is."""
    offset: int
    letter: DeadLetter
    resolution: LetterResolution | None

    @property
    def name(self) -> str:
        """What staff call it: `2-17`."""
        return f"{self.partition}-{self.offset}"


class DeadLetterFilter(NamedTuple):
    cause: str | None = None
    topic: str | None = None
    resolved: bool = False
    """Also those that were replayed or dropped."""


_SELECT: Final = """SELECT l.part, l.off, l.json AS letter, r.json AS resolution FROM dead_letters l
    LEFT JOIN letter_resolutions r ON r.letter_part = l.part AND r.letter_off = l.off
        AND NOT EXISTS (SELECT 1 FROM letter_resolutions b WHERE b.letter_part = l.part
            AND b.letter_off = l.off AND (b.part, b.off) < (r.part, r.off))"""
"""With its first resolution."""


def list_dead_letters(ledger: Ledger, wanted: DeadLetterFilter) -> list[DeadLetterEntry]:
    """Newest last."""
    sql = f"""{_SELECT} WHERE (?1 IS NULL OR l.cause = ?1) AND (?2 IS NULL OR l.topic = ?2)
        AND (?3 = 1 OR r.json IS NULL) ORDER BY l.at_ms, l.part, l.off"""
    return [_entry(row) for row in ledger.rows(sql, wanted.cause, wanted.topic, wanted.resolved)]


def find_dead_letter(ledger: Ledger, partition: int, offset: int) -> DeadLetterEntry | None:
    found = ledger.rows(f"{_SELECT} WHERE l.part = ? AND l.off = ? LIMIT 1", partition, offset)
    return _entry(found[0]) if found else None


def read_entry(ledger: Ledger, partition: int, offset: int) -> DeadLetterEntry:
    """Of a letter that is there."""
    [row] = ledger.rows(f"{_SELECT} WHERE l.part = ? AND l.off = ? LIMIT 1", partition, offset)
    return _entry(row)


def count_dead_letters(ledger: Ledger) -> list[tuple[str, str, int, int]]:
    """(topic, cause, open, all)."""
    sql = """SELECT topic, cause, count(CASE WHEN resolution IS NULL THEN 1 END) AS open,
            count(*) AS n FROM
        (SELECT l.topic, l.cause, l.part, l.off, max(r.json) AS resolution FROM dead_letters l
         LEFT JOIN letter_resolutions r ON r.letter_part = l.part AND r.letter_off = l.off
         GROUP BY l.part, l.off, l.topic, l.cause) x
        GROUP BY 1, 2 ORDER BY open DESC, 1, 2"""
    return [(row["topic"], row["cause"], row["open"], row["n"]) for row in ledger.rows(sql)]


def _entry(row: Any) -> DeadLetterEntry:
    resolution = row["resolution"]
    return DeadLetterEntry(
        row["part"],
        row["off"],
        DeadLetter.model_validate_json(row["letter"]),
        LetterResolution.model_validate_json(resolution) if resolution else None,
    )
