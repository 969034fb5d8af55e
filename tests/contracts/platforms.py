"""The platforms that the provider suite runs against: how each is staged, and which codes it
refuses with.

Who adds a provider adds a `Platform` here and nothing else to the tests: the suite
(`test_provider.py`) knows no Twilio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from enum import StrEnum
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import parse_qsl, urlsplit

from pydantic import SecretStr

from services.local.simulator import Script, Simulator
from services.local.simulator.script import Fault
from services.local.simulator.server import ACCOUNT, TOKEN
from services.providers import Provider
from services.providers.twilio import Twilio

TIMEOUT: Final = 1.0
"""Seconds, of the client: short, for the suite waits for silences."""


class Deed(StrEnum):
    """How the platform answers a call to send."""

    TAKE = "take"
    TAKE_SLOWLY = "slowly, and in time"
    LIMIT = "429, come back after 7 s"
    LIMIT_WITHOUT_TIME = "429, no time given"
    ERROR = "500"
    UNAVAILABLE = "503"
    UNAVAILABLE_BUT_TAKEN = "503, taken"
    RESET_UNREAD = "reset before the body is read"
    RESET = "reset, not taken"
    RESET_BUT_TAKEN = "reset, taken"
    SILENCE = "silence, not taken"
    SILENCE_BUT_TAKEN = "silence, taken"
    TOO_LATE = "taken, and answered too late"
    HALF = "half an answer, taken"
    NO_ID = "taken, without an id"


class ListDeed(StrEnum):
    """How it answers a call to list."""

    ERROR = "500"
    LIMIT = "429"
    RESET = "reset"
    SILENCE = "silence"
    HALF = "half an answer"


class Text(NamedTuple):
    """One that the platform has taken.  `identity`: what our callback's address says: tenant,
    message id, attempt."""

    id: str
    number: str
    sender: str
    body: str
    identity: tuple[str, str, int]


class Stage(Protocol):
    url: str

    @property
    def texts(self) -> list[Text]: ...

    @property
    def calls(self) -> int:
        """To send, answered in whatever way."""
        ...

    def list_by(self, deed: ListDeed) -> None:
        """From now on."""
        ...


class Platform(Protocol):
    """`final` and `waiting`: codes with which it refuses a text for good, and until something
    has passed."""

    name: str
    senders: tuple[str, str]
    final: tuple[str, ...]
    waiting: tuple[str, ...]

    def stage(
        self, deed: Deed = Deed.TAKE, *, refuse: str = "", page: int = 1000
    ) -> AbstractAsyncContextManager[Stage]:
        """The platform, played; `page`: entries that it lists at once."""
        ...

    def client(self, url: str) -> Provider: ...


_DEEDS: Final[Mapping[Deed, dict[str, Any]]] = {
    Deed.TAKE_SLOWLY: {"does": "slow", "seconds": TIMEOUT / 5},
    Deed.LIMIT: {"does": "rate-limit", "retry_after": 7},
    Deed.LIMIT_WITHOUT_TIME: {"does": "rate-limit"},
    Deed.ERROR: {"does": "http:500"},
    Deed.UNAVAILABLE: {"does": "http:503"},
    Deed.UNAVAILABLE_BUT_TAKEN: {"does": "http:503", "taken": True},
    Deed.RESET_UNREAD: {"does": "reset-unread"},
    Deed.RESET: {"does": "reset-before"},
    Deed.RESET_BUT_TAKEN: {"does": "reset-after"},
    Deed.SILENCE: {"does": "hang"},
    Deed.SILENCE_BUT_TAKEN: {"does": "hang", "taken": True},
    Deed.TOO_LATE: {"does": "slow", "seconds": TIMEOUT * 20},
    Deed.HALF: {"does": "truncated"},
    Deed.NO_ID: {"does": "no-sid"},
}
_LIST_DEEDS: Final[Mapping[ListDeed, str]] = {
    ListDeed.ERROR: "http:500",
    ListDeed.LIMIT: "rate-limit",
    ListDeed.RESET: "reset-before",
    ListDeed.SILENCE: "hang",
    ListDeed.HALF: "truncated",
}


class _TwilioStage:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self.url = simulator.url

    @property
    def texts(self) -> list[Text]:
        found = []
        for message in self._simulator.messages:
            told = dict(parse_qsl(urlsplit(message.callback or "").query))
            identity = (told["tenant"], told["message_id"], int(told["attempt"]))
            found.append(
                Text(message.sid, message.to, message.from_address, message.body, identity)
            )
        return found

    @property
    def calls(self) -> int:
        return sum(
            count for event, count in self._simulator.counts.items() if event.startswith("create.")
        )

    def list_by(self, deed: ListDeed) -> None:
        self._simulator.faults.switch_on(
            "list", Fault.model_validate({"on": "list", "does": _LIST_DEEDS[deed]})
        )


class TwilioPlatform:
    name = "Twilio, simulated"
    senders = ("24365", "+14155550199")
    final: tuple[str, ...] = ("21211", "21408", "21610", "21612", "21614", "21617", "99999")
    waiting: tuple[str, ...] = ("21611", "20003", "10001")

    @asynccontextmanager
    async def stage(
        self, deed: Deed = Deed.TAKE, *, refuse: str = "", page: int = 1000
    ) -> AsyncIterator[Stage]:
        fault = {"does": f"refuse:{refuse}"} if refuse else _DEEDS.get(deed)
        script = {
            "faults": {"today": fault} if fault else {},
            "longest_page": page,
            "senders": {"*": {"pace": 1e6}},
        }
        async with Simulator(Script.model_validate(script)) as simulator:
            yield _TwilioStage(simulator)

    def client(self, url: str) -> Provider:
        return Twilio(
            account_sid=ACCOUNT,
            auth_token=SecretStr(TOKEN),
            public_url="http://127.0.0.1:9",
            base_url=url,
            timeout=TIMEOUT,
        )


PLATFORMS: Final[tuple[Platform, ...]] = (TwilioPlatform(),)
