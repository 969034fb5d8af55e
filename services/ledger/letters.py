"""Dead letters and what was done about them."""

from __future__ import annotations

from typing import Any, NamedTuple

from schemas.dead_letter import DeadLetter, LetterResolution
from services.ledger.ledger import Ledger


class Letter(NamedTuple):
    """`partition`, `offset`: where it stands on sms.dead-letters."""

    partition: int
    offset: int
    said: DeadLetter
    resolution: LetterResolution | None

    @property
    def name(self) -> str:
        """What a person calls it by: `2-17`."""
        return f"{self.partition}-{self.offset}"


class Wanted(NamedTuple):
    """`resolved`: also those that were replayed or dropped."""

    cause: str | None = None
    topic: str | None = None
    resolved: bool = False


_ROWS = """SELECT l.part, l.off, l.json AS letter, r.json AS resolution FROM dead_letters l
    LEFT JOIN letter_resolutions r ON r.letter_part = l.part AND r.letter_off = l.off"""


def letters(ledger: Ledger, wanted: Wanted) -> list[Letter]:
    """Newest last."""
    sql = f"""{_ROWS} WHERE (?1 IS NULL OR l.cause = ?1) AND (?2 IS NULL OR l.topic = ?2)
        AND (?3 OR r.json IS NULL) GROUP BY l.part, l.off ORDER BY l.at_ms, l.part, l.off"""
    return [_letter(row) for row in ledger.rows(sql, wanted.cause, wanted.topic, wanted.resolved)]


def letter(ledger: Ledger, partition: int, offset: int) -> Letter | None:
    found = ledger.rows(f"{_ROWS} WHERE l.part = ? AND l.off = ? LIMIT 1", partition, offset)
    return _letter(found[0]) if found else None


def counted(ledger: Ledger) -> list[tuple[str, str, int, int]]:
    """(topic, cause, open, all)."""
    sql = """SELECT topic, cause, sum(resolution IS NULL) AS open, count(*) AS n FROM
        (SELECT l.topic, l.cause, l.part, l.off, max(r.json) AS resolution FROM dead_letters l
         LEFT JOIN letter_resolutions r ON r.letter_part = l.part AND r.letter_off = l.off GROUP BY l.part, l.off)
        GROUP BY 1, 2 ORDER BY open DESC, 1, 2"""
    return [(row["topic"], row["cause"], row["open"], row["n"]) for row in ledger.rows(sql)]


def _letter(row: Any) -> Letter:
    said = DeadLetter.model_validate_json(row["letter"])
    done = LetterResolution.model_validate_json(row["resolution"]) if row["resolution"] else None
    return Letter(row["part"], row["off"], said, done)
