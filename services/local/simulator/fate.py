"""What becomes of one text: how the call is answered, how the text ends, and which receipts arrive."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class Call(StrEnum):
    """How the create call is answered."""

    OK = "ok"
    REFUSE = "refuse"
    HTTP = "http"
    """An HTTP error of the platform's own, without a body that the SDK understands."""
    RESET_BEFORE = "reset-before"
    RESET_AFTER = "reset-after"
    """Taken, and then the connection is reset."""
    HANG = "hang"
    SLOW = "slow"
    """Taken, and answered as it should be, but only after `seconds`."""
    TRUNCATED = "truncated"
    NO_SID = "no-sid"
    RATE_LIMIT = "rate-limit"


TAKES = frozenset({Call.OK, Call.RESET_AFTER, Call.TRUNCATED, Call.NO_SID, Call.SLOW})
"""The answers after which the text is on its way, unless the fate says otherwise."""


class End(StrEnum):
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    SENT = "sent"
    """The carrier gives no receipt: `sent` is the last that is heard."""


class Receipts(StrEnum):
    LOST = "lost"
    FINAL_LOST = "final-lost"
    DUPLICATED = "duplicated"
    REORDERED = "reordered"
    LATE = "late"
    """The final one comes `late` seconds later."""
    EARLY = "early"
    """The first one comes before the create call is answered."""


class Fate(BaseModel):
    """In short: `delivered`, `sent`, `undelivered:30003`, `failed:30006`, `refuse:21614`, `http:500`,
    `reset-before`, `reset-after`, `hang`, `slow`, `truncated`, `no-sid`, `rate-limit`.  `fate: http:500, taken: true`:
    the text is on its way all the same."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    call: Call = Call.OK
    code: int | None = None
    """Twilio's code for `refuse`, the HTTP status for `http`."""
    taken: bool = True
    end: End = End.DELIVERED
    error: int | None = None
    receipts: frozenset[Receipts] = frozenset()
    late: float = 5.0
    seconds: float = 5.0
    """How long `slow` takes."""
    retry_after: float | None = None
    """Seconds, with `rate-limit`; None: as the script says for all."""

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        if isinstance(given, str):
            given = {"fate": given}
        if not isinstance(given, dict):
            return given
        rest = {key: value for key, value in given.items() if key != "fate"}
        full = {**spelled_out(str(given["fate"])), **rest} if "fate" in given else rest
        return {"taken": full.get("call", Call.OK) in TAKES, **full}


_NEEDS_CODE = {"refuse", "http", "undelivered", "failed"}


def spelled_out(word: str) -> dict[str, Any]:
    """`undelivered:30003` → its fields.  Raises ValueError in words."""
    name, _, code = word.partition(":")
    if (name in _NEEDS_CODE) != code.isdecimal() or (code and not code.isdecimal()):
        raise ValueError(
            f"{word!r}: write one of {', '.join(sorted(_NEEDS_CODE))} with a code, such as failed:30006"
        )
    number = int(code) if code else None
    if name in set(End):
        return {"end": End(name), "error": number}
    if name in set(Call) - {Call.OK}:
        return {"call": Call(name), "code": number}
    raise ValueError(
        f"unknown fate {word!r}: use one of {', '.join([*End, *(set(Call) - {Call.OK})])}"
    )
