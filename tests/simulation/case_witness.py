"""Which texts the parties of one case are due, by brute force: told what happened and when, it
looks at every quarter of an hour.

It shares no code with the product but the messages.  It keeps no timers and no plans: each look
reads the whole case anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from schemas.recipe import IfLate, Recipe
from tests.simulation import case_clocks as clocks
from tests.simulation.case_clocks import Relative
from tests.simulation.case_facts import Event, Matter, Party, fold

JOINS_WITHIN = clocks.DAY


class Who(NamedTuple):
    """A person, as their record stands."""

    first_name: str | None
    zone: str


class Use(NamedTuple):
    """A text that some parties are due."""

    anchor: str
    recipe: str | None
    due: datetime
    latest: datetime | None
    known: datetime
    roles: tuple[str, ...]
    template: str
    event: Event | None
    if_late: IfLate = IfLate.SEND
    people: tuple[str, ...] = ()

    @property
    def name(self) -> tuple[Any, ...]:
        event = self.event
        time = (event.starts_at, event.zone) if event and self.recipe else ()
        return (self.anchor, self.recipe, *time)

    def is_for(self, person_id: str, party: Party) -> bool:
        named = person_id in self.people or party.role in self.roles
        return party.present and named and (party.reminders or self.recipe is None)


class Left(NamedTuple):
    at: datetime
    person_id: str
    anchor: str
    recipe: str | None
    bodies: frozenset[str]
    """What it may say: "tomorrow" may have been "Tuesday" when it was requested."""


@dataclass
class Text:
    """`state`: `live` (requested, not sent yet), `back` (taken back), `left`, or `over`."""

    state: str = "back"
    bodies: dict[str, datetime | None] = field(default_factory=dict)
    """What it may say by now, and until when that is true."""
    facts: tuple[Any, ...] = ()
    due: datetime | None = None
    latest: datetime | None = None


@dataclass
class Witness:
    """`quiet`: whether there are quiet hours."""

    recipes: dict[str, Recipe]
    quiet: bool = True
    zone: str = "America/New_York"
    changes: list[Any] = field(default_factory=list)
    people: dict[str, Who] = field(default_factory=dict)
    consents: set[str] = field(default_factory=set)
    stopped: set[str] = field(default_factory=set)
    texts: dict[tuple[Any, ...], Text] = field(default_factory=dict)
    left: list[Left] = field(default_factory=list)
    late: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Person, anchor and recipe of what went past its use."""
    matter: Matter = field(default_factory=Matter)
    _since: dict[tuple[Any, ...], datetime] = field(default_factory=dict)
    """From when on a use has been there, at its due time."""
    _seen: dict[tuple[Any, ...], datetime] = field(default_factory=dict)
    """From when on an event was there, at the time that it has now."""

    def tell(self, change: Any) -> None:
        self.changes.append(change)
        self.matter = fold(self.changes, self.zone)

    def tied_at(self, person_id: str, at: datetime) -> str | None:
        matter = fold((one for one in self.changes if one.at <= at), self.zone)
        return matter.parties[person_id].number

    # --- what is due

    def uses(self) -> Iterator[Use]:
        matter = self.matter
        if matter.closed:
            return
        for event in matter.events.values():
            if event.canceled:
                continue
            for offset in event.reminders:
                yield self._reminder(event, offset, offset, None, 30, ("client",), "soon")
            for name, recipe in self.recipes.items():
                change = matter.recipes.get(name)
                if recipe.event_type != event.type or (change and change.off):
                    continue
                offset = (change and change.offset) or recipe.offset
                clock = (change and change.clock) or recipe.at
                template = (change and change.template) or recipe.template
                margin = recipe.margin_minutes
                use = self._reminder(event, name, offset, clock, margin, recipe.roles, template)
                yield use._replace(if_late=recipe.if_late)
        yield from self._tasks()

    def _reminder(
        self,
        event: Event,
        name: str,
        offset: str,
        clock: str | None,
        margin: int,
        roles: tuple[str, ...],
        template: str,
    ) -> Use:
        due = clocks.due(event.starts_at, event.zone, offset, clock)
        end = clocks.read(event.starts_at, event.zone).end
        latest = clocks.latest_use(due, end, offset, margin)
        return Use(event.event_id, name, due, latest, event.saved_at, roles, template, event)

    def _tasks(self) -> Iterator[Use]:
        launched = self.matter.launched
        for task in self.matter.tasks.values():
            if task.canceled or launched is None:
                continue
            event, latest = None, None
            if task.event_id is not None:
                event = self.matter.events.get(task.event_id)
                if event is None or event.canceled:
                    continue
                due = clocks.due(event.starts_at, event.zone, task.offset or "")
                if not (task.offset or "").endswith("after"):
                    latest = clocks.read(event.starts_at, event.zone).end
            elif task.time is not None:
                due = clocks.read(task.time, self.matter.zone).at
            else:
                due = task.known_at
            yield Use(
                f"task {task.task_id}",
                None,
                max(due, launched),
                latest,
                task.known_at,
                task.roles,
                task.template,
                event,
                people=task.people,
            )

    # --- looking

    def look(self, now: datetime) -> None:
        uses = list(self.uses())
        if not self.matter.closed:  # nothing new is to come of a case while it is closed
            there = {(*use.name, use.due) for use in uses}
            self._since = {key: self._since.get(key, now) for key in there}
        times = {(one.event_id, one.starts_at, one.zone) for one in self.matter.events.values()}
        self._seen = {key: at for key, at in self._seen.items() if key in times}
        for use in uses:
            self._seen.setdefault((use.anchor, *use.name[2:]), now)
        wanted = set()
        for use in uses:
            for person_id, party in self.matter.parties.items():
                if use.is_for(person_id, party) and person_id in self.people:
                    wanted.add((use.name, person_id))
                    self._look_at(use, uses, person_id, party, now)
        for key, text in self.texts.items():
            if key not in wanted and text.state == "live":
                text.state = "back"
                if text.latest is not None and now >= text.latest:
                    text.state = "over"  # at the gate, while nobody worked on cases
                    self.late.append((key[1], *key[0][:2]))

    def _look_at(
        self, use: Use, uses: list[Use], person_id: str, party: Party, now: datetime
    ) -> None:
        key = (use.name, person_id)
        text = self.texts.get(key)
        if text is not None and text.state == "live":
            text = self._keep(use, text, person_id, now)
        if text is not None and text.state == "over" and text.due != use.due:
            text = None  # it never went, and has another time now
        if text is None:
            if self._is_never(use, person_id, party):
                return
        elif text.state != "back":
            return
        zone = self.people[person_id].zone
        latest = use.latest or use.due + 400 * clocks.DAY
        if self.quiet:
            at = clocks.leaves(use.due, latest, zone, now)
        else:
            at = max(use.due, now) if max(use.due, now) < latest else None
        if at is None:
            is_left_out = text is None and (
                self._came_after(use)
                or (use.due <= now and self._is_skipped(use, uses, person_id, party, now))
            )
            if not is_left_out:
                self.late.append((person_id, use.anchor, use.recipe))
            self.texts[key] = Text("over", due=use.due)
            return
        if at > now:
            return
        is_skipped = use.due <= now and self._is_skipped(use, uses, person_id, party, now)
        if text is None and (is_skipped or self._is_doubled(use, uses, person_id, party, now)):
            self.texts[key] = Text("over", due=use.due)
            return
        self._go(use, key, person_id, now)

    def _is_never(self, use: Use, person_id: str, party: Party) -> bool:
        """It became known when nobody expected it any more."""
        known = self._known(use, person_id, party)
        if use.latest is None or use.event is None:
            return use.latest is None and known >= use.due + JOINS_WITHIN
        end = clocks.read(use.event.starts_at, use.event.zone).end
        return known >= max(use.latest, end)

    def _known(self, use: Use, person_id: str, party: Party) -> datetime:
        return max(use.known, self._joined(use, person_id, party))

    def _joined(self, use: Use, person_id: str, party: Party) -> datetime:
        return party.added_at if person_id in use.people else max(party.added_at, party.role_at)

    def _is_skipped(
        self, use: Use, uses: list[Use], person_id: str, party: Party, now: datetime
    ) -> bool:
        resumed = [self.matter.reopened_at] + ([party.resumed_at] if use.recipe else [])
        if any(at is not None and use.due < at for at in resumed):
            return True
        if use.recipe is None:
            return False
        if use.if_late is IfLate.SKIP and self._is_late(use, person_id, party):
            return True
        others = (one for one in uses if one.anchor == use.anchor and one.template == use.template)
        return any(
            one.recipe and use.due < one.due <= now and one.is_for(person_id, party)
            for one in others
        )

    def _is_doubled(
        self, use: Use, uses: list[Use], person_id: str, party: Party, now: datetime
    ) -> bool:
        """Another reminder with the same words is due at the same moment: one of them goes."""
        return use.recipe is not None and any(
            one.recipe is not None
            and (one.anchor, one.template, one.due) == (use.anchor, use.template, use.due)
            and one.recipe > use.recipe
            and one.is_for(person_id, party)
            and (one.latest is None or one.latest > now)
            and not (one.if_late is IfLate.SKIP and self._is_late(one, person_id, party))
            for one in uses
        )

    def _is_late(self, use: Use, person_id: str, party: Party) -> bool:
        """Its time had passed when it was decided, or when a recipe brought it to an event that we
        knew before.  What only arrived late is not late: nobody can tell it from an outage."""
        was_ahead = self._since[(*use.name, use.due)] < use.due
        is_new = use.known > use.due and not was_ahead
        joined = self._joined(use, person_id, party)
        return is_new or joined > use.due or self._came_after(use)

    def _came_after(self, use: Use) -> bool:
        """By a recipe that came later than its time."""
        event_seen = self._seen[(use.anchor, *use.name[2:])]
        return use.recipe is not None and event_seen <= use.due < self._since[(*use.name, use.due)]

    def _keep(self, use: Use, text: Text, person_id: str, now: datetime) -> Text:
        """A request that waits for opt-in: it says what is true now, or comes back."""
        if text.latest is not None and now >= text.latest:
            text.state = "over"
            self.late.append((person_id, use.anchor, use.recipe))
            return text
        if use.due > now and use.due != text.due:
            text.state = "back"
            return text
        facts, words = self._facts(use, person_id), self._words(use, person_id, now)
        bodies = {one: end for one, end in text.bodies.items() if end is None or now < end}
        if words is None or facts != text.facts or not bodies:
            text.state = "back"
            return text
        text.bodies = bodies | {words.words: words.until}
        return text

    def _go(self, use: Use, key: tuple[Any, ...], person_id: str, now: datetime) -> None:
        words = self._words(use, person_id, now)
        if words is None:
            self.texts[key] = Text()
            return
        facts = self._facts(use, person_id)
        text = Text("live", {words.words: words.until}, facts, use.due, use.latest)
        self.texts[key] = text
        if person_id in self.stopped:
            text.state = "over"
        elif person_id in self.consents:
            self._leave(use.anchor, use.recipe, person_id, text, now)

    def agree(self, person_id: str, now: datetime) -> None:
        """What waits for their opt-in leaves."""
        self.consents.add(person_id)
        for (name, who), text in self.texts.items():
            if who == person_id and text.state == "live":
                self._leave(name[0], name[1], person_id, text, now)

    def _leave(
        self, anchor: str, recipe: str | None, person_id: str, text: Text, now: datetime
    ) -> None:
        bodies = frozenset(
            body for body, until in text.bodies.items() if until is None or now < until
        )
        if not bodies:
            text.state = "back"  # its words turned false while nobody could write them anew
            return
        text.state = "left"
        self.left.append(Left(now, person_id, anchor, recipe, bodies))

    # --- words

    def _facts(self, use: Use, person_id: str) -> tuple[Any, ...]:
        event = use.event
        about = (event.title, event.location) if event else (self.matter.title,)
        party = self.matter.parties[person_id]
        return (use.template, *about, *self.people[person_id], party.number)

    def _words(self, use: Use, person_id: str, now: datetime) -> Relative | None:
        """None: a value is missing."""
        who = self.people[person_id]
        event = use.event
        if who.first_name is None:
            return None
        if use.template == "call":
            return Relative(f"{who.first_name}: call us about {self.matter.title}.", None)
        if event is None:
            return None
        on = clocks.read(event.starts_at, event.zone)
        if use.template == "on-day":
            day = clocks.write_date(on.date, event.zone)
            return Relative(f"{who.first_name}: {event.title} on {day}.", None)
        if on.clock is None:
            return None
        said = clocks.write_relative(on, who.zone, now)
        hour = clocks.write_time(on.at, event.zone, who.zone)
        where = f", {event.location}" if event.location else ""
        words = f"{who.first_name}: {event.title} {said.words} at {hour}{where}."
        return Relative(words, said.until)
