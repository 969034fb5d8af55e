"""The recipients: they text us, by themselves or because our text has reached them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from functools import partial

from services.local.simulator.context import Context
from services.local.simulator.journal import hash_body
from services.local.simulator.messages import API_VERSION, Message, count_segments


class Recipients:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._delivered: Counter[str] = Counter()

    def on_delivered(self, message: Message) -> None:
        """Schedule the scripted replies to this text."""
        self._delivered[message.to] += 1
        for reply in self._context.script.recipient(message.to).replies:
            if reply.after_texts == self._delivered[message.to]:
                send = partial(self.send_inbound, message.to, message.from_address, reply.body)
                self._context.clock.call_later(reply.delay, send)

    def forget(self, numbers: Iterable[str]) -> None:
        """As if they had not been texted before: the next text is their first."""
        for number in numbers:
            self._delivered.pop(number, None)

    def send_inbound(self, number: str, sender: str, body: str) -> Message:
        """A recipient texts a sender of ours: first the stop list is told, then the webhook."""
        context = self._context
        state = context.senders.get(sender)
        service = sender if sender.startswith("MG") else None
        ordinal = context.next_ordinal("inbound", number)
        message = Message(
            sid=context.random.sid("SM", "in", number, ordinal),
            account=context.account,
            to=state.pool if service and state else sender,
            sender=number,
            body=body,
            created=time.time(),
            service=service,
            segments=count_segments(body),
            direction="inbound",
            status="received",
            ordinal=ordinal,
        )
        message.sent = message.created
        context.messages.add(message)
        if state is not None:
            state.receive(number, body)
        context.journal.note(
            "inbound",
            "heard",
            sid=message.sid,
            number=number,
            to=sender,
            body=hash_body(body),
            ordinal=ordinal,
        )
        if context.inbound_url:
            form = _inbound_form(message)
            context.clock.spawn(
                context.callbacks.post(context.inbound_url, form, "forward", sid=message.sid)
            )
        return message


def _inbound_form(message: Message) -> dict[str, str]:
    form = {
        "AccountSid": message.account,
        "ApiVersion": API_VERSION,
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
