"""The people at the other end: they text us, by themselves or because our text has reached them."""

from __future__ import annotations

import time
from collections import Counter
from functools import partial

from services.local.simulator.journal import fingerprint
from services.local.simulator.message import VERSION, Message
from services.local.simulator.text import segments
from services.local.simulator.world import World


class People:
    def __init__(self, world: World) -> None:
        self._world = world
        self._reached: Counter[str] = Counter()

    def reached(self, message: Message) -> None:
        """The text is on the phone: does its owner answer?"""
        self._reached[message.to] += 1
        for says in self._world.script.person(message.to).replies:
            if says.after_texts == self._reached[message.to]:
                self._world.clock.later(
                    says.delay, partial(self.say, message.to, message.from_address, says.body)
                )

    def say(self, number: str, sender: str, body: str) -> Message:
        """To a sender of ours: the opt-out list hears it first, then the webhook."""
        world, state = self._world, self._world.senders.get(sender)
        service = sender if sender.startswith("MG") else None
        ordinal = world.ordinal("inbound", number)
        message = Message(
            sid=world.chance.sid("SM", "in", number, ordinal),
            account=world.account,
            to=state.pool if service and state else sender,
            sender=number,
            body=body,
            created=time.time(),
            service=service,
            segments=segments(body),
            direction="inbound",
            status="received",
            ordinal=ordinal,
        )
        message.sent = message.created
        world.store.add(message)
        if state is not None:
            state.hears(number, body)
        world.journal.note(
            "inbound",
            "heard",
            sid=message.sid,
            number=number,
            to=sender,
            body=fingerprint(body),
            ordinal=ordinal,
        )
        if world.inbound_url:
            world.clock.spawn(
                world.callbacks.post(world.inbound_url, _form(message), "forward", sid=message.sid)
            )
        return message


def _form(message: Message) -> dict[str, str]:
    form = {
        "AccountSid": message.account,
        "ApiVersion": VERSION,
        "Body": message.body,
        "From": message.sender or "",
        "To": message.to,
        "MessageSid": message.sid,
        "SmsSid": message.sid,
        "SmsMessageSid": message.sid,
        "SmsStatus": "received",
        "NumMedia": "0",
        "NumSegments": str(message.segments),
        "FromCountry": "US",
        "FromState": "",
        "FromCity": "",
        "FromZip": "",
    }
    return form | ({"MessagingServiceSid": message.service} if message.service else {})
