"""The simulator as a server in this process: `async with Simulator(...) as sim: sim.url`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final, Self

from services.local.simulator.admin_api import AdminApi
from services.local.simulator.api import Api
from services.local.simulator.callbacks import Callbacks
from services.local.simulator.carrier import Carrier
from services.local.simulator.context import Context, Senders
from services.local.simulator.determinism import Clock, SeededRandom
from services.local.simulator.faults import Faults
from services.local.simulator.http_server import HttpServer
from services.local.simulator.journal import Journal, count_earlier
from services.local.simulator.messages import Message, MessageStore
from services.local.simulator.recipients import Recipients
from services.local.simulator.script import Script
from services.ports import CannotListen, explain_bind_errors

ACCOUNT: Final = "AC" + "0" * 32
TOKEN: Final = "simulated-token"


class Simulator:
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
        """`public_url`: the webhook's, for inbound texts.

        `deliver_to`: where the webhook listens, if elsewhere.
        `journal`: a file of JSON lines; one that exists is continued.
        `speed`: how many simulated seconds pass in a real one.
        """
        self.script = script or Script()
        self.account_sid = account_sid
        self.auth_token = auth_token
        self.url = ""
        self._seed = seed
        self._inbound_url = public_url.rstrip("/") + "/twilio/inbound" if public_url else None
        self._deliver_to = deliver_to
        self._journal_path = journal
        self._host = host
        self._port = port
        self._speed = speed

    async def __aenter__(self) -> Self:
        self._context = context = self._build_context()
        self._recipients = Recipients(context)
        carrier = Carrier(context, self._recipients.on_delivered)
        api = Api(context, carrier, self.auth_token)
        admin_api = AdminApi(context, self._recipients)
        self._server = HttpServer(api.routes() + admin_api.routes())
        try:
            with explain_bind_errors(self._host, self._port, "--port"):
                port = await self._server.start(self._host, self._port)
        except CannotListen:
            await self.__aexit__()
            raise
        self.url = f"http://{self._host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._context.clock.stop()
        await self._server.stop()
        await self._context.callbacks.close()
        self._context.journal.close()

    def _build_context(self) -> Context:
        script = self.script
        counts = count_earlier(self._journal_path)
        journal = Journal(self._journal_path)
        clock = Clock(self._speed)
        random = SeededRandom(self._seed)
        return Context(
            account=self.account_sid,
            script=script,
            random=random,
            clock=clock,
            senders=Senders(script),
            messages=MessageStore(script.longest_page),
            callbacks=Callbacks(self.auth_token, journal, script.webhook_rule, self._deliver_to),
            journal=journal,
            faults=Faults(clock, random, script.faults),
            counts=counts,
            inbound_url=self._inbound_url,
        )

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    @property
    def messages(self) -> list[Message]:
        return list(self._context.messages)

    @property
    def counts(self) -> Counter[str]:
        """How often what happened: `create.taken`, `receipt.ok`..."""
        return self._context.journal.counts

    @property
    def faults(self) -> Faults:
        """To switch at run time."""
        return self._context.faults

    @property
    def pending(self) -> int:
        """Status changes, receipts and replies still to come."""
        return self._context.clock.pending

    def inbound(self, number: str, to: str, body: str) -> Message:
        """This recipient texts this sender of ours."""
        return self._recipients.send_inbound(number, to, body)
