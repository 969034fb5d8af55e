"""Read a whole case from a YAML file, or changes of cases as JSON, one a line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from schemas.base import Day
from schemas.case import Case, CaseCalendarEvent, Party
from schemas.case_event import (
    CaseOpened,
    CaseSettings,
    DateSet,
    Launched,
    UnknownCaseEvent,
)
from schemas.send_request import Kind
from schemas.topics import CASE_EVENTS
from services.ledger import Ledger
from services.ledger.cases import find_cases, find_settings
from services.operations.case_parts import (
    EventDraft,
    TaskDraft,
    WrittenWhen,
    build_event,
    build_task,
)
from services.operations.case_yaml import Placed, Values, read_case_yaml, read_text
from services.operations.cases import (
    Change,
    KnownCase,
    build_change,
    build_party_added,
    parse_zone,
)
from services.operations.errors import InvalidRequest
from services.operations.validation import require_one_of

LINES_AT_MOST: Final = 100_000
_DAY: Final = TypeAdapter(Day)
_SWITCH: Final = {
    **dict.fromkeys(("yes", "true", "on"), True),
    **dict.fromkeys(("no", "false", "off"), False),
}


def read_case_file(
    path: Path, ledger: Ledger, tenant: str | None, by: str, now: datetime
) -> Change:
    """YAML is a whole case; `.jsonl` are changes.  Raises InvalidRequest, with the line."""
    if path.suffix in (".jsonl", ".json", ".ndjson"):
        return Change(tuple(_read_lines(path, tenant)))
    return _CaseReading(path, ledger, tenant, by, now).read()


def _read_lines(path: Path, tenant: str | None) -> Iterator[Any]:
    """All or nothing: half a case would be another case."""
    lines = read_text(path).splitlines()
    if len(lines) > LINES_AT_MOST:
        raise InvalidRequest(f"{path} has more than {LINES_AT_MOST:,} lines", "import it in parts")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        place = f"{path}, line {number}"
        try:
            event = CASE_EVENTS.decode(line.encode())
        except ValidationError as error:
            first = error.errors(include_input=False, include_context=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise InvalidRequest(f"{place}: {where}: {first['msg']}") from None
        if isinstance(event, UnknownCaseEvent):
            raise InvalidRequest(f"{place}: there is no change named {event.type[:40]!r}")
        if tenant is not None and event.tenant != tenant:
            raise InvalidRequest(
                f"{place}: it is of {event.tenant!r}, and --tenant says {tenant!r}"
            )
        yield event


class _CaseReading:
    """A case as a file describes it, and what is on record of it already."""

    def __init__(
        self, path: Path, ledger: Ledger, tenant: str | None, by: str, now: datetime
    ) -> None:
        self._path = path
        self._ledger = ledger
        self._by = by
        self._now = now
        self._warnings: list[str] = []
        self._said = read_case_yaml(path)
        self._tenant = self._read_tenant(tenant)
        self._about = self._describe()

    def read(self) -> Change:
        events = [*self._opening(), *self._parties(), *self._dates()]
        events += [*self._events(), *self._tasks(), *self._settings()]
        if self._switch(1, "launch", self._said.get("launch")):
            events.append(self._build(Launched))
        return Change(tuple(events), tuple(self._warnings))

    # --- the file

    def _refuse(self, line: int, why: str) -> InvalidRequest:
        return InvalidRequest(f"{self._path}, line {line}: {why}")

    def _read_tenant(self, tenant: str | None) -> str:
        named = self._said.get("tenant") or tenant
        if named is None or "case" not in self._said:
            missing = "`case:`" if named else "`tenant:` (or --tenant)"
            raise InvalidRequest(f"{self._path}: {missing} is missing")
        if tenant is not None and named != tenant:
            raise InvalidRequest(f"{self._path}: it is of {named!r}, and --tenant says {tenant!r}")
        return str(named)

    def _entries(self, name: str) -> list[Placed]:
        found: list[Placed] = self._said.get(name, [])
        return found

    def _describe(self) -> KnownCase:
        """The case as it will be: what the file names may be named in it."""
        settings = find_settings(self._ledger, self._tenant)
        case_id = self._said["case"]
        known = next(iter(find_cases(self._ledger, case_id, self._tenant)), None)
        zone = parse_zone("zone", self._said.get("zone"))
        usual = settings.time_zone if settings else "UTC"
        zone = zone or (known.time_zone if known else usual)
        parties = [
            Party(person_id=said.get("person", ""), role=said.get("role", "client"))
            for _, said in self._entries("parties")
            if said.get("person")
        ]
        events = [
            CaseCalendarEvent(
                event_id=said["event"], title="", starts_at="", time_zone=zone, at=self._now
            )
            for _, said in self._entries("events")
            if said.get("event")
        ]
        launches = self._switch(1, "launch", self._said.get("launch"))
        case = Case(
            tenant=self._tenant,
            case_id=case_id,
            time_zone=zone,
            launched_at=self._now if launches else (known.launched_at if known else None),
            closed=known.closed if known else False,
            parties=(*(known.parties if known else ()), *parties),
            events=(*(known.events if known else ()), *events),
            version=0,
            at=self._now,
        )
        return KnownCase(self._ledger, self._tenant, case_id, case, settings, zone)

    # --- what it says

    def _build(self, kind: type[Any], **fields: Any) -> Any:
        return build_change(kind, self._about, self._by, self._now, **fields)

    def _take(self, place: str, change: Change) -> Any:
        self._warnings.extend(f"{place}: {warning}" for warning in change.warnings)
        return change.events[0]

    def _opening(self) -> Iterator[Any]:
        said = self._said
        if "title" not in said and not find_cases(self._ledger, self._about.case_id, self._tenant):
            raise InvalidRequest(f"{self._path}: a new case has a `title:`")
        if "title" in said:
            yield self._build(
                CaseOpened,
                title=said["title"],
                reference=said.get("reference"),
                case_type=said.get("type"),
                branch=said.get("branch"),
                time_zone=said.get("zone"),
            )

    def _parties(self) -> Iterator[Any]:
        for line, said in self._entries("parties"):
            with self._at(line):
                person, role = _need(said, "person"), said.get("role", "client")
                change = build_party_added(
                    self._about, person, role, said.get("number"), self._by, self._now
                )
                yield self._take(f"party {person!r}", change)

    def _events(self) -> Iterator[Any]:
        for line, said in self._entries("events"):
            with self._at(line):
                draft = EventDraft(
                    _need(said, "title"),
                    _need(said, "at"),
                    said.get("type"),
                    said.get("zone"),
                    said.get("place"),
                    _as_list(said.get("remind")),
                )
                name = _need(said, "event")
                change = build_event(self._about, name, draft, self._by, self._now)
                yield self._take(f"event {name!r}", change)

    def _tasks(self) -> Iterator[Any]:
        for line, said in self._entries("tasks"):
            with self._at(line):
                kind = said.get("kind", Kind.TRANSACTIONAL.value)
                require_one_of("kind", kind, Kind)
                when = WrittenWhen(*(said.get(name) for name in _WHEN))
                words = (said.get("template"), said.get("body"))
                to = (_as_list(said.get("to")), _as_list(said.get("people")))
                name = _need(said, "task")
                change = build_task(
                    self._about, name, TaskDraft(*words, *to, when, kind), self._by, self._now
                )
                yield self._take(f"task {name!r}", change)

    def _dates(self) -> Iterator[Any]:
        dates = self._said.get("dates", {})
        for name, written in dates.items():
            try:
                day = _DAY.validate_python(written)
            except ValidationError:
                raise InvalidRequest(
                    f"{self._path}: date {name!r}: {written!r} is not a day: write 2026-12-18"
                ) from None
            yield self._build(DateSet, name=name, date=day)

    def _settings(self) -> Iterator[Any]:
        switches = {
            said["person"]: self._switch(line, "reminders", said["reminders"])
            for line, said in self._entries("parties")
            if "reminders" in said and "person" in said
        }
        if switches or "mail" in self._said:
            yield self._build(CaseSettings, reminders=switches, notify_email=self._said.get("mail"))

    def _switch(self, line: int, name: str, written: str | None) -> bool:
        if written is None:
            return False
        if written.casefold() not in _SWITCH:
            raise self._refuse(line, f"{name} {written!r}: say yes or no")
        return _SWITCH[written.casefold()]

    @contextmanager
    def _at(self, line: int) -> Iterator[None]:
        try:
            yield
        except InvalidRequest as error:
            raise self._refuse(line, str(error)) from None


_WHEN: Final = ("at", "event", "date", "clock", "zone")


def _need(said: Values, name: str) -> str:
    if not said.get(name):
        raise InvalidRequest(f"`{name}:` is missing")
    return str(said[name])


def _as_list(written: Any) -> list[str]:
    """One word, or several."""
    return [] if written is None else [written] if isinstance(written, str) else list(written)
