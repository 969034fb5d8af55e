"""The simulator as a server in this process: `async with Simulator(...) as sim: sim.url`."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from services.providers.simulator.api import Api
from services.providers.simulator.callbacks import Callbacks
from services.providers.simulator.carrier import Carrier
from services.providers.simulator.chance import Chance
from services.providers.simulator.clock import Clock
from services.providers.simulator.control import Control
from services.providers.simulator.journal import Journal, past
from services.providers.simulator.message import Message
from services.providers.simulator.script import Script

ACCOUNT = "AC" + "0" * 32
TOKEN = "simulated-token"


class Simulator:
    """`public_url`: the webhook's, for inbound texts.  `deliver_to`: where it listens, if elsewhere.  `speed`: how
    many simulated seconds pass in one.  `journal`: a file of JSON lines; one that is there is continued."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        seed: int | str = 0,
        account_sid: str = ACCOUNT,
        auth_token: str = TOKEN,
        public_url: str | None = None,
        deliver_to: str | None = None,
        journal: Path | None = None,
        port: int = 0,
        speed: float = 1.0,
    ) -> None:
        self.script = script or Script()
        self.account_sid = account_sid
        self.auth_token = auth_token
        self.url = ""
        self._seed, self._port, self._speed = seed, port, speed
        self._inbound_url = public_url.rstrip("/") + "/twilio/inbound" if public_url else None
        self._deliver_to, self._journal_path = deliver_to, journal

    async def __aenter__(self) -> Simulator:
        chance, self._clock = Chance(self._seed), Clock(self._speed)
        seen = past(self._journal_path)
        self.journal = Journal(self._journal_path)
        self._callbacks = Callbacks(self.auth_token, self.journal, self._deliver_to)
        self._carrier = Carrier(
            self.account_sid, self.script, chance, self._clock, self._callbacks, self.journal, self._inbound_url, seen
        )
        api = Api(
            self.account_sid, self.auth_token, self.script, chance, self._clock, self._carrier, self.journal
        )  # fmt: skip
        app = web.Application(client_max_size=256 << 10)
        app.add_routes([*api.routes(), *Control(self._carrier, self._clock, self.journal).routes()])
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._clock.stop()
        await self._runner.cleanup()
        await self._callbacks.close()
        self.journal.close()

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    @property
    def messages(self) -> list[Message]:
        return list(self._carrier.store)

    @property
    def pending(self) -> int:
        """Changes, receipts and replies still to come."""
        return self._clock.pending

    def inbound(self, number: str, to: str, body: str) -> Message:
        """This person texts this sender of ours."""
        return self._carrier.hear(number, to, body)
