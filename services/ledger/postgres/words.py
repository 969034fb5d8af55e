"""The words of texts, and searches for them.

SQLite's own tokenizer tells what a word is and what its stem is, so that both databases find the
same texts. It runs in memory, on the texts of a batch or on the words of a search."""

from __future__ import annotations

import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from services.ledger.table import TOKENIZER
from services.ledger.word_search import Found


class Tokenizer:
    """For all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sql = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._sql.execute(
            "CREATE VIRTUAL TABLE t USING fts5(body, content='', detail=none, columnsize=0, "
            f"tokenize='{TOKENIZER}')"
        )
        self._sql.execute("CREATE VIRTUAL TABLE v USING fts5vocab(t, 'instance')")

    def split(self, texts: Iterable[tuple[int, str]]) -> dict[int, list[str]]:
        """The stems of each text's words, each once, by the number that is given with the text."""
        found: defaultdict[int, list[str]] = defaultdict(list)
        with self._lock:
            self._sql.execute("BEGIN")
            self._sql.executemany("INSERT INTO t (rowid, body) VALUES (?, ?)", texts)
            for word, number in self._sql.execute("SELECT term, doc FROM v"):
                found[number].append(word)
            self._sql.execute("ROLLBACK")
        return found


_SHARED: Final = Tokenizer()


def split_texts(texts: Iterable[tuple[int, str]]) -> dict[int, list[str]]:
    return _SHARED.split(texts)


class PostgresWordSearch:
    order = "i.id"

    def find_people(self, words: str) -> Found:
        sql = "person_index i WHERE i.grams @> trigrams(?) AND instr(i.words, ?) > 0"
        return sql, [words, words]

    def find_texts(self, words: Sequence[str], below: int, most: int) -> Found:
        """A word of signs alone is in no text."""
        split = split_texts(enumerate(words))
        stems = {stem for several in split.values() for stem in several}
        is_none = len(split) < len(words)
        sql = """SELECT key FROM texts WHERE words @> string_to_array(?, ' ') AND key < ?
            ORDER BY key DESC LIMIT ?"""
        return sql, [" ".join(sorted(stems)), below, 0 if is_none else most]
