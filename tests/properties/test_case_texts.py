"""Whatever happens to a case, in whatever order, its parties get the texts that a brute-force
calendar gives them: when, once, and in which words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.case import CaseLink, CaseText
from schemas.person import PersonCancel, PersonRequest
from schemas.recipe import Recipe
from streams.cases import cases_on_timer
from tests.core.cases import world
from tests.simulation.case_clocks import QUARTER, is_open
from tests.simulation.case_witness import Left, Who, Witness

FIVE = timedelta(minutes=5)
"""Whatever is said is said between two quarters of an hour."""
NUMBERS = {"ana": "+12125550142", "luis": "+12125550143"}
TEMPLATES = {
    "soon": world.template(
        "{{ person.first }}: {{ event.title }} {{ event.relative_day }} at {{ event.time }}"
        "{% if event.location %}, {{ event.location }}{% endif %}."
    ),
    "on-day": world.template("{{ person.first }}: {{ event.title }} on {{ event.date }}."),
    "call": world.template("{{ person.first }}: call us about {{ case.title }}."),
}
DAY_BEFORE = {"event_type": "hearing", "offset": "1 day before", "template": "soon"}
RECIPES: list[dict[str, dict[str, Any]]] = [
    {"day": DAY_BEFORE},
    {"day": DAY_BEFORE, "hours": {**DAY_BEFORE, "offset": "26 hours before", "if_late": "skip"}},
    {"day": {**DAY_BEFORE, "at": "07:15"}, "early": {**DAY_BEFORE, "offset": "2 hours before"}},
    {"day": {**DAY_BEFORE, "offset": "2 days before", "template": "on-day", "if_late": "skip"}},
    {"day": {**DAY_BEFORE, "roles": ["team"]}, "after": {**DAY_BEFORE, "offset": "1 day after"}},
    {"day": {**DAY_BEFORE, "offset": "1 week before", "margin_minutes": 600}},
    {},
]
SCENES = [
    ("2026-03-05", "America/New_York", "America/Phoenix"),
    ("2026-10-29", "America/New_York", "America/St_Johns"),
    ("2026-03-26", "Europe/Berlin", "Asia/Kolkata"),
    ("2026-10-22", "Europe/Berlin", "America/Los_Angeles"),
    ("2026-04-02", "Australia/Lord_Howe", "Asia/Kathmandu"),
    ("2026-10-01", "Australia/Sydney", "Australia/Lord_Howe"),
    ("2011-12-27", "Pacific/Apia", "America/Los_Angeles"),
]
"""Some days before the clocks of the first zone change, or leave out a day."""
CLOCKS = ["00:15", "02:15", "02:30", "05:00", "07:00", "09:00", "13:45", "20:30", "23:30"]
OFFSETS = ["1 hour before", "3 hours before", "1 day before", "24 hours before", "0 days before"]


class Played:
    """The processor and the witness, told the same."""

    def __init__(self, scene: tuple[str, str, str], recipes: int, *, quiet: bool) -> None:
        day, *self.zones = scene
        self.first_day = datetime.fromisoformat(day)
        self.now = self.first_day.replace(hour=12, tzinfo=UTC) + FIVE
        self.quiet = quiet
        self.witness = Witness({}, quiet=quiet, zone="America/New_York")
        self.case = world.CaseHarness(now=self.now, settings=world.settings())
        self.follow(recipes)
        self.zone_of = dict.fromkeys(NUMBERS, self.zones[0])
        self.name_of: dict[str, str | None] = {one: one.capitalize() for one in NUMBERS}
        self.live: dict[str, PersonRequest] = {}
        self.log: dict[str, CaseText] = {}
        self.left: list[tuple[datetime, PersonRequest]] = []
        self.say("case_opened", title="In re Rivera", time_zone=self.zones[0])
        self.agree("ana")

    # --- what happens

    def day(self, number: int) -> str:
        return (self.first_day + timedelta(days=number)).date().isoformat()

    def say(self, kind: str, *, late: int = 0, **fields: Any) -> None:
        change = world.change(kind, at=self.now - late * QUARTER, **fields)
        self.case.feed(change)
        self.respond()
        self.witness.tell(change)
        self.witness.look(self.now)

    def follow(self, recipes: int) -> None:
        """The tenant's settings change."""
        said = RECIPES[recipes]
        when = {} if self.quiet else {"when": {"quiet_hours": "none"}}
        policy = world.settings(recipes=said, templates=TEMPLATES, reminder_template="soon", **when)
        self.case.settings = policy
        self.witness.recipes = {name: Recipe.model_validate(one) for name, one in said.items()}
        if not hasattr(self, "live"):
            return
        for name in sorted(self.case.state.raw):
            if name.startswith("due/"):
                self.case._apply(cases_on_timer(self.case.state, name, self.now, policy))
                self.respond()
        self.witness.look(self.now)

    def change_person(self, person_id: str, name: str | None, zone: str) -> None:
        self.name_of[person_id], self.zone_of[person_id] = name, zone
        self.tell_record(person_id)
        self.respond()
        self.witness.look(self.now)

    def tell_record(self, person_id: str) -> None:
        name, zone = self.name_of[person_id], self.zone_of[person_id]
        fields = {"first_name": name, "time_zone": zone}
        self.case.person(person_id, NUMBERS[person_id], **fields)
        self.witness.people[person_id] = Who(name, zone)

    def agree(self, person_id: str) -> None:
        """Where they are, it is day: nobody texts at night."""
        if self.quiet and not is_open(self.now, self.zone_of[person_id]):
            return
        for message_id, request in list(self.live.items()):
            if request.person_id == person_id:
                self.leave(self.live.pop(message_id))
        self.witness.agree(person_id, self.now)
        self.respond()

    def pass_time(self, quarters: int) -> None:
        for _ in range(quarters):
            tick = self.now - FIVE + QUARTER
            self.advance(tick)
            self.witness.look(tick)
            self.now = tick + FIVE
            self.advance(self.now)

    def advance(self, moment: datetime) -> None:
        case = self.case
        while due := [(at, name) for name, at in case.timers.items() if at <= moment]:
            at, name = min(due)
            case.now = max(case.now, at)
            case.fire(name)
            self.respond()
        case.now = moment
        for message_id, request in list(self.live.items()):
            if request.valid_until is not None and request.valid_until <= moment:
                del self.live[message_id]
                case.report(request, "expired", rule="expired")
        self.respond()

    # --- people, gate, dispatch and outcomes, all at once

    def respond(self) -> None:
        while self.case.published:
            published, self.case.published = self.case.published, []
            for _, value in published:
                self.take(value)

    def take(self, value: Any) -> None:
        if isinstance(value, CaseLink):
            if value.wanted:
                self.tell_record(value.person_id)
            else:
                self.witness.people.pop(value.person_id, None)
        elif isinstance(value, CaseText) and value.message_id:
            self.log.setdefault(value.message_id, value)
        elif isinstance(value, PersonRequest):
            if value.person_id in self.witness.consents:
                self.leave(value)
            else:
                self.live[value.message_id] = value
        elif isinstance(value, PersonCancel):
            request = self.live.pop(value.request_id, None)
            if request is not None:
                self.case.report(request, "canceled")

    def leave(self, request: PersonRequest) -> None:
        state = ("accepted", "delivered", "undelivered")[len(self.left) % 3]
        self.case.report(request, state)
        self.left.append((self.case.now, request))

    def texts(self) -> list[tuple[datetime, str, str, str | None, str]]:
        found = []
        for at, request in self.left:
            log = self.log[request.message_id]
            anchor = f"task {log.task_id}" if log.task_id else log.event_id
            found.append((at, request.person_id, anchor, log.recipe, request.body))
        return found


