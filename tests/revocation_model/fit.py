"""Fit the weights: logistic regression over hashed features, rounded to one signed byte each."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from schemas.keywords import normalize
from streams.inbound_keywords import features
from streams.inbound_keywords.features import BUCKETS, MAX_CHARACTERS, describe_word, words_of
from tests.revocation_model.corpus import Example, parts_in, weight_of

STRENGTH = 0.3
"""The inverse of how strongly large weights are punished."""
LARGEST = 127
THRESHOLD = 0.5
"""Above it a person reads the text.  See `evaluate.py` for what other values would do."""

SENTENCE_LOSS = 0.5
CLAUSE_LOSS = 0.9
"""What a part counts for less than the whole text, in the logarithm of the odds."""

_describe = lru_cache(500_000)(describe_word)


def buckets_of(text: str) -> list[int]:
    words = words_of(normalize(text)[:MAX_CHARACTERS])
    return features.buckets_of([_describe(word) for word in words])


def matrix_of(texts: Sequence[str]) -> csr_matrix:
    rows = [buckets_of(text) for text in texts]
    ends = np.cumsum([0, *map(len, rows)])
    columns = np.fromiter((bucket for row in rows for bucket in row), np.int32, ends[-1])
    found = csr_matrix((np.ones(len(columns)), columns, ends), shape=(len(rows), BUCKETS))
    found.sum_duplicates()
    return found


def rate(texts: Sequence[str], weights: np.ndarray, bias: float) -> np.ndarray:
    """The logarithm of the odds of each text, as `RevocationModel.weigh` has it."""
    parts: list[str] = []
    owners: list[int] = []
    losses: list[float] = []
    for owner, text in enumerate(texts):
        plain = normalize(text)[:MAX_CHARACTERS]
        found_parts = list(parts_in(plain))
        parts += [plain, *(part for part, _ in found_parts)]
        owners += [owner] * (1 + len(found_parts))
        losses += [0.0, *(SENTENCE_LOSS if whole else CLAUSE_LOSS for _, whole in found_parts)]
    found = np.full(len(texts), -np.inf)
    np.maximum.at(found, owners, matrix_of(parts) @ weights + bias - np.array(losses))
    return found


def fit(matrix: csr_matrix, examples: Sequence[Example]) -> tuple[np.ndarray, float]:
    model = LogisticRegression(C=STRENGTH, solver="liblinear", max_iter=200)
    # liblinear runs on one thread and without a numerical library: the same sums on every machine.
    model.fit(
        matrix,
        np.array([one.pause for one in examples]),
        sample_weight=np.array([weight_of(one) for one in examples]),
    )
    return model.coef_[0], float(model.intercept_[0])


def pack(weights: np.ndarray, bias: float) -> bytes:
    """The file.  Nothing in it is a float: scores are compared as whole numbers."""
    scale = LARGEST / float(np.abs(weights).max())
    steps = [round(scale * math.log(p / (100 - p))) for p in range(1, 100)]
    heading = {
        "bias": round(scale * bias),
        "clause_loss": round(scale * CLAUSE_LOSS),
        "sentence_loss": round(scale * SENTENCE_LOSS),
        "threshold": round(scale * math.log(THRESHOLD / (1 - THRESHOLD))),
        "steps": steps,
    }
    rounded = np.rint(weights * scale).astype(np.int8)
    return json.dumps(heading, sort_keys=True).encode() + b"\n" + rounded.tobytes()
