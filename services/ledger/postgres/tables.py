"""The tables of the schema: those of the file, with the types that PostgreSQL asks for.

Texts are compared byte by byte, as SQLite does, so that lists have the same order. Truth is 0 or 1.
`rowid` is a column here."""

from __future__ import annotations

import hashlib
from typing import Final

from services.ledger.list_tables import write_usage_tables
from services.ledger.table import Table
from services.ledger.tables import FACET_COLUMNS, PROJECTION_VERSION, TABLES

_INTEGERS: Final = frozenset(
    {
        "rank", "part", "off", "at_ms", "seq", "attempt", "messages", "segments", "final",
        "residue", "applied", "partition", "offset", "letter_part", "letter_off", "open", "closed",
        "parties",
        "test_mode", "facet", "turns_ms", "requested_ms", "said_ms", "before_ms", "passed_ms",
        "question_ms", "waiting_ms", "last_ms", "wanted", "attention", "segments_unpriced",
        "cost_billed", "has_more",
    }
)  # fmt: skip
_WITH_VERSION: Final = frozenset({"outcome_history", "case_texts"})
"""Tables whose `version` is a number."""
_ROW: Final = dict.fromkeys(
    (
        "requests", "person_requests", "decisions", "outcome_history", "consent_log", "replies",
        "thread_events", "number_facts", "mail_requests",
    ),
    "rowid BIGINT GENERATED ALWAYS AS IDENTITY, ",
) | {"outcomes": "rowid BIGINT NOT NULL, "}  # fmt: skip
"""Tables whose rows are looked up by `rowid`. Cursors of lists hold those of outcomes: they are
numbered without gaps, as in the file."""
NUMBERED: Final = frozenset({"outcomes"})
"""Tables whose rows are numbered by whoever writes them."""
_ORDERED: Final = ("facet", "number", "person_id", "case_id")
"""Indexes of `outcomes` in which rows stand by time, and then by row."""
_TOO_LONG: Final = frozenset({"words"})
"""Columns with more text than an index takes."""
_TEXT: Final = 'TEXT COLLATE "C"'


def type_of(table: str, column: str) -> str:
    is_number = column in _INTEGERS or (column == "version" and table in _WITH_VERSION)
    return "BIGINT" if is_number else _TEXT


def columns_of(table: Table) -> list[str]:
    """In the order in which rows are built."""
    first = ["identity", "rank"] if table.latest else []
    return [*first, "part", "off", "at_ms", *table.columns, "json"]


def _create(table: Table) -> str:
    name = table.name
    columns = ", ".join(f'"{one}" {type_of(name, one)}' for one in columns_of(table))
    key = "identity" if table.latest else "part, off"
    sql = f"CREATE TABLE {name} ({columns}, {_ROW.get(name, '')}PRIMARY KEY ({key}));\n"
    if name in _ROW:
        sql += f"CREATE UNIQUE INDEX {name}_row ON {name} (rowid);\n"
    if table.lookup:
        sql += _index(name, "lookup", table.lookup)
    if table.sparse:
        sql += _index(name, "sparse", table.sparse, sparse=True)
    for several in table.also:
        kept = [one for one in several if one not in _TOO_LONG]
        if name == "outcomes" and several[0] in _ORDERED:
            kept.append("rowid")
        sql += _index(name, several[0], kept, sparse=True)
    if table.period:
        sql += _index(name, "period", table.period)
    if table.by_time:
        sql += _index(name, "by_time", ("at_ms", "part", "off"))
    return sql


def _index(
    table: str, name: str, columns: tuple[str, ...] | list[str], *, sparse: bool = False
) -> str:
    where = f' WHERE "{columns[0]}" IS NOT NULL' if sparse else ""
    names = ", ".join(f'"{one}"' for one in columns)
    return f"CREATE INDEX {table}_{name} ON {table} ({names}){where};\n"


