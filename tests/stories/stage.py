"""A story played by all processors without Kafka, and what an onlooker wrote down of it."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any, Final, NamedTuple

from schemas import topics as t
from schemas.sender import Sender, SenderKind
from schemas.tenant_settings import TenantSettings
from streams.dispatch.provider_calls import (
    ListedMessage,
    Lookup,
    LookupResult,
    Result,
    SendCall,
    SendResult,
)
from streams.partition.decoding import partition_of
from streams.partition.transaction import CallResult
from streams.processing import Settings, build_settings
from streams.topology import PROCESSORS
from tests.simulation.scenario import RESULTS, build_receipt
from tests.simulation.world import Opening, World
from tests.stories.story import (
    JUMP,
    OUTAGE,
    OWN,
    POLICY_COUNT,
    RESTART,
    SETTINGS,
    SHARED,
    SLOW,
    START,
    Move,
    Story,
)

SENDERS: Final = {
    OWN: Sender(sender=OWN, kind=SenderKind.SHORT_CODE, owner="acme"),
    SHARED: Sender(sender=SHARED, kind=SenderKind.SHORT_CODE, shared_by=("acme", "bolt")),
    SLOW: Sender(sender=SLOW, kind=SenderKind.LONG_CODE, owner="acme", pace=0.25),
}
"""The last one sends a segment in four seconds: texts wait at dispatch too."""
TURNS: Final = 30_000
"""A story that is not at rest after so many turns of its tasks wakes for ever."""
AT_THE_LATEST: Final = timedelta(days=20)
"""After the last move: by then nothing is due any more."""
LISTED_AFTER: Final = timedelta(seconds=60)
"""The provider's list shows a text this long after it was taken, at the latest."""
EVERY_HOUR, AT_NIGHT_NOT, COURT_AT_ONCE, OTHER_SENDER = range(POLICY_COUNT)
"""The tenants' settings that there are."""


def build_policy(number: int) -> Settings:
    hours = {"quiet_hours": {}} if number == AT_NIGHT_NOT else {"quiet_hours": "none"}
    branch = {"court": {"send_immediately": number == COURT_AT_ONCE}}
    acme = {
        "tenant": "acme",
        "name": "Acme Law",
        "sender": OWN if number == OTHER_SENDER else SLOW,
        "when": {**hours, "marketing": "as_others"},
        "branches": branch,
        "templates": {"soon": {"texts": {"en": "{{ event.title }} at {{ event.time }}."}}},
        "recipes": {
            "hour": {"event_type": "hearing", "template": "soon", "offset": "1 hour before"}
        },
        "reminder_template": "soon",
        "mail": {"to": "office@acme.example"},
    }
    bolt = {
        "tenant": "bolt",
        "name": "Bolt Homes",
        "sender": SHARED,
        "when": {**hours, "marketing": "as_others"},
        "branches": branch,
    }
    tenants = {one["tenant"]: TenantSettings.model_validate(one) for one in (acme, bolt)}
    return build_settings({str(name): one for name, one in tenants.items()}, SENDERS)


READ: Final = (
    "sms.consent-events",
    "sms.inbound",
    "sms.request-cancels",
    "sms.person-cancels",
    "sms.approvals",
    "sms.case-events",
    "sms.person-events",
    "sms.dispatch-controls",
    "sms.send-requests",
    "sms.person-requests",
    "sms.decisions",
    "sms.outcomes",
    "sms.usage-report",
    "sms.consent-status",
    "sms.dead-letters",
)
"""Topics that the promises look at."""
POLICIES: Final = [build_policy(number) for number in range(POLICY_COUNT)]


class Called(NamedTuple):
    """A call that reached the provider."""

    at: datetime
    tenant: str
    message_id: str
    attempt: int
    sender: str
    to: str
    body: str
    is_taken: bool


@dataclass
class Played:
    """What an onlooker has: what the outside did, every record as JSON, the provider's journal."""

    story: Story
    calls: list[Called]
    overtaken: list[Called]
    """Calls that began though their sender's task had read that this number must not be texted, or
    could have read it when it was opened."""
    openings: list[Opening]
    """Each owner of a partition."""
    records: dict[str, list[dict[str, Any]]]
    """By topic; in each, `_at` is when it was appended, in milliseconds since 1970, and
    `_partition` says where."""
    ended_at: datetime
    crashes: int

    @cached_property
    def outside(self) -> set[str]:
        """What the outside said, as JSON with sorted names."""
        return {
            json.dumps(json.loads(one.topic.encode(one.value)), sort_keys=True)
            for one in self.story.moves
            if one.topic is not None
        }


