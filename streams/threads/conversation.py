"""All that is known of one conversation, and what follows from it at any moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from schemas.thread import InboundUse
from streams.processing import StateEntry, StateStore
from streams.threads.state import (
    CASES,
    OUT,
    PEOPLE,
    TEXTS,
    THREAD,
    HolderEntry,
    Mark,
    OutEntry,
    PartyEntry,
    Standing,
    TextEntry,
    ThreadEntry,
    later_mark,
)

E = TypeVar("E", bound=StateEntry)

RANK = (Standing.LEFT, Standing.CLOSED, Standing.OPEN)
"""Several parties of a case may have the number: the case stands as the best of them."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Texts and entries by their names in the state, without the prefix."""

    thread: ThreadEntry
    parties: dict[tuple[str, str], PartyEntry]
    """By case and person."""
    holders: dict[str, HolderEntry]
    texts: dict[str, TextEntry]
    """By the name of the entry; those that have come, the oldest first."""
    expected: dict[str, TextEntry]
    """Those that staff have spoken of and that have not come."""
    outs: dict[str, OutEntry]

    def find_standing(self, at: datetime) -> dict[str, Standing]:
        """Of every case that was known to have a party of this number then."""
        found: dict[str, Standing] = {}
        for (case, _), party in self.parties.items():
            change = party.find(at)
            if change is not None:
                found[case] = max(found.get(case, Standing.LEFT), change.standing, key=RANK.index)
        return found

    def find_last_texts(self, at: datetime) -> dict[str, datetime]:
        """When each case last texted the number by then.

        Staff who move a text to a case speak for it: what follows belongs there too."""
        found: dict[str, datetime] = {}
        for out in self.outs.values():
            if out.case_id and out.left_at and out.spoke_at and out.spoke_at <= at:
                found[out.case_id] = max(found.get(out.case_id, out.left_at), out.left_at)
        for text in (*self.texts.values(), *self.expected.values()):
            if text.moved and text.moved.case_id and text.moved.at <= at:
                case, moved_at = text.moved.case_id, text.moved.at
                found[case] = max(found.get(case, moved_at), moved_at)
        return found

    def find_people(self, at: datetime) -> tuple[str, ...]:
        """Who had this number then, by their record or as a party."""
        holders = {person for person, entry in self.holders.items() if entry.has(at)}
        parties = {
            person
            for (_, person), party in self.parties.items()
            if (change := party.find(at)) and change.standing is not Standing.LEFT
        }
        return tuple(sorted(holders | parties))

    def find_last_out(self) -> OutEntry | None:
        """Our text that left last."""
        outs = [
            (out.left_at, name) for name, out in self.outs.items() if out.stands and out.left_at
        ]
        return self.outs[max(outs)[1]] if outs else None

    def find_read(self) -> Mark | None:
        """Up to where staff have said that inbound texts are dealt with."""
        read = [mark_text(name, text) for name, text in self.texts.items() if text.is_read_up_to]
        return later_mark(self.thread.read_up_to, *read)

    def find_mark(self) -> Mark | None:
        """Up to where they are answered by a text, or dealt with."""
        marks = [Mark(at=out.written_at) for out in self.outs.values() if out.by and out.stands]
        return later_mark(self.find_read(), *marks)


def wants_person(text: TextEntry) -> bool:
    return text.use == InboundUse.WAITS and text.confirms is None


def mark_text(name: str, text: TextEntry) -> Mark:
    """Its place in the order of inbound texts."""
    assert text.received_at is not None
    return Mark(at=text.received_at, inbound=name)


def load_conversation(state: StateStore) -> Conversation:
    texts = dict(_load(state, TEXTS, TextEntry))
    come = {name: text for name, text in texts.items() if text.received_at is not None}
    parties = {}
    for name, party in _load(state, CASES, PartyEntry):
        case, _, person = name.removeprefix(CASES).partition("/")
        parties[case, person] = party
    return Conversation(
        thread=state.get(THREAD, ThreadEntry) or ThreadEntry(),
        parties=parties,
        holders={
            name.removeprefix(PEOPLE): entry for name, entry in _load(state, PEOPLE, HolderEntry)
        },
        texts=dict(sorted(come.items(), key=lambda item: mark_text(*item).order)),
        expected={name: text for name, text in texts.items() if name not in come},
        outs={name.removeprefix(OUT): out for name, out in _load(state, OUT, OutEntry)},
    )


def _load(state: StateStore, prefix: str, model: type[E]) -> Iterator[tuple[str, E]]:
    for name in state.names(prefix):
        entry = state.get(name, model)
        if entry is not None:
            yield name, entry
