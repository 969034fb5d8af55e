"""`make train ARGS=--evaluate`: what the model does on texts that it did not learn from, at several
thresholds.

Rows of the labelled set that may be learned from are read by models that were fitted without them
(four folds); held-out parts and ordinary texts that are kept apart, by the whole model.  Words and
patterns come first: what they read needs no model.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple
from zlib import crc32

from streams.inbound_keywords import Classification, classify_reply
from streams.inbound_keywords.labelled import LabelledText
from streams.inbound_keywords.score import KIND_OF, Kind, Tier, group_of, tier_of, wilson
from tests.revocation_model.corpus import (
    Example,
    labelled_examples,
    ordinary_examples,
    read_examples,
)
from tests.revocation_model.fit import fit, matrix_of, rate

FOLDS = 4
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


class Read(NamedTuple):
    part: str
    example: Example
    found: Classification
    chance: float
    """That a person ought to read it, says the model."""


def evaluate() -> Iterator[Read]:
    examples = list(read_examples())
    labelled = [one for one in examples if one.kind == "labelled"]
    others = [one for one in examples if one.kind != "labelled"]
    unseen = [*labelled_examples(held_out=True), *ordinary_examples(held_out=True)]
    jobs = [([one for one in labelled if _fold(one) == fold], fold) for fold in range(FOLDS)]
    with ProcessPoolExecutor(2) as pool:
        trained = [
            pool.submit(_read, [one for one in labelled if _fold(one) != fold] + others, tested)
            for tested, fold in jobs
        ]
        whole = pool.submit(_read, examples, unseen)
        for (tested, _), job in zip(jobs, trained, strict=True):
            yield from _join("folds", tested, job.result())
        yield from _join("unseen", unseen, whole.result())


def _fold(one: Example) -> int:
    return crc32(one.text.encode()) // 7 % FOLDS


def _read(learned: Sequence[Example], tested: Sequence[Example]) -> list[float]:
    weights, bias = fit(matrix_of([one.text for one in learned]), learned)
    scores = rate([one.text for one in tested], weights, bias)
    return [1 / (1 + math.exp(-score)) for score in scores]


def _join(part: str, tested: Sequence[Example], chances: Sequence[float]) -> Iterator[Read]:
    for one, chance in zip(tested, chances, strict=True):
        yield Read(part, one, classify_reply(one.text), chance)


def tier_at(read: Read, threshold: float) -> Tier:
    """As if the model that is shipped were not there, and the one that was fitted were."""
    tier = Tier.GOES_ON if read.found.by.startswith("model:") else tier_of(read.found)
    paused = tier is Tier.GOES_ON and read.chance >= threshold
    return Tier.PAUSED if paused else tier


def main() -> None:
    reads = list(evaluate())
    for threshold in THRESHOLDS:
        print(f"\nthreshold {threshold}")
        counts: Counter[tuple[str, str, str, Tier]] = Counter()
        for read in reads:
            one = read.example
            group = group_of(LabelledText("", one.label, language=one.language))
            kind = KIND_OF[one.label] if one.kind == "labelled" else one.kind
            counts[read.part, kind, group, tier_at(read, threshold)] += 1
        for part, kind, group in dict.fromkeys(key[:3] for key in sorted(counts)):
            tiers = {tier: counts[part, kind, group, tier] for tier in Tier}
            harm = Tier.GOES_ON if kind is Kind.REVOKE else Tier.PAUSED
            low, high = wilson(tiers[harm], sum(tiers.values()))
            print(
                f"  {part:7}{kind:16}{group:13}"
                + "".join(f"{tier} {count:<6}" for tier, count in tiers.items())
                + f" {harm}: {100 * low:.1f}–{100 * high:.1f} %"
            )


if __name__ == "__main__":
    main()
