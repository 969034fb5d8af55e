"""What happens to a text once it is taken."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial

from services.local.simulator.errors import FATES
from services.local.simulator.fate import End, Fate
from services.local.simulator.message import FINAL, VERSION, Message
from services.local.simulator.people import People
from services.local.simulator.text import segments
from services.local.simulator.timeline import Change, changes, receipts
from services.local.simulator.world import World

OVERFLOW = Fate.model_validate("failed:30001")


class Carrier:
    def __init__(self, world: World, people: People) -> None:
        self._world = world
        self._people = people

    def take(self, form: Mapping[str, str], fate: Fate, ordinal: int, wait: float = 0.0) -> Message:
        """`wait`: seconds before it joins its sender's queue (a scheduled text)."""
        world, to, service = self._world, form["To"], form.get("MessagingServiceSid")
        initial = ("scheduled" if wait else "accepted") if service else "queued"
        message = Message(
            sid=world.chance.sid("SM", "out", to, ordinal),
            account=world.account,
            to=to,
            sender=None if service else form["From"],
            body=form["Body"],
            created=time.time(),
            service=service,
            callback=form.get("StatusCallback"),
            segments=segments(form["Body"]),
            status=initial,
            ordinal=ordinal,
        )
        world.store.add(message)
        self._schedule(message, fate, wait)
        return message

    def _schedule(self, message: Message, fate: Fate, wait: float) -> None:
        world, now = self._world, self._world.clock.now()
        state = world.senders.get(message.from_address)
        assert state is not None, "checked before it was taken"
        if message.service and state.is_full(now):
            fate = OVERFLOW
        leaves_in = wait + state.queue(now, message.segments) - now
        draw = (world.chance, message.to, message.ordinal)
        happens = changes(fate, leaves_in, bool(message.service), world.script, draw)
        for change in happens:
            world.clock.later(change.at, partial(self._change, message, change, fate))
        for change in receipts(fate, happens):
            world.clock.later(change.at, partial(self._reports, message, change))

    def _change(self, message: Message, change: Change, fate: Fate) -> None:
        if message.status in FINAL:
            return
        message.status, message.updated = change.status, time.time()
        if message.sender is None and (state := self._world.senders.get(message.from_address)):
            message.sender = state.pool
        if change.status == "sent":
            message.sent = message.updated
        if change.error is not None:
            message.error, message.error_words = (
                change.error,
                FATES.get(change.error, "See the error dictionary"),
            )
        if change.status == "delivered" or (change.status == "sent" and fate.end is End.SENT):
            self._people.reached(message)

    def _reports(self, message: Message, change: Change) -> None:
        self._world.clock.spawn(self.report(message, change))

    async def report(self, message: Message, change: Change) -> None:
        """Tells the webhook, where the create call named one."""
        if message.callback is None or (
            message.status == "canceled" and change.status != "canceled"
        ):
            return
        await self._world.callbacks.post(
            message.callback,
            _form(message, change),
            "receipt",
            sid=message.sid,
            status=change.status,
        )

    def cancel(self, message: Message) -> None:
        message.status, message.updated = "canceled", time.time()
        self._reports(message, Change(0.0, "canceled"))


def _form(message: Message, change: Change) -> dict[str, str]:
    form = {
        "AccountSid": message.account,
        "ApiVersion": VERSION,
        "From": message.sender or "",
        "To": message.to,
        "MessageSid": message.sid,
        "MessageStatus": change.status,
        "SmsSid": message.sid,
        "SmsStatus": change.status,
    }
    if message.service:
        form["MessagingServiceSid"] = message.service
    if change.error is not None:
        form["ErrorCode"] = str(change.error)
    if change.status in {"delivered", "undelivered"}:
        form["RawDlrDoneDate"] = datetime.now(UTC).strftime("%y%m%d%H%M")
    return form
