"""What Twilio's calculator says of the corpus and of generated texts, kept for machines without
Node."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from tests.core.segment_texts import corpus, generated

KEPT: Final = Path(__file__).with_name("segments_counted.json")
SEED, TEXTS = 2026, 2_000


class Kept(NamedTuple):
    """Counts in the order of the texts, without and with Smart Encoding; 0 where the referee's
    own segments would hold more than 140 octets.  `digest` is of the texts, so that nothing else
    is compared."""

    digest: str
    plain: list[int]
    smart: list[int]


@cache
def texts() -> list[str]:
    return [*corpus(), *generated(SEED, TEXTS)]


def kept() -> Kept:
    return Kept(**json.loads(KEPT.read_text("utf-8")))


def keep(plain: list[int], smart: list[int]) -> None:
    KEPT.write_text(json.dumps(Kept(digest(texts()), plain, smart)._asdict()) + "\n", "utf-8")


def digest(texts: list[str]) -> str:
    return hashlib.sha256("\n\n".join(texts).encode("utf-8", "surrogatepass")).hexdigest()
