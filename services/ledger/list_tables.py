"""Tables that hold no records: what lists are made of."""

from __future__ import annotations

from typing import Final

PERSON_TABLES: Final = """
CREATE TABLE person_index (id INTEGER PRIMARY KEY, tenant TEXT, person_id TEXT, sort_name TEXT,
    reach TEXT, number TEXT, branches TEXT, words TEXT, UNIQUE (tenant, person_id));
CREATE INDEX person_index_name ON person_index
    (tenant, sort_name, person_id, reach, branches, words);
CREATE TABLE person_numbers (number TEXT, tenant TEXT, person_id TEXT,
    PRIMARY KEY (number, tenant, person_id)) WITHOUT ROWID;
CREATE INDEX person_numbers_person ON person_numbers (tenant, person_id);
CREATE TABLE person_branches (tenant TEXT, person_id TEXT, branch TEXT,
    PRIMARY KEY (tenant, person_id, branch)) WITHOUT ROWID;
CREATE TABLE person_lists (tenant TEXT, branch TEXT, reach TEXT, sort_name TEXT, person_id TEXT,
    PRIMARY KEY (tenant, branch, reach, sort_name, person_id)) WITHOUT ROWID;
CREATE TABLE person_tallies (tenant TEXT, branch TEXT, reach TEXT, count INTEGER,
    PRIMARY KEY (tenant, branch, reach)) WITHOUT ROWID;
CREATE TABLE person_sets (tenant TEXT, branches TEXT, reach TEXT, count INTEGER,
    PRIMARY KEY (tenant, branches, reach)) WITHOUT ROWID;
CREATE VIRTUAL TABLE person_words USING fts5(words, content='', detail=none, columnsize=0,
    tokenize='trigram');
"""
"""People by name; the theory is in `person_index`."""

CALENDAR_TABLES: Final = """
CREATE TABLE case_calendar (tenant TEXT, case_id TEXT, event_id TEXT, at_ms INTEGER, branch TEXT,
    closed INTEGER, title TEXT, event_type TEXT, all_day INTEGER,
    PRIMARY KEY (tenant, case_id, event_id)) WITHOUT ROWID;
CREATE INDEX case_calendar_at_ms ON case_calendar
    (at_ms, tenant, case_id, event_id, branch, closed);
"""
"""Events of cases by time, without those that were canceled."""

DAY_COLUMNS: Final = ("tenant", "period", "state", "error_code", "currency", "branch")
MONTH_COLUMNS: Final = ("tenant", "month", "kind", "state", "error_code", "currency", "branch")
SUM_COLUMNS: Final = ("lines", "messages", "segments", "segments_unpriced", "cost_billed")


def write_usage_tables(text: str, number: str, end: str) -> str:
    """With the types, and the end of a table, that a database asks for."""
    sql = ""
    for table, columns in (("usage_days", DAY_COLUMNS), ("usage_months", MONTH_COLUMNS)):
        names = [
            *(f"{name} {text}" for name in columns),
            *(f"{name} {number}" for name in SUM_COLUMNS),
        ]
        sql += (
            f"CREATE TABLE {table} ({', '.join(names)}, PRIMARY KEY ({', '.join(columns)})){end};\n"
        )
    return sql


USAGE_TABLES: Final = write_usage_tables("TEXT", "INTEGER", " WITHOUT ROWID")
"""Sums of the usage report; the theory is in `usage_sums`."""
