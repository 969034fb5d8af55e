"""The create call: ceilings, checks, the scripted fate, the fault of the day, the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from services.local.simulator import answers
from services.local.simulator.carrier import Carrier
from services.local.simulator.ceilings import Ceilings
from services.local.simulator.checks import refused, send_in
from services.local.simulator.fate import Call, Fate, Receipts
from services.local.simulator.faults import Door
from services.local.simulator.http_messages import Request, Response
from services.local.simulator.journal import fingerprint
from services.local.simulator.message import Message
from services.local.simulator.text import segments
from services.local.simulator.timeline import Change
from services.local.simulator.world import World

EARLY = Change(0.0, "sent")
"""The receipt that overtakes the answer."""


class Create:
    """One call.  `arrived`: when its first line was read, in simulated seconds."""

    def __init__(self, world: World, form: Mapping[str, str], arrived: float) -> None:
        self._world = world
        self.form = form
        self.number = form.get("To", "")
        self.sender = form.get("MessagingServiceSid") or form.get("From", "")
        self.body = form.get("Body", "")
        self._arrived = arrived

    def note(self, outcome: str, **more: Any) -> None:
        """`callback`: what our side wrote into the callback's address, so that a checker can match the two."""
        self._world.journal.note(
            "create",
            outcome,
            t=round(self._arrived, 6),
            number=self.number,
            sender=self.sender,
            body=fingerprint(self.body),
            segments=segments(self.body),
            callback=dict(parse_qsl(urlsplit(self.form.get("StatusCallback", "")).query)),
            **more,
        )


class Creation:
    def __init__(self, world: World, carrier: Carrier) -> None:
        self._world = world
        self._carrier = carrier
        self._ceilings = Ceilings(world.script, world.clock)

    def unread(self) -> bool:
        """Whether it is reset before the body is read: then nobody will ever know whose text it was."""
        fault = self._world.faults.unread(Door.CREATE)
        if fault is None:
            return False
        self._world.journal.note(
            "create", "unread", t=round(self._world.clock.now(), 6), fault=fault.name
        )
        return True

    async def answer(
        self, request: Request, create: Create, turned_away: int | None
    ) -> Response | None:
        with self._ceilings.call() as within:
            if not within:
                return self._limited(create, self._world.script.retry_after)
            response = await self._decided(request, create, turned_away)
            return None if response is None else self._counted(response)

    def _counted(self, response: Response) -> Response:
        headers = {**response.headers, "Twilio-Concurrent-Requests": str(self._ceilings.under_way)}
        return response._replace(headers=headers)

    async def _decided(
        self, request: Request, create: Create, turned_away: int | None
    ) -> Response | None:
        world = self._world
        code = turned_away or refused(create.form, world.senders, world.clock.now())
        if code is not None:
            return self._refused(create, code)
        ordinal = world.ordinal("create", create.number)
        fate = world.script.person(create.number).fate(ordinal, world.chance, create.number)
        fault = world.faults.of_create(create.number, create.sender, ordinal)
        if fault is not None:
            fate = fault.fault.over(fate)
        told = {"ordinal": ordinal} if fault is None else {"ordinal": ordinal, "fault": fault.name}
        if fate.call is Call.REFUSE:
            return self._refused(create, fate.code or 20001, **told)
        if fate.call is Call.RATE_LIMIT:
            return self._limited(
                create, fate.retry_after if fault else world.script.retry_after, **told
            )
        return await self._told(
            request, fate, self._taken(create, fate, told), (create.number, ordinal)
        )

    def _taken(self, create: Create, fate: Fate, told: dict[str, Any]) -> Message | None:
        if not fate.taken:
            create.note("not-taken", call=fate.call, **told)
            return None
        form = create.form
        wait = send_in(form).total_seconds() if form.get("ScheduleType") == "fixed" else 0.0
        message = self._carrier.take(form, fate, told["ordinal"], wait)
        create.note("taken", call=fate.call, sid=message.sid, **told)
        return message

    async def _told(
        self, request: Request, fate: Fate, message: Message | None, whose: tuple[str, int]
    ) -> Response | None:
        """Of each text that was taken the journal also says whether the caller was `told` so, or left in doubt."""
        world, told = self._world, False
        try:
            if message is not None and Receipts.EARLY in fate.receipts:
                await self._carrier.report(message, EARLY)
            await world.clock.sleep(
                world.chance.between(world.script.answer_after, "answer", *whose)
            )
            if fate.call is Call.SLOW:
                await world.clock.sleep(fate.seconds)
            response = await _as_scripted(request, fate, message)
            if response is None or fate.call not in {Call.OK, Call.SLOW}:
                return response
            told = request.send(self._counted(response))
            return None
        finally:
            if message is not None:
                world.journal.note("answer", "told" if told else "untold", sid=message.sid)

    def _refused(self, create: Create, code: int, **told: Any) -> Response:
        create.note("refused", code=code, **told)
        return answers.refused(code)

    def _limited(self, create: Create, retry_after: float | None, **told: Any) -> Response:
        create.note("limited", code=20429, **told)
        return answers.limited(retry_after)


async def _as_scripted(request: Request, fate: Fate, message: Message | None) -> Response | None:
    resource = message.resource() if message else {}
    if fate.call is Call.NO_SID:
        resource = {**resource, "sid": None}
    return await answers.whole_or_not(request, fate, 201, resource)
