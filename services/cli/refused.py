"""What a person asked for and cannot have, in one sentence."""

from __future__ import annotations


class Refused(Exception):
    """Shown on stderr as it is.  Exit code 2: the request was wrong; 1: it was right and did not work out."""

    def __init__(self, sentence: str, code: int = 2) -> None:
        super().__init__(sentence)
        self.code = code
