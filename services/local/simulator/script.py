"""What happens to whom: data, so that a run can be read, kept and repeated.

    numbers:
      "+14155550100": delivered
      "+1415555*": undelivered:30003            # a prefix, or a suffix: "*0006"
      "+14155550101": [rate-limit, delivered]   # first text, then every later one
      "+14155550102": {fate: delivered, receipts: [late, duplicated], replies: [{body: STOP}]}
    otherwise: {mix: {delivered: 95, "failed:30006": 5}}
    senders:
      "24365": {pace: 100}
    faults:
      storm: {does: rate-limit, retry_after: 2, share: 0.5}
      outage: {does: "http:503", down: 3, up: 5}   # 3 s of it, 5 s without, and so on
      blind: {on: list, does: lag, seconds: 30}    # a text is not listed before it is 30 s old
      short: "http:500"

An exact number comes before any pattern; then the first pattern that matches decides. Faults apply
over whatever is scripted for a number. All times are simulated seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.local.simulator.determinism import SeededRandom

T = TypeVar("T")


class ResponseKind(StrEnum):
    """How a create call is answered."""

    OK = "ok"
    REFUSE = "refuse"
    HTTP = "http"
    """An HTTP error of the platform's own, without a body that the SDK understands."""
    RESET_BEFORE = "reset-before"
    RESET_AFTER = "reset-after"
    """The text is accepted, and then the connection is reset."""
    HANG = "hang"
    SLOW = "slow"
    """The text is accepted, and the right response comes after `seconds`."""
    TRUNCATED = "truncated"
    NO_SID = "no-sid"
    RATE_LIMIT = "rate-limit"


ACCEPTING: Final = frozenset(
    {
        ResponseKind.OK,
        ResponseKind.RESET_AFTER,
        ResponseKind.TRUNCATED,
        ResponseKind.NO_SID,
        ResponseKind.SLOW,
    }
)
"""With these responses the text is on its way, unless the scenario says otherwise."""


class FinalStatus(StrEnum):
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    SENT = "sent"
    """The carrier gives no receipt: nothing is heard after `sent`."""


class ReceiptFault(StrEnum):
    LOST = "lost"
    FINAL_LOST = "final-lost"
    DUPLICATED = "duplicated"
    REORDERED = "reordered"
    LATE = "late"
    """The final receipt comes `late` seconds later."""
    EARLY = "early"
    """The first receipt comes before the response to the create call."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Scenario(_Strict):
    """What becomes of one text: the response, the final status, and which receipts arrive.

    In short: `delivered`, `sent`, `undelivered:30003`, `failed:30006`, `refuse:21614`, `http:500`,
    `reset-before`, `reset-after`, `hang`, `slow`, `truncated`, `no-sid`, `rate-limit`.
    `{fate: "http:500", taken: true}`: the text is on its way although the call failed.
    """

    call: ResponseKind = ResponseKind.OK
    code: int | None = None
    """Twilio's code for `refuse`, the HTTP status for `http`."""
    taken: bool = True
    """Whether the text is on its way."""
    end: FinalStatus = FinalStatus.DELIVERED
    error: int | None = None
    receipts: frozenset[ReceiptFault] = frozenset()
    late: float = 5.0
    seconds: float = 5.0
    """How long `slow` takes."""
    retry_after: float | None = None
    """Seconds, with `rate-limit`. None: as the script says for all."""

    @model_validator(mode="before")
    @classmethod
    def _expand_short_form(cls, given: Any) -> Any:
        if isinstance(given, str):
            given = {"fate": given}
        if not isinstance(given, dict):
            return given
        fields = {key: value for key, value in given.items() if key != "fate"}
        if "fate" in given:
            fields = {**parse_scenario(str(given["fate"])), **fields}
        return {"taken": fields.get("call", ResponseKind.OK) in ACCEPTING, **fields}


_NEEDS_CODE: Final = {"refuse", "http", "undelivered", "failed"}