def differences(played: Played) -> list[Any]:
    """Each text that only one of the two has."""
    expected: list[Left] = list(played.witness.left)
    odd: list[Any] = []
    for at, person_id, anchor, recipe, body in played.texts():
        same = (at, person_id, anchor, recipe)
        found = next((one for one in expected if one[:4] == same and body in one.bodies), None)
        if found is None:
            odd.append(("only from the processor", *same, body))
        else:
            expected.remove(found)
    return [*odd, *(("only by the calendar", *one) for one in expected)]


# --- what may happen

people = st.sampled_from(["ana", "ana", "luis"])
events = st.sampled_from(["hearing", "meeting"])
lateness = st.sampled_from([0, 0, 0, 0, 3, 100])


@st.composite
def saved(draw: st.DrawFn, event_ids: Any = events) -> tuple[Any, ...]:
    event_id = draw(event_ids)
    clock = draw(st.sampled_from([*CLOCKS, *CLOCKS, None]))
    fields = {
        "title": draw(st.sampled_from(["Hearing", "Closing"])),
        "location": draw(st.sampled_from([None, "room 4", "room 5"])),
        "reminders": draw(st.lists(st.sampled_from(OFFSETS), max_size=2, unique=True)),
    }
    day = draw(st.integers(1, 8))
    return ("event", event_id, day, clock, draw(st.integers(0, 1)), fields, draw(lateness))


