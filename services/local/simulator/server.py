"""The simulator as a server in this process: `async with Simulator(...) as sim: sim.url`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from services.listening import CannotListen, listening
from services.local.simulator.api import Api
from services.local.simulator.callbacks import Callbacks
from services.local.simulator.carrier import Carrier
from services.local.simulator.chance import Chance
from services.local.simulator.clock import Clock
from services.local.simulator.control import Control
from services.local.simulator.faults import Faults
from services.local.simulator.http_server import HttpServer
from services.local.simulator.journal import Journal, past
from services.local.simulator.message import Message
from services.local.simulator.people import People
from services.local.simulator.script import Script
from services.local.simulator.senders import Senders
from services.local.simulator.store import Store
from services.local.simulator.world import World

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
        host: str = "127.0.0.1",
        port: int = 0,
        speed: float = 1.0,
    ) -> None:
        self.script = script or Script()
        self.account_sid = account_sid
        self.auth_token = auth_token
        self.url = ""
        self._seed, self._host, self._port, self._speed = seed, host, port, speed
        self._inbound_url = public_url.rstrip("/") + "/twilio/inbound" if public_url else None
        self._deliver_to, self._journal_path = deliver_to, journal

    async def __aenter__(self) -> Simulator:
        self._world = world = self._made()
        self._people = People(world)
        api = Api(world, Carrier(world, self._people), self.auth_token)
        self._server = HttpServer(api.routes() + Control(world, self._people).routes())
        try:
            with listening(self._host, self._port, "--port"):
                port = await self._server.start(self._host, self._port)
        except CannotListen:
            await self.__aexit__()
            raise
        self.url = f"http://{self._host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._world.clock.stop()
        await self._server.stop()
        await self._world.callbacks.close()
        self._world.journal.close()

    def _made(self) -> World:
        seen = past(self._journal_path)
        journal, clock, chance = Journal(self._journal_path), Clock(self._speed), Chance(self._seed)
        return World(
            account=self.account_sid,
            script=self.script,
            chance=chance,
            clock=clock,
            senders=Senders(self.script),
            store=Store(self.script.longest_page),
            callbacks=Callbacks(
                self.auth_token, journal, self.script.webhook_rule, self._deliver_to
            ),
            journal=journal,
            faults=Faults(clock, chance, self.script.faults),
            seen=seen,
            inbound_url=self._inbound_url,
        )

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    @property
    def messages(self) -> list[Message]:
        return list(self._world.store)

    @property
    def counts(self) -> Counter[str]:
        """How often what happened: `create.taken`, `receipt.ok`..."""
        return self._world.journal.counts

    @property
    def faults(self) -> Faults:
        """To switch at run time."""
        return self._world.faults

    @property
    def pending(self) -> int:
        """Changes, receipts and replies still to come."""
        return self._world.clock.pending

    def inbound(self, number: str, to: str, body: str) -> Message:
        """This person texts this sender of ours."""
        return self._people.say(number, to, body)
