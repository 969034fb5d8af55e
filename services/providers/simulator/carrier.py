"""What happens to a text once it is taken, and what people text back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial

from services.providers.simulator.callbacks import Callbacks
from services.providers.simulator.chance import Chance
from services.providers.simulator.clock import Clock
from services.providers.simulator.errors import FATES
from services.providers.simulator.fate import End, Fate, Receipts
from services.providers.simulator.journal import Journal, fingerprint
from services.providers.simulator.message import FINAL, VERSION, Message
from services.providers.simulator.script import Script
from services.providers.simulator.senders import Senders
from services.providers.simulator.store import Store
from services.providers.simulator.text import segments
from services.providers.simulator.timeline import Change, changes, receipts

OVERFLOW = Fate.model_validate("failed:30001")


class Carrier:
    """`inbound_url`: where texts from people go; None: nowhere."""

    def __init__(
        self, account: str, script: Script, chance: Chance, clock: Clock, callbacks: Callbacks, journal: Journal,
        inbound_url: str | None, seen: Counter[str],
    ) -> None:  # fmt: skip
        self.senders = Senders(script)
        self.store = Store()
        self._account = account
        self._script = script
        self._chance = chance
        self._clock = clock
        self._callbacks = callbacks
        self._journal = journal
        self._inbound_url = inbound_url
        self._seen = seen
        self._reached: Counter[str] = Counter()

    def ordinal(self, event: str, number: str) -> int:
        """The how-manieth create for, or inbound from, this number this is."""
        self._seen[f"{event} {number}"] += 1
        return self._seen[f"{event} {number}"]

    def take(self, form: Mapping[str, str], fate: Fate, ordinal: int, wait: float = 0.0) -> Message:
        """`wait`: seconds before it joins its sender's queue (a scheduled text)."""
        to, service = form["To"], form.get("MessagingServiceSid")
        initial = ("scheduled" if wait else "accepted") if service else "queued"
        message = Message(
            self._chance.sid("SM", "out", to, ordinal), self._account, to, None if service else form["From"],
            form["Body"], time.time(), service=service, callback=form.get("StatusCallback"),
            segments=segments(form["Body"]), status=initial, ordinal=ordinal,
        )  # fmt: skip
        self.store.add(message)
        state = self.senders.get(message.from_address)
        assert state is not None, "checked before it was taken"
        now = self._clock.now()
        if service and state.is_full(now):
            fate = OVERFLOW
        leaves = wait + state.queue(now, message.segments) - now
        happened = changes(fate, leaves, bool(service), self._script, (self._chance, to, ordinal))
        for change in happened:
            self._clock.later(change.at, partial(self._change, message, change, fate))
        for change in receipts(fate, happened):
            self._clock.later(change.at, partial(self._reports, message, change))
        return message

    def _change(self, message: Message, change: Change, fate: Fate) -> None:
        if message.status in FINAL:
            return
        message.status, message.updated = change.status, time.time()
        if change.status == "queued" and message.sender is None and (state := self.senders.get(message.from_address)):
            message.sender = state.pool
        if change.status == "sent":
            message.sent = message.updated
        if change.error is not None:
            message.error, message.error_words = change.error, FATES.get(change.error, "See the error dictionary")
        if change.status == "delivered" or (change.status == "sent" and fate.end is End.SENT):
            self._reaches(message)

    def _reports(self, message: Message, change: Change) -> None:
        self._clock.spawn(self.report(message, change))

    async def report(self, message: Message, change: Change) -> None:
        if message.callback is None or (message.status == "canceled" and change.status != "canceled"):
            return
        form = {
            "AccountSid": self._account, "ApiVersion": VERSION, "From": message.sender or "", "To": message.to,
            "MessageSid": message.sid, "MessageStatus": change.status,
            "SmsSid": message.sid, "SmsStatus": change.status,
        }  # fmt: skip
        if message.service:
            form["MessagingServiceSid"] = message.service
        if change.error is not None:
            form["ErrorCode"] = str(change.error)
        if change.status in {"delivered", "undelivered"}:
            form["RawDlrDoneDate"] = datetime.now(UTC).strftime("%y%m%d%H%M")
        await self._callbacks.post(message.callback, form, "receipt", sid=message.sid, status=change.status)

    def cancel(self, message: Message) -> None:
        message.status, message.updated = "canceled", time.time()
        self._clock.spawn(self.report(message, Change(0.0, "canceled")))

    def _reaches(self, message: Message) -> None:
        """The text is on the phone: does its owner answer?"""
        self._reached[message.to] += 1
        for says in self._script.person(message.to).replies:
            if says.after_texts == self._reached[message.to]:
                self._clock.later(says.delay, partial(self.hear, message.to, message.from_address, says.body))

    def hear(self, number: str, sender: str, body: str) -> Message:
        """A person texts one of ours: the opt-out list first, then the webhook."""
        ordinal = self.ordinal("inbound", number)
        state = self.senders.get(sender)
        service = sender if sender.startswith("MG") else None
        to = state.pool if service and state else sender
        message = Message(
            self._chance.sid("SM", "in", number, ordinal), self._account, to, number, body, time.time(),
            service=service, segments=segments(body), status="received", direction="inbound", ordinal=ordinal,
        )  # fmt: skip
        message.sent = message.created
        self.store.add(message)
        if state is not None:
            state.hears(number, body)
        self._journal.note(
            "inbound", "heard", sid=message.sid, number=number, to=sender, body=fingerprint(body), ordinal=ordinal
        )
        if self._inbound_url:
            self._clock.spawn(self._forward(message))
        return message

    async def _forward(self, message: Message) -> None:
        form = {
            "AccountSid": self._account, "ApiVersion": VERSION, "Body": message.body, "From": message.sender or "",
            "To": message.to, "MessageSid": message.sid, "SmsSid": message.sid, "SmsMessageSid": message.sid,
            "SmsStatus": "received", "NumMedia": "0", "NumSegments": str(message.segments),
            "FromCountry": "US", "FromState": "", "FromCity": "", "FromZip": "",
        }  # fmt: skip
        if message.service:
            form["MessagingServiceSid"] = message.service
        await self._callbacks.post(self._inbound_url or "", form, "forward", sid=message.sid)

    def early(self, fate: Fate, message: Message) -> Change | None:
        """The receipt that overtakes the answer to the create call."""
        return Change(0.0, "sent") if Receipts.EARLY in fate.receipts else None