def parse_scenario(text: str) -> dict[str, Any]:
    """Turn `undelivered:30003` into the fields of a Scenario. Raises ValueError."""
    name, _, code = text.partition(":")
    if (name in _NEEDS_CODE) != code.isdecimal() or (code and not code.isdecimal()):
        raise ValueError(
            f"{text!r}: write one of {', '.join(sorted(_NEEDS_CODE))} with a code, such as"
            " failed:30006"
        )
    number = int(code) if code else None
    if name in set(FinalStatus):
        return {"end": FinalStatus(name), "error": number}
    responses = set(ResponseKind) - {ResponseKind.OK}
    if name in responses:
        return {"call": ResponseKind(name), "code": number}
    raise ValueError(f"unknown fate {text!r}: use one of {', '.join([*FinalStatus, *responses])}")


class Endpoint(StrEnum):
    CREATE = "create"
    LIST = "list"


UNREAD: Final = "reset-unread"
"""The connection is reset before the body is read."""
LAG: Final = "lag"
"""The list leaves out what is younger than `seconds`."""
_CREATE_ONLY: Final = frozenset(
    {ResponseKind.RESET_AFTER, ResponseKind.NO_SID, ResponseKind.REFUSE}
)


class Fault(_Strict):
    """A bad day of the platform, over whatever is scripted for a number.

    Faults apply from the start, or are switched at run time by `PUT` and `DELETE
    /simulator/faults/NAME`.
    """

    does: str
    """A response as in a scenario (`rate-limit`, `http:503`, `reset-before`, `reset-after`, `hang`,
    `slow`, `truncated`, `no-sid`, `refuse:21611`), or `reset-unread`; for a list also `lag`."""
    on: Endpoint = Endpoint.CREATE
    taken: bool | None = None
    """Whether the text is on its way all the same. None: what `does` implies."""
    receipts: frozenset[ReceiptFault] | None = None
    """How the receipts of these texts come. None: as scripted."""
    seconds: float = Field(default=5.0, ge=0)
    """Of `slow` and `lag`."""
    retry_after: float | None = None
    """None: without the header."""
    share: float = Field(default=1.0, gt=0, le=1)
    numbers: tuple[str, ...] = ("*",)
    senders: tuple[str, ...] = ("*",)
    down: float | None = Field(default=None, gt=0)
    """Seconds with the fault, in turns with `up`, from when it is switched on. None: always."""
    up: float = Field(default=0.0, ge=0)
    """Seconds without it."""
    most: int | None = Field(default=None, ge=1)
    """It strikes so many calls, and no more."""

    @model_validator(mode="before")
    @classmethod
    def _expand_short_form(cls, given: Any) -> Any:
        return {"does": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _check_that_it_can_happen(self) -> Fault:
        special = self.does in {UNREAD, LAG}
        response = None if special else parse_scenario(self.does).get("call")
        if not special and response is None:
            raise ValueError(f"{self.does!r} is how a text ends, not how a call is answered")
        impossible = response in _CREATE_ONLY if self.on is Endpoint.LIST else self.does == LAG
        if impossible:
            raise ValueError(f"{self.does!r} cannot happen to a {self.on}")
        if self.does == UNREAD and (self.numbers, self.senders) != (("*",), ("*",)):
            raise ValueError(
                f"{UNREAD}: whose text it is is not read, so it cannot be for some numbers or"
                " senders only"
            )
        return self

    @property
    def call(self) -> ResponseKind | None:
        """None: it does not decide how a call is answered."""
        special = self.does in {UNREAD, LAG}
        return None if special else ResponseKind(parse_scenario(self.does)["call"])

    def apply_to(self, scenario: Scenario) -> Scenario:
        """What becomes of a text for which this was scripted."""
        fields = parse_scenario(self.does)
        changes: dict[str, Any] = {
            **fields,
            "taken": fields["call"] in ACCEPTING if self.taken is None else self.taken,
            "seconds": self.seconds,
            "retry_after": self.retry_after,
        }
        if self.receipts is not None:
            changes["receipts"] = self.receipts
        return scenario.model_copy(update=changes)


class Reply(_Strict):
    """The recipient answers, `delay` after text number `after_texts` has reached the phone."""

    after_texts: int = Field(default=1, ge=1)
    body: str
    delay: float = Field(default=0.2, ge=0)


class Recipient(_Strict):
    fates: tuple[Scenario, ...] = (Scenario(),)
    """The n-th text takes the n-th scenario, later texts the last one."""
    mix: dict[str, float] = {}
    """Each text draws a scenario by weight instead."""
    replies: tuple[Reply, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _expand_short_forms(cls, given: Any) -> Any:
        if isinstance(given, str):
            return {"fates": (given,)}
        if isinstance(given, list | tuple):
            return {"fates": given}
        if isinstance(given, dict) and not {"fates", "mix"} & given.keys():
            replies = {key: value for key, value in given.items() if key == "replies"}
            scenario = {key: value for key, value in given.items() if key != "replies"}
            return {**replies, "fates": (scenario,)}
        return given

    @model_validator(mode="after")
    def _check_mix(self) -> Recipient:
        for text, weight in self.mix.items():
            parse_scenario(text)
            if weight <= 0:
                raise ValueError(f"the weight of {text} must be above 0")
        return self

    def scenario(self, ordinal: int, random: SeededRandom, number: str) -> Scenario:
        if self.mix:
            return Scenario.model_validate(random.pick(self.mix, "fate", number, ordinal))
        return self.fates[min(ordinal, len(self.fates)) - 1]


class SenderConfig(_Strict):
    """A sender of our account. None: what Twilio does for its kind (see `SenderState`)."""

    pace: float | None = Field(default=None, gt=0, description="segments per second")
    queue: float = Field(default=36_000, gt=0, description="seconds of texts that may wait")
    stop_list: bool | None = None
    pool: str = "+15005550006"
    """The number that a messaging service sends from."""


class Script(_Strict):
    numbers: dict[str, Recipient] = {}
    otherwise: Recipient = Recipient()
    senders: dict[str, SenderConfig] = {"*": SenderConfig()}
    """Any other sender is not ours: 21659, or 21701 for a messaging service."""
    faults: dict[str, Fault] = {}
    sent_after: tuple[float, float] = (0.01, 0.05)
    delivered_after: tuple[float, float] = (0.05, 0.3)
    answer_after: tuple[float, float] = (0.0, 0.0)
    """How long the API takes to answer a create call."""
    concurrency: int | None = Field(default=None, ge=1)
    """Create calls under way at once, before 20429."""
    per_second: float | None = Field(default=None, gt=0)
    """Create calls per second, before 20429."""
    retry_after: float | None = 1.0
    longest_page: int = Field(default=1000, ge=1, le=1000)
    """Of a list, whatever page size is asked for."""
    webhook_rule: str = "rc=1&rp=ct"
    """How callbacks are retried, unless their URL says (docs: "Webhooks configuration API").

    `rc=5&rp=all`: up to five times within 15 s, whatever went wrong.
    """

    def recipient(self, number: str) -> Recipient:
        return _best_match(self.numbers, number) or self.otherwise

    def sender(self, address: str) -> SenderConfig | None:
        return _best_match(self.senders, address)


def _best_match(patterns: Mapping[str, T], text: str) -> T | None:
    exact = patterns.get(text)
    if exact is not None:
        return exact
    for pattern, value in patterns.items():
        if "*" in pattern and fnmatchcase(text, pattern):
            return value
    return None


def read_script(path: Path) -> Script:
    """From YAML, or JSON, which is YAML. Raises ValueError that names the entry."""
    try:
        return Script.model_validate(yaml.safe_load(path.read_text("utf-8")) or {})
    except ValidationError as error:
        first = error.errors()[0]
        entry = ".".join(map(str, first["loc"]))
        raise ValueError(f"{path}: {entry}: {first['msg']}") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not YAML: {error}") from None
