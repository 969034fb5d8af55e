"""Which codes messages stand with, and which of these nobody has explained."""

from __future__ import annotations

from services.ledger.ledger import Ledger
from streams.error_codes import all_codes


def counted(ledger: Ledger) -> dict[str, int]:
    """Messages by the code that they stand with now, most frequent first."""
    sql = """SELECT error_code AS code, count(*) AS n FROM outcomes WHERE error_code IS NOT NULL
        GROUP BY 1 ORDER BY n DESC, code"""
    return {str(row["code"]): int(row["n"]) for row in ledger.rows(sql)}


def unexplained(ledger: Ledger) -> dict[str, int]:
    """Of these, the codes that the dictionary does not have: the count to watch, and to raise an alarm on."""
    return {code: messages for code, messages in counted(ledger).items() if code not in all_codes()}
