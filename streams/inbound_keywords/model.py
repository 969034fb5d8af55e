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
from itertools import accumulate
from typing import Final, NamedTuple
from zlib import crc32

from streams.inbound_keywords.features import (
    END,
    MASK,
    MAX_CHARACTERS,
    START,
    Word,
    describe_word,
    length_bucket,
    pair_buckets,
    parts_among,
    skip_bucket,
    split,
    without_commas,
)

CACHED_WORDS: Final = 16_384


class DamagedModel(RuntimeError):
    """The model's file is not the one that was released."""


class Suspicion(NamedTuple):
    """A text may revoke consent."""

    percent: int
    """How sure the model is."""
    by: str
    """The model, and how sure it is: `model:<12 digits of its hash>:0.87`."""
    words: str
    """Its most suspicious sentence, if that alone is enough; otherwise all that was read."""


class _Weighed(NamedTuple):
    weight: int
    word: Word
    first: int
    """What it adds as the first word; then as the second, the last, and the last but one."""
    second: int
    last: int
    before_last: int


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
        marks = [*START.buckets, *END.buckets]
        self._empty: int = self._bias + sum(self._weights[bucket] for bucket in marks)
        self._weigh_word = lru_cache(CACHED_WORDS)(self._weigh_parts)

    def suspect(self, text: str, least: int = 0) -> Suspicion | None:
        """What it makes of a normalized text; None if nobody needs to read it for our sake.

        `least`: percent; left out, what the model was fitted for."""
        score = self.weigh(text)
        if score < (self._steps[least - 1] if least else self._threshold) or not text:
            return None
        percent = bisect_right(self._steps, score)
        words = self._find_words(text[:MAX_CHARACTERS])
        return Suspicion(percent, f"{self.name}:0.{percent:02}", words)

    def _find_words(self, text: str) -> str:
        worst = max(text.split(" . "), key=self.weigh).strip(" .,")
        return worst if self.weigh(worst) >= self._threshold else text.strip(" .,")

    def weigh(self, text: str) -> int:
        """Of the whole, of its worst sentence or of its worst clause, whichever is most: a wish
        among reasons and greetings counts nearly as much as one by itself.  A part lacks what may
        turn its meaning around, so it counts for a little less."""
        text = text[:MAX_CHARACTERS]
        marked = split(text)
        plain = without_commas(marked)
        words = [self._weigh_word(word) for word in plain]
        before = self._sum_up(words)
        most = self._weigh_range(words, before, 0, len(words))
        for start, end, is_sentence in parts_among(marked, plain):
            loss = self._sentence_loss if is_sentence else self._clause_loss
            most = max(most, self._weigh_range(words, before, start, end) - loss)
        return most

    def _sum_up(self, words: Sequence[_Weighed]) -> tuple[Sequence[int], ...]:
        """Of the words before each place; of pairs that begin before it; of pairs with one word
        between.  So that a part costs as much as two places, however long it is."""
        weights = self._weights
        pairs, skips = [0], [0]
        pair = skip = 0
        first = second = None
        for _, third, *_ in words:
            if second is not None:
                # What `pair_buckets` and `skip_bucket` have: a call for each takes twice as long.
                pair += weights[crc32(third.whole, second.before) & MASK]
                pair += weights[crc32(third.stem, second.before_stem) & MASK]
                pairs.append(pair)
                if first is not None:
                    skip += weights[crc32(third.stem, first.before_skipped) & MASK]
                    skips.append(skip)
            first, second = second, third
        return [0, *accumulate(word.weight for word in words)], pairs, skips

    def _weigh_range(
        self, words: Sequence[_Weighed], before: tuple[Sequence[int], ...], start: int, end: int
    ) -> int:
        count = end - start
        total = self._empty + self._weights[length_bucket(count)]
        if not count:
            return total
        singles, pairs, skips = before
        total += singles[end] - singles[start] + words[start].first + words[end - 1].last
        if count == 1:
            return total
        total += pairs[end - 1] - pairs[start] + skips[end - 2] - skips[start]
        return total + words[start + 1].second + words[end - 2].before_last

    def _weigh_parts(self, text: str) -> _Weighed:
        word = describe_word(text)
        weights = self._weights
        return _Weighed(
            sum(weights[bucket] for bucket in word.buckets),
            word,
            sum(weights[bucket] for bucket in pair_buckets(START, word)),
            weights[skip_bucket(START, word)],
            sum(weights[bucket] for bucket in pair_buckets(word, END)),
            weights[skip_bucket(word, END)],
        )


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
