"""The model of revocations: how much a text looks like one that no word or pattern foresaw.

It only ever asks that a person reads a text.  It is a sum of small integers, one for each feature
of the text (`features.py`), so it says the same on every machine.  `make train` writes `model.bin`
and `model.sha256`; both are read when the first text comes.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final, NamedTuple

from streams.inbound_keywords.features import (
    MAX_CHARACTERS,
    Word,
    clauses_of,
    context_buckets,
    describe_word,
    sentences_of,
    words_of,
)

CACHED_WORDS: Final = 16_384


class DamagedModel(RuntimeError):
    """The model's file is not the one that was released."""


class Suspicion(NamedTuple):
    """A text may revoke consent."""

    by: str
    """The model, and how sure it is: `model:<12 digits of its hash>:0.87`."""
    words: str
    """Its most suspicious sentence, if that alone is enough; otherwise all that was read."""


class RevocationModel:
    """A file is a line of JSON and one signed byte for each bucket."""

    def __init__(self, data: bytes) -> None:
        heading, _, weights = data.partition(b"\n")
        settings = json.loads(heading)
        self.name: Final = f"model:{hashlib.sha256(data).hexdigest()[:12]}"
        self._weights = memoryview(weights).cast("b")
        self._bias: int = settings["bias"]
        self._threshold: int = settings["threshold"]
        self._sentence_loss: int = settings["sentence_loss"]
        self._clause_loss: int = settings["clause_loss"]
        self._steps: Sequence[int] = settings["steps"]
        self._weigh_word = lru_cache(CACHED_WORDS)(self._weigh_parts)

    def suspect(self, text: str) -> Suspicion | None:
        """What it makes of a normalized text; None if nobody needs to read it for our sake."""
        score = self.weigh(text)
        if score < self._threshold or not text:
            return None
        percent = bisect_right(self._steps, score)
        return Suspicion(f"{self.name}:0.{percent:02}", self._find_words(text[:MAX_CHARACTERS]))

    def _find_words(self, text: str) -> str:
        worst = max(sentences_of(text) or [text], key=self.weigh).strip(" .,")
        return worst if self.weigh(worst) >= self._threshold else text.strip(" .,")

    def weigh(self, text: str) -> int:
        """Of the whole, of its worst sentence or of its worst clause, whichever is most: a wish
        among reasons and greetings counts nearly as much as one by itself.  A part lacks what may
        turn its meaning around, so it counts for a little less."""
        text = text[:MAX_CHARACTERS]
        most = self._weigh_whole(text)
        for sentence in sentences_of(text):
            most = max(most, self._weigh_whole(sentence) - self._sentence_loss)
        for clause in clauses_of(text):
            most = max(most, self._weigh_whole(clause) - self._clause_loss)
        return most

    def _weigh_whole(self, text: str) -> int:
        found = [self._weigh_word(word) for word in words_of(text)]
        total = self._bias + sum([weight for weight, _ in found])
        weights = self._weights
        return total + sum([weights[at] for at in context_buckets([word for _, word in found])])

    def _weigh_parts(self, text: str) -> tuple[int, Word]:
        word = describe_word(text)
        return sum(self._weights[bucket] for bucket in word.buckets), word


@cache
def load_model() -> RevocationModel:
    """Raises DamagedModel."""
    folder = files("streams.inbound_keywords")
    data = folder.joinpath("model.bin").read_bytes()
    pinned = folder.joinpath("model.sha256").read_text(encoding="ascii").split()[0]
    if hashlib.sha256(data).hexdigest() != pinned:
        raise DamagedModel(
            "streams/inbound_keywords/model.bin is not the model that was released:"
            " install Sayso again"
        )
    return RevocationModel(data)
