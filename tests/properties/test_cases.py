"""Cases under any order of changes, and their texts against a calendar that only counts minutes.

The calendar here shares no code with the product: it walks minute by minute and looks at what the
clocks of a place show."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from schemas.case import CaseAnswer, CaseText
from schemas.person import PersonRequest
from schemas.topics import CASE_ANSWERS, CASE_EVENTS, CASE_PEOPLE, CASE_REPLIES, PERSON_CANCELS
from streams.processing import StateStore
from tests.core.cases.world import (
    ANAS,
    HOUR,
    LUISES,
    MINUTE,
    NOW,
    CaseHarness,
    build_case,
    change,
    settings,
)
from tests.properties.messages import messages_on

ZONES = (
    "America/New_York",
    "America/Phoenix",
    "America/St_Johns",
    "Europe/London",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Pacific/Chatham",
)
CHANGES_OF_CLOCKS = (
    "2011-12-29",  # Samoa's next day was the 31st
    "2011-12-31",
    "2026-03-08",
    "2026-03-29",
    "2026-04-05",
    "2026-10-04",
    "2026-10-25",
    "2026-11-01",
    "2026-07-01",
)
PEOPLE = ("p1", "p2", "p3")


# --- any order


def changes() -> st.SearchStrategy[list[Any]]:
    at = st.integers(0, 3).map(lambda hours: NOW + hours * HOUR)
    person = st.sampled_from(PEOPLE)
    event = st.sampled_from(("e1", "e2"))
    start = st.sampled_from(("2026-11-02T09:00", "2026-11-03", "2026-11-02T14:00Z"))
    offset = st.sampled_from(("1 day before", "2 hours before"))
    said: list[st.SearchStrategy[dict[str, Any]]] = [
        st.fixed_dictionaries({"kind": st.just("case_opened"), "title": st.sampled_from("AB")}),
        st.fixed_dictionaries(
            {
                "kind": st.just("party_added"),
                "person_id": person,
                "role": st.sampled_from(("client", "team")),
                "number": st.sampled_from((None, ANAS)),
            }
        ),
        st.fixed_dictionaries(
            {
                "kind": st.just("party_changed"),
                "person_id": person,
                "role": st.sampled_from((None, "client")),
                "number": st.sampled_from((None, "", LUISES)),
            }
        ),
        st.fixed_dictionaries({"kind": st.just("party_removed"), "person_id": person}),
        st.fixed_dictionaries(
            {
                "kind": st.just("event_saved"),
                "event_id": event,
                "title": st.sampled_from("HT"),
                "starts_at": start,
                "sequence": st.integers(0, 2),
                "reminders": st.lists(offset, max_size=2),
            }
        ),
        st.fixed_dictionaries(
            {
                "kind": st.just("event_canceled"),
                "event_id": event,
                "sequence": st.integers(0, 2),
            }
        ),
        st.fixed_dictionaries(
            {
                "kind": st.just("task_scheduled"),
                "task_id": st.just("t1"),
                "body": st.sampled_from(("x", "y")),
                "audience": st.fixed_dictionaries({"roles": st.just(["client"])}),
                "when": st.fixed_dictionaries({"offset": offset, "event_id": event}),
            }
        ),
        st.fixed_dictionaries(
            {
                "kind": st.just("task_changed"),
                "task_id": st.just("t1"),
                "template": st.sampled_from((None, "soon")),
                "audience": st.sampled_from((None, {"person_ids": ["p1"]})),
            }
        ),
        st.fixed_dictionaries({"kind": st.just("task_canceled"), "task_id": st.just("t1")}),
        st.fixed_dictionaries(
            {
                "kind": st.just("case_settings"),
                "reminders": st.dictionaries(person, st.booleans(), max_size=2),
                "notify_email": st.sampled_from((None, "", "a@b.example")),
                "recipes": st.sampled_from(({}, {"day": {"off": True}})),
            }
        ),
        st.fixed_dictionaries(
            {
                "kind": st.just("date_set"),
                "name": st.just("closing"),
                "date": st.sampled_from((None, "2026-12-18", "2026-12-19")),
            }
        ),
        st.fixed_dictionaries(
            {"kind": st.sampled_from(("launched", "case_closed", "case_reopened"))}
        ),
    ]
    return st.lists(st.tuples(st.one_of(said), at), min_size=1, max_size=12).map(_number)


def _number(said: list[tuple[dict[str, Any], datetime]]) -> list[Any]:
    return [
        change(
            one["kind"],
            at=at,
            change_id=f"c{number:03}",
            **{name: value for name, value in one.items() if name != "kind"},
        )
        for number, (one, at) in enumerate(said)
    ]


@examples(max_examples=80, deadline=None)
@given(st.data())
def test_any_order_with_repeats_gives_one_case(data: st.DataObject) -> None:
    said = data.draw(changes())
    again = data.draw(st.lists(st.sampled_from(said), max_size=4))
    other = data.draw(st.permutations([*said, *again]))
    views = []
    for order in (said, other):
        case = build_case()
        for one in order:
            case.feed(one)
        views.append(case.case.model_dump(exclude={"version"}))
    assert views[0] == views[1]


# --- a calendar that counts minutes


def clock_at(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def minutes_from(start: datetime, count: int) -> Iterator[datetime]:
    for number in range(count):
        yield start + number * MINUTE


@cache
def first_shown(wall: datetime, zone: str) -> datetime:
    """When the clocks of a place show this first; a time that they skip is later by what they
    skip."""
    about = wall.replace(tzinfo=UTC) - timedelta(hours=27)
    before = None
    for moment in minutes_from(about, 54 * 60):
        shown = clock_at(moment, zone)
        if shown == wall:
            return moment
        if before is not None and before < wall < shown:
            skipped = shown - before - MINUTE
            return first_shown(wall + skipped, zone)
        before = shown
    raise AssertionError((wall, zone))


def shows_date(wall: datetime, zone: str) -> bool:
    noon = datetime.combine(wall.date(), time(12))
    about = noon.replace(tzinfo=UTC) - timedelta(hours=27)
    return any(clock_at(about + n * HOUR / 2, zone).date() == wall.date() for n in range(108))


@cache
def brute_due(wall: datetime, zone: str, offset: str) -> datetime:
    count, unit, _ = offset.split()
    if unit.startswith("hour"):
        return first_shown(wall, zone) - int(count) * HOUR
    day = wall - timedelta(days=int(count))
    while not shows_date(day, zone):
        day -= timedelta(days=1)
    return first_shown(day, zone)


def brute_departure(
    due: datetime, latest: datetime, zone: str, opens: str, closes: str
) -> datetime | None:
    def is_open(moment: datetime) -> bool:
        return opens <= f"{clock_at(moment, zone):%H:%M}" < closes

    if is_open(due):
        return due
    waits = next(moment for moment in minutes_from(due, 48 * 60) if is_open(moment))
    if waits < latest:
        return waits
    back = due
    while not is_open(back):
        back -= MINUTE
    return back + MINUTE - timedelta(minutes=15)


@examples(max_examples=40, deadline=None)
@given(
    st.sampled_from(CHANGES_OF_CLOCKS),
    st.integers(-1, 2),
    st.integers(0, 95),
    st.sampled_from(ZONES),
    st.sampled_from(ZONES),
    st.sampled_from(("1 day before", "3 days before", "2 hours before", "72 hours before")),
)
def test_a_reminder_leaves_when_a_calendar_of_minutes_says(
    near: str, days: int, quarters: int, zone: str, home: str, offset: str
) -> None:
    wall = datetime.fromisoformat(near) + timedelta(days=days, minutes=15 * quarters)
    if not shows_date(wall, zone):
        return
    hours = {"before": "08:00", "after": "21:00"}
    start = wall.replace(tzinfo=UTC) - timedelta(days=10)
    case = build_case(now=start, when={"quiet_hours": hours})
    case.open(time_zone=zone, at=start)
    case.add("p1", ANAS, time_zone=home, at=start)
    written = f"{wall:%Y-%m-%dT%H:%M}"
    case.do("event_saved", event_id="e", title="H", starts_at=written, reminders=[offset])
    case.run_until(start + timedelta(days=15))
    at = [one.requested_at for one in case.take(PersonRequest)]

    begins, due = first_shown(wall, zone), brute_due(wall, zone, offset)
    leaves = brute_departure(due, begins - 30 * MINUTE, home, "08:00", "21:00")
    assert at == [leaves]


# --- any interleaving of changes and the clock

OFFSETS = ("2 days before", "1 day before", "3 hours before")
STARTS = ("2026-10-04T09:00", "2026-10-05T09:00", "2026-10-05T15:00")
NAMES = {offset: f"r{number}" for number, offset in enumerate(OFFSETS)}


class Text(NamedTuple):
    event_id: str
    starts_at: str
    recipe: str
    person_id: str


class Model:
    """What should be sent, worked out naively: everything is looked at after each change and at
    each due time."""

    def __init__(self) -> None:
        self.roles: dict[str, str] = {}
        self.present: set[str] = set()
        self.off: set[str] = set()
        self.switched: dict[str, datetime] = {}
        self.events: dict[str, str] = {}
        self.recipes_off: set[str] = set()
        self.closed = False
        self.closing: datetime | None = None
        self.done: set[Text] = set()
        self.sent: list[tuple[datetime, Text]] = []

    def wanted(self) -> Iterator[tuple[Text, datetime, datetime]]:
        for event_id, starts_at in self.events.items():
            wall = datetime.fromisoformat(starts_at)
            begins = first_shown(wall, "America/New_York")
            for offset in OFFSETS:
                due = brute_due(wall, "America/New_York", offset)
                for person_id in self.present:
                    yield Text(event_id, starts_at, NAMES[offset], person_id), due, begins

    def look(self, now: datetime) -> None:
        for text, due, begins in self.wanted():
            person_id = text.person_id
            goes = not self.closed and text.recipe not in self.recipes_off
            goes &= person_id not in self.off and self.roles[person_id] == "client"
            if not goes or due > now or text in self.done:
                continue
            if now >= begins - 30 * MINUTE:
                continue
            self.done.add(text)
            resumed = [self.closing] if self.closing else []
            resumed += [self.switched[person_id]] if person_id in self.switched else []
            if not any(due < at for at in resumed):
                self.sent.append((now, text))

    def run_until(self, now: datetime, until: datetime) -> None:
        for due in sorted({due for _, due, _ in self.wanted() if now < due <= until}):
            self.look(due)
        self.look(until)


def steps() -> st.SearchStrategy[list[tuple[Any, ...]]]:
    person = st.sampled_from(PEOPLE[:2])
    event = st.sampled_from(("e1", "e2"))
    return st.lists(
        st.one_of(
            st.tuples(st.just("wait"), st.integers(1, 40)),
            st.tuples(st.just("wait"), st.integers(1, 40)),
            st.tuples(st.just("save"), event, st.sampled_from(STARTS)),
            st.tuples(st.just("save"), event, st.sampled_from(STARTS)),
            st.tuples(st.just("cancel"), event),
            st.tuples(st.just("add"), person),
            st.tuples(st.just("remove"), person),
            st.tuples(st.just("role"), person, st.sampled_from(("client", "witness"))),
            st.tuples(st.just("switch"), person, st.booleans()),
            st.tuples(st.just("close"), st.booleans()),
            st.tuples(st.just("recipe"), st.sampled_from(tuple(NAMES.values())), st.booleans()),
            st.tuples(st.just("crash")),
        ),
        max_size=14,
    )


def build_world(body: str = "{{ event.date }}") -> tuple[CaseHarness, Model]:
    recipes = {
        name: {"event_type": "hearing", "offset": offset, "template": name}
        for offset, name in NAMES.items()
    }
    words = {name: {"texts": {"en": f"{name} {body}"}} for name in NAMES.values()}
    case = CaseHarness(
        settings=settings(when={"quiet_hours": "none"}, recipes=recipes, templates=words)
    )
    case.open()
    model = Model()
    for number, person_id in enumerate(PEOPLE[:2]):
        case.add(person_id, f"+1212555014{number}")
        model.present.add(person_id)
        model.roles[person_id] = "client"
    return case, model


def apply(case: CaseHarness, model: Model, step: tuple[Any, ...]) -> None:
    match step:
        case ("wait", int(hours)):
            until = case.now + hours * HOUR
            model.run_until(case.now, until)
            deliver(case, until)
            return
        case ("save", event_id, starts_at):
            case.hearing(starts_at, event_id=event_id)
            model.events[event_id] = starts_at
        case ("cancel", event_id):
            case.do("event_canceled", event_id=event_id)
            model.events.pop(event_id, None)
        case ("add", person_id):
            case.add(person_id, f"+1212555014{PEOPLE.index(person_id)}")
            model.present.add(person_id)
            model.roles[person_id] = "client"
        case ("remove", person_id):
            case.do("party_removed", person_id=person_id)
            model.present.discard(person_id)
        case ("role", person_id, role):
            case.do("party_changed", person_id=person_id, role=role)
            model.roles[person_id] = role
        case ("switch", person_id, is_on):
            case.do("case_settings", reminders={person_id: is_on})
            if is_on and person_id in model.off:
                model.switched[person_id] = case.now
            (model.off.discard if is_on else model.off.add)(person_id)
        case ("close", closed):
            case.do("case_closed" if closed else "case_reopened")
            model.closing = case.now if model.closed and not closed else model.closing
            model.closed = closed
        case ("recipe", name, is_off):
            case.do("case_settings", recipes={name: {"off": is_off}})
            (model.recipes_off.add if is_off else model.recipes_off.discard)(name)
        case _:
            case.state = StateStore(case.state.entity_key, dict(case.state.raw))
    model.look(case.now)
    deliver(case, case.now)


def deliver(case: CaseHarness, until: datetime) -> None:
    """Each request leaves at once."""
    while due := [at for at in case.timers.values() if at <= until]:
        case.run_until(min(due))
        answer_all(case)
    case.now = until
    answer_all(case)


def answer_all(case: CaseHarness) -> None:
    requests = [one.value for one in case.published if isinstance(one.value, PersonRequest)]
    for request in requests[getattr(case, "answered", 0) :]:
        case.report(request, "sent")
    case.answered = len(requests)  # type: ignore[attr-defined]


def name_sent(case: CaseHarness) -> list[tuple[datetime, Text]]:
    logs = {
        one.value.message_id: one.value for one in case.published if isinstance(one.value, CaseText)
    }
    found = []
    for published in case.published:
        if isinstance(request := published.value, PersonRequest):
            log = logs[request.message_id]
            text = Text(
                log.event_id or "", log.event_starts_at or "", log.recipe or "", log.person_id
            )
            found.append((request.requested_at, text))
    return found


@examples(max_examples=80, deadline=None)
@given(steps())
def test_any_interleaving_sends_what_a_naive_calendar_sends(said: list[tuple[Any, ...]]) -> None:
    case, model = build_world()
    for step in said:
        apply(case, model, step)
        case.now += MINUTE  # two changes of one field never share a time
    apply(case, model, ("wait", 200))
    assert sorted(name_sent(case)) == sorted(model.sent)
    sent = [text for _, text in name_sent(case)]
    assert len(sent) == len(set(sent))


# --- whatever people, the gate and the provider do


class Carrier:
    """Takes requests, gives them back while they wait, and tells of both late, twice and in any
    order between texts."""

    def __init__(self, case: CaseHarness) -> None:
        self.case = case
        self.read = 0
        self.waiting: dict[str, PersonRequest] = {}
        self.taken_back: set[str] = set()
        self.left: list[str] = []
        self.untold: list[Any] = []
        self.versions: dict[str, int] = {}

    def take_all(self) -> None:
        for topic, value in self.case.published[self.read :]:
            if isinstance(value, PersonRequest):
                assert value.message_id not in self.versions, "an id is used once"
                self.versions[value.message_id] = 0
                self.waiting[value.message_id] = value
            elif topic is PERSON_CANCELS:
                self.take_back(value)
        self.read = len(self.case.published)

    def take_back(self, cancel: Any) -> None:
        request = self.waiting.pop(cancel.request_id, None)
        if request is not None:
            self.tell(request, "canceled", final=True)
            self.tell(request, "canceled", confirms_cancel=True)

    def let_leave(self, number: int) -> None:
        """One of those that wait."""
        if self.waiting:
            request = self.waiting.pop(sorted(self.waiting)[number % len(self.waiting)])
            self.left.append(request.message_id)
            self.tell(request, "sent")
            self.tell(request, "delivered", final=True)

    def tell(self, request: PersonRequest, state: str, **fields: Any) -> None:
        self.versions[request.message_id] += 1
        said = {"version": self.versions[request.message_id], "at": self.case.now, **fields}
        self.untold.append(
            CaseAnswer.model_validate(
                {
                    "tenant": "acme",
                    "case_id": "c1",
                    "request_id": request.message_id,
                    "message_id": request.message_id,
                    "state": state,
                    "final": False,
                    **said,
                }
            )
        )

    def report(self, number: int, *, again: bool) -> None:
        if self.untold:
            answer = self.untold[number % len(self.untold)]
            if not again:
                self.untold.remove(answer)
            self.case.feed(answer)
            self.take_all()


def fates() -> st.SearchStrategy[list[tuple[Any, ...]]]:
    which = st.integers(0, 5)
    person = st.sampled_from(PEOPLE[:2])
    return st.lists(
        st.one_of(
            st.tuples(st.just("wait"), st.integers(1, 30)),
            st.tuples(st.just("leave"), which),
            st.tuples(st.just("report"), which, st.booleans()),
            st.tuples(st.just("report"), which, st.just(False)),
            st.tuples(st.just("save"), st.just("e1"), st.sampled_from(STARTS)),
            st.tuples(st.just("title"), st.sampled_from("HTX")),
            st.tuples(st.just("switch"), person, st.booleans()),
            st.tuples(st.just("close"), st.booleans()),
            st.tuples(st.just("number"), person, st.sampled_from((ANAS, LUISES))),
        ),
        min_size=4,
        max_size=30,
    )


def follow(case: CaseHarness, carrier: Carrier, step: tuple[Any, ...]) -> None:
    match step:
        case ("wait", int(hours)):
            case.run_until(case.now + hours * HOUR)
        case ("leave", int(number)):
            carrier.let_leave(number)
        case ("report", int(number), bool(again)):
            carrier.report(number, again=again)
        case ("save", event_id, starts_at):
            case.hearing(starts_at, event_id=event_id)
        case ("title", title):
            case.hearing(STARTS[1], event_id="e1", title=title)
        case ("switch", person_id, is_on):
            case.do("case_settings", reminders={person_id: is_on})
        case ("close", closed):
            case.do("case_closed" if closed else "case_reopened")
        case ("number", person_id, number):
            case.do("party_changed", person_id=person_id, number=number)
    case.now += MINUTE
    carrier.take_all()


@examples(max_examples=120, deadline=None)
@given(fates(), st.booleans())
def test_a_text_leaves_at_most_once_whatever_becomes_of_it(
    said: list[tuple[Any, ...]], names_them: bool
) -> None:
    words = "{{ person.first }} {{ event.title }} {{ event.relative_day }}"
    case, _ = build_world(words if names_them else words.partition(" }} ")[2])
    for person_id in PEOPLE[:2]:
        case.person(person_id, ANAS, LUISES)
    carrier = Carrier(case)
    case.hearing(STARTS[1], event_id="e1")
    case.run_until(NOW + 3 * 24 * HOUR)  # two reminders of three are due
    carrier.take_all()
    for step in said:
        follow(case, carrier, step)
    while carrier.untold:
        carrier.report(0, again=False)
    carrier.take_all()

    names = [message_id.partition(".")[0] for message_id in carrier.left]
    assert len(names) == len(set(names))
    last = {}
    for published in case.published:
        if isinstance(log := published.value, CaseText):
            last[log.text_id] = log
    waits = {one.partition(".")[0] for one in carrier.waiting}
    assert {name for name, log in last.items() if log.state == "requested"} == waits
    assert {name for name, log in last.items() if log.state == "canceling"} == set()
    assert {name for name, log in last.items() if log.state == "arrived"} == set(names)


# --- whatever valid messages say


def anything() -> st.SearchStrategy[Any]:
    """Of three people, two tasks, two events: so that messages meet."""
    few = {
        "tenant": st.just("acme"),
        "case_id": st.just("c1"),
        "person_id": st.sampled_from(PEOPLE),
        "task_id": st.sampled_from(("t1", "t2")),
        "event_id": st.sampled_from(("e1", "e2")),
        "at": st.integers(-100, 100).map(lambda hours: NOW + hours * HOUR),
    }

    def place(message: Any) -> st.SearchStrategy[Any]:
        known = {name: one for name, one in few.items() if name in type(message).model_fields}
        return st.fixed_dictionaries(known).map(lambda said: message.model_copy(update=said))

    topics = (CASE_EVENTS, CASE_EVENTS, CASE_EVENTS, CASE_PEOPLE, CASE_ANSWERS, CASE_REPLIES)
    return st.one_of([messages_on(topic) for topic in topics]).flatmap(place)


@examples(max_examples=60, deadline=None)
@given(st.lists(anything(), max_size=8))
def test_whatever_valid_messages_say_the_next_one_is_taken(said: list[Any]) -> None:
    case, _ = build_world()
    case.do("launched", at=NOW - HOUR)
    for number, message in enumerate(said):
        is_change = "change_id" in type(message).model_fields
        update = {"change_id": f"z{number}"} if is_change else {}
        case.feed(message.model_copy(update=update))
        deliver(case, case.now + HOUR)
    case.run_until(NOW + 200 * HOUR)
    case.do("case_reopened")
    case.do(
        "task_scheduled",
        task_id="last",
        body="Hi",
        audience={"person_ids": ["p9"]},
        at=NOW + 201 * HOUR,
    )
    case.do("party_added", person_id="p9", role="x", at=NOW + 200 * HOUR)
    case.run_until(NOW + 202 * HOUR)
    case.person("p9", ANAS)
    case.run_until(NOW + 240 * HOUR)
    assert "Hi" in {one.body for one in case.take(PersonRequest)}