tasks = st.tuples(
    st.just("task"),
    st.sampled_from(["t1", "t2"]),
    st.sampled_from(["now", "time", "event"]),
    st.integers(0, 6),
    st.sampled_from(CLOCKS),
    st.sampled_from([{"roles": ["client"]}, {"person_ids": ["ana"]}]),
)
changes = st.builds(
    dict,
    off=st.booleans(),
    offset=st.sampled_from([None, "3 hours before", "2 days before"]),
    clock=st.sampled_from([None, "17:00"]),
    template=st.sampled_from([None, "on-day", "soon"]),
)
actions = st.one_of(
    saved(),
    saved(),
    tasks,
    st.tuples(st.just("party"), people, st.sampled_from(["client", "team"]), lateness),
    st.tuples(st.just("removed"), people, lateness),
    st.tuples(st.just("number"), people, st.booleans()),
    st.tuples(st.just("switch"), people, st.booleans()),
    st.tuples(st.just("canceled"), events, lateness),
    st.tuples(st.just("no task"), st.sampled_from(["t1", "t2"])),
    st.tuples(st.just("recipe"), st.sampled_from(["day", "hours"]), changes),
    st.tuples(st.just("settings"), st.integers(0, len(RECIPES) - 1)),
    st.tuples(st.just("closing"), st.booleans()),
    st.tuples(st.just("launch")),
    st.tuples(st.just("person"), people, st.sampled_from([None, "Anna", "Li"]), st.integers(0, 1)),
    st.tuples(st.just("agree"), people),
)


def act(played: Played, action: tuple[Any, ...]) -> None:
    what, *said = action
    if what in PLAIN:
        kind, names = PLAIN[what]
        played.say(kind, **dict(zip(names, said, strict=True)))
    else:
        SPECIAL[what](played, *said)


PLAIN = {
    "party": ("party_added", ("person_id", "role", "late")),
    "removed": ("party_removed", ("person_id", "late")),
    "canceled": ("event_canceled", ("event_id", "late")),
    "no task": ("task_canceled", ("task_id",)),
    "launch": ("launched", ()),
}


def save_event(
    played: Played,
    event_id: str,
    day: int,
    clock: str | None,
    zone: int,
    fields: dict[str, Any],
    late: int,
) -> None:
    written = played.day(day) if clock is None else f"{played.day(day)}T{clock}"
    said = {"event_id": event_id, "event_type": event_id, "starts_at": written, **fields}
    played.say("event_saved", late=late, time_zone=played.zones[zone], **said)


def schedule(
    played: Played, task_id: str, how: str, day: int, clock: str, audience: dict[str, Any]
) -> None:
    when = {
        "now": {"now": True},
        "time": {"time": f"{played.day(day)}T{clock}"},
        "event": {"event_id": "hearing", "offset": OFFSETS[day % len(OFFSETS)]},
    }[how]
    template = "soon" if how == "event" else "call"
    said = {"template": template, "audience": audience, "when": when}
    played.say("task_scheduled", task_id=task_id, **said)


def tie(played: Played, person_id: str, is_tied: bool) -> None:
    number = NUMBERS[person_id] if is_tied else ""
    played.say("party_changed", person_id=person_id, number=number)


def change_person(played: Played, person_id: str, name: str | None, zone: int) -> None:
    if person_id in played.witness.people:
        played.change_person(person_id, name, played.zones[zone])


SPECIAL: dict[str, Any] = {
    "event": save_event,
    "task": schedule,
    "number": tie,
    "person": change_person,
    "agree": Played.agree,
    "settings": Played.follow,
    "switch": lambda played, who, is_on: played.say("case_settings", reminders={who: is_on}),
    "recipe": lambda played, name, said: played.say("case_settings", recipes={name: said}),
    "closing": lambda played, closes: played.say("case_closed" if closes else "case_reopened"),
}


@given(
    st.sampled_from(SCENES),
    st.integers(0, len(RECIPES) - 1),
    st.booleans(),
    saved(st.just("hearing")),
    st.lists(st.tuples(actions, st.sampled_from([0, 1, 4, 17, 40, 96])), min_size=4, max_size=14),
)
@settings(max_examples=150)
def test_exactly_the_texts_of_a_brute_force_calendar(
    scene: tuple[str, str, str],
    recipes: int,
    quiet: bool,
    first: tuple[Any, ...],
    steps: list[tuple[tuple[Any, ...], int]],
) -> None:
    played = Played(scene, recipes, quiet=quiet)
    played.say("party_added", person_id="ana", role="client")
    act(played, first)
    for action, quarters in steps:
        act(played, action)
        played.pass_time(quarters)
    played.pass_time(96 * 11)
    assert differences(played) == []
