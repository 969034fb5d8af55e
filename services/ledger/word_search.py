"""How each database finds texts and people by words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

Found = tuple[str, list[Any]]
"""SQL with its values."""


class WordSearch(Protocol):
    order: str
    """The column that gives people in the order in which they came."""

    def find_people(self, words: str) -> Found:
        """Tables with a condition that finds people `i` who have these words, of at least three
        letters and folded, somewhere in theirs."""
        ...

    def find_texts(self, words: Sequence[str], below: int, most: int) -> Found:
        """A statement for the `key` of texts that have all of these words: those below a key, from
        the highest."""
        ...


class FileWordSearch:
    """By SQLite's own indexes."""

    order = "w.rowid"

    def find_people(self, words: str) -> Found:
        parts = {words[at : at + 3] for at in range(len(words) - 2)}
        match = " AND ".join('"' + part.replace('"', '""') + '"' for part in sorted(parts))
        sql = """person_words w CROSS JOIN person_index i ON i.id = w.rowid
            WHERE w.person_words MATCH ? AND instr(i.words, ?) > 0"""
        return sql, [match, words]

    def find_texts(self, words: Sequence[str], below: int, most: int) -> Found:
        match = " AND ".join(f'"{word}"' for word in words)
        sql = """SELECT rowid AS key FROM text_words WHERE text_words MATCH ? AND rowid < ?
            ORDER BY rowid DESC LIMIT ?"""
        return sql, [match, below, most]