class Provider:
    """What becomes of a call depends on the seed and the call alone: so a story that is cut ends
    as it did for the rest."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.calls: list[Called] = []
        self.overtaken: list[Called] = []
        self.listed: list[tuple[str, ListedMessage]] = []
        self.world: World

    def _fate(self, *about: object) -> random.Random:
        return random.Random(f"{self.seed} {about}")

    def call(self, post: SendCall, now: datetime) -> SendResult:
        rng = self._fate(*post.identity)
        fate = rng.choices(
            ["take", "refuse", "limit", "unsent", "doubt-taken", "doubt-lost"], [76, 5, 6, 5, 5, 3]
        )[0]
        is_taken = fate in ("take", "doubt-taken")
        called = Called(now, *post.identity, post.sender, post.to, post.body, is_taken)
        if fate != "unsent":
            self.calls.append(called)
        if self._is_forbidden(post):
            self.overtaken.append(called)
        sid = f"SM{post.tenant}-{post.message_id}-{post.attempt}"
        if is_taken:
            self._report(post, sid, now, rng)
        result = RESULTS[fate]
        return SendResult.of(
            post,
            result,
            provider_id=sid if result is Result.ACCEPTED else None,
            code="21614" if fate == "refuse" else None,
        )

    def _report(self, post: SendCall, sid: str, now: datetime, rng: random.Random) -> None:
        """Receipts are repeated, late, out of order and lost."""
        end = rng.choice(["delivered", "delivered", "delivered", "undelivered", "failed"])
        self.listed.append(
            (
                post.to,
                ListedMessage(
                    provider_id=sid,
                    sender=post.sender,
                    body=post.body,
                    num_segments=post.segments,
                    status=end,
                    created_at=now + timedelta(seconds=rng.choice([0, 0.4])),
                ),
            )
        )
        for status in ("queued", "sent", end):
            for _ in range(rng.choice([0, 1, 1, 1, 1, 1, 1, 2])):
                receipt = build_receipt(post, sid, status, now)
                late = timedelta(seconds=rng.choice([0, 0.5, 5, 300, 80_000]))
                self.world.publish_at(now + late, t.DELIVERY_RECEIPTS, receipt)

    def look_up(self, look: Lookup, now: datetime) -> LookupResult:
        """One in five cannot be read; for some texts none ever can."""
        rng = self._fate("list", look.identity, now)
        is_down = self._fate("lists", look.tenant, look.message_id).random() < 0.1
        if is_down or rng.random() < 0.2:
            return LookupResult.of(look, None, "HTTP 503")
        shown = tuple(
            one
            for to, one in self.listed
            if to == look.to
            and one.created_at + rng.random() * LISTED_AFTER <= now
            and look.not_before <= one.created_at <= look.not_after
        )
        return LookupResult.of(look, shown)

    def _is_forbidden(self, post: SendCall) -> bool:
        """Whether the controls that this sender's task has read say that it must not leave."""
        decided = max(
            one.get("consent_epoch", 0)
            for one in _read(self.world, t.DISPATCH_ORDERS.name)
            if (one["tenant"], one["message_id"]) == (post.tenant, post.message_id)
        )
        topic = t.DISPATCH_CONTROLS.name
        partition = partition_of(post.sender.encode(), self.world.partitions)
        read = self.world.tasks["dispatch", partition].positions.get(topic, 0)
        owned_since = [one for one in self.world.openings if one[:2] == ("dispatch", partition)][-1]
        read = max(read, owned_since.ends[topic])
        controls = [
            json.loads(entry.value or b"{}")
            for entry in self.world.log.entries[topic, partition][:read]
        ]
        about = post.sender, post.tenant, post.to
        return any(
            one["type"] in ("stop", "recall") and one["consent_epoch"] > decided
            for one in controls
            if (one.get("sender"), one.get("tenant"), one.get("number")) == about
        )


def play(story: Story) -> Played:
    """Raises AssertionError if it never comes to rest or a processor publishes what it may not."""
    provider = Provider(story.seed)
    world = World(
        story.seed,
        list(PROCESSORS.values()),
        POLICIES[story.policy],
        provider.call,
        provider.look_up,
        story.partitions,
        story.crash,
        story.slow,
        story.lost,
        START,
    )
    provider.world = world
    for move in story.moves:
        if move.topic is not None:
            world.publish_at(move.at, move.topic, move.value)
        elif move.what == RESTART:
            world.do_at(move.at, partial(_restart, world, move.value))
        elif move.what == OUTAGE:
            name, seconds = move.value
            world.do_at(move.at, partial(world.close, name))
            world.do_at(move.at + timedelta(seconds=seconds), partial(_open, world, name))
    for move in story.moves:
        if move.what in (SETTINGS, JUMP):
            _make(world, move)
    world.settle(AT_THE_LATEST, turns=TURNS)
    records = {topic: _read(world, topic) for topic in READ}
    crashes = sum(world.crashes.values())
    overtaken, openings = provider.overtaken, world.openings
    return Played(story, provider.calls, overtaken, openings, records, world.now, crashes)


def _restart(world: World, name: str) -> None:
    for processor, partition in [key for key in world.tasks if key[0] == name]:
        world.open(PROCESSORS[processor], partition)


def _open(world: World, name: str) -> None:
    for partition in range(world.partitions):
        world.open(PROCESSORS[name], partition)


def _make(world: World, move: Move) -> None:
    """When nobody has anything to do."""
    if move.at > world.now:
        world.settle(move.at - world.now, turns=TURNS)
        world.now = max(world.now, move.at)
    if move.what == SETTINGS:
        world.settings = POLICIES[move.value]
    else:
        _sleep(world, move.value)


def _sleep(world: World, seconds: int) -> None:
    """A lease counts time asleep too: a call that waited for its turn does not begin."""
    for turn in [turn for turn in world.turns if isinstance(turn.post, SendCall)]:
        world.turns.remove(turn)
        answer = SendResult.of(turn.post, Result.UNSENT)
        turn.task.call_results.append(CallResult(turn.entity_key, answer))
    world.now += timedelta(seconds=seconds)


def _read(world: World, topic: str) -> list[dict[str, Any]]:
    return [
        {**json.loads(entry.value), "_at": entry.timestamp, "_partition": partition}
        for partition in range(world.partitions)
        for entry in world.log.entries[topic, partition]
        if entry.value
    ]