FUNCTIONS: Final = r"""
CREATE FUNCTION json_read(doc TEXT) RETURNS JSON LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN replace(doc, '\u0000', '\ufffd')::json;
CREATE FUNCTION json_extract(doc TEXT, path TEXT[]) RETURNS TEXT
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE json_typeof(json_read(doc) #> path)
        WHEN 'boolean' THEN CASE WHEN (json_read(doc) #>> path) = 'true' THEN '1' ELSE '0' END
        ELSE json_read(doc) #>> path END;
CREATE FUNCTION json_array_length(doc TEXT, path TEXT[]) RETURNS BIGINT
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE json_typeof(json_read(doc) #> path)
        WHEN 'array' THEN json_array_length(json_read(doc) #> path)::bigint ELSE 0 END;
CREATE FUNCTION json_values(doc TEXT, path TEXT[] DEFAULT '{}')
    RETURNS TABLE (key BIGINT, value TEXT) LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT place - 1, found FROM json_array_elements_text(
        CASE json_typeof(json_read(doc) #> path) WHEN 'array' THEN json_read(doc) #> path END)
    WITH ORDINALITY AS e (found, place) $$;
CREATE FUNCTION instr(whole TEXT, part TEXT) RETURNS BIGINT LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN strpos(whole, part)::bigint;
CREATE FUNCTION trigrams(words TEXT) RETURNS TEXT[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY(SELECT DISTINCT substr(words, place, 3)
        FROM generate_series(1, length(words) - 2) AS place);
"""
"""What SQLite has and PostgreSQL has not. A character 0 that is written out in JSON is no error."""

_FACETS: Final = ", ".join(f"{name} {type_of('facets', name)}" for name in FACET_COLUMNS)
_OWN_TABLES: Final = f"""
CREATE TABLE positions (topic {_TEXT}, part BIGINT, next_off BIGINT NOT NULL,
    PRIMARY KEY (topic, part));
CREATE TABLE unreadable (topic {_TEXT}, part BIGINT, off BIGINT, why {_TEXT},
    PRIMARY KEY (topic, part, off));
CREATE TABLE meta (name {_TEXT} PRIMARY KEY, value {_TEXT});
CREATE TABLE followers (pid BIGINT PRIMARY KEY, members {_TEXT}, at_ms BIGINT);
CREATE TABLE changes (seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant {_TEXT},
    part {_TEXT}, id {_TEXT}, at_ms BIGINT);
CREATE TABLE facets (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, {_FACETS},
    count BIGINT NOT NULL DEFAULT 0, UNIQUE ({", ".join(FACET_COLUMNS)}));
CREATE TABLE texts (key BIGINT PRIMARY KEY, tenant {_TEXT}, message_id {_TEXT}, words TEXT[]);
CREATE INDEX texts_words ON texts USING gin (words);
CREATE TABLE person_index (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant {_TEXT},
    person_id {_TEXT}, sort_name {_TEXT}, reach {_TEXT}, number {_TEXT}, branches {_TEXT},
    words {_TEXT}, grams TEXT[] GENERATED ALWAYS AS (trigrams(words)) STORED,
    UNIQUE (tenant, person_id));
CREATE INDEX person_index_name ON person_index (tenant, sort_name, person_id);
CREATE INDEX person_index_grams ON person_index USING gin (grams);
CREATE TABLE person_numbers (number {_TEXT}, tenant {_TEXT}, person_id {_TEXT},
    PRIMARY KEY (number, tenant, person_id));
CREATE INDEX person_numbers_person ON person_numbers (tenant, person_id);
CREATE TABLE person_branches (tenant {_TEXT}, person_id {_TEXT}, branch {_TEXT},
    PRIMARY KEY (tenant, person_id, branch));
CREATE TABLE person_lists (tenant {_TEXT}, branch {_TEXT}, reach {_TEXT}, sort_name {_TEXT},
    person_id {_TEXT}, PRIMARY KEY (tenant, branch, reach, sort_name, person_id));
CREATE TABLE person_tallies (tenant {_TEXT}, branch {_TEXT}, reach {_TEXT}, count BIGINT,
    PRIMARY KEY (tenant, branch, reach));
CREATE TABLE person_sets (tenant {_TEXT}, branches {_TEXT}, reach {_TEXT}, count BIGINT,
    PRIMARY KEY (tenant, branches, reach));
CREATE TABLE case_calendar (tenant {_TEXT}, case_id {_TEXT}, event_id {_TEXT}, at_ms BIGINT,
    branch {_TEXT}, closed BIGINT, title {_TEXT}, event_type {_TEXT}, all_day BIGINT,
    PRIMARY KEY (tenant, case_id, event_id));
CREATE INDEX case_calendar_at_ms ON case_calendar
    (at_ms, tenant, case_id, event_id, branch, closed);
"""
_USAGE_TABLES: Final = write_usage_tables(_TEXT, "BIGINT", "")
CREATE: Final = (
    FUNCTIONS + _OWN_TABLES + _USAGE_TABLES + "".join(_create(table) for table in TABLES)
)
VERSION: Final = hashlib.sha256(f"{PROJECTION_VERSION} {CREATE}".encode()).hexdigest()[:12]
