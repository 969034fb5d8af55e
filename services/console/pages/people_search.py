"""Choose a person by name, or by the last digits of a number: a part of forms that are about
somebody."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from services.console.access import Allow, Visit
from services.console.people_view import REACH, find_person, read_search, scope_of
from services.console.rendering import draw
from services.console.viewer import Permission
from services.ledger.person_pages import PersonFilter, PersonRow, read_people

router = APIRouter(include_in_schema=False)
SHOWN: Final = 8
CHOOSE: Final = "Choose the person first: search for a name or the last digits of a number."


@router.get("/t/{tenant}/people/-/find")
def show_choices(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    who: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """The part below a search box; it is asked for while somebody types."""
    return draw(visit, "parts/person_choices.html", **picker(visit, who))


def picker(visit: Visit, who: str = "", person_id: str = "") -> dict[str, Any]:
    """What `parts/person_picker.html` needs. `person_id`: who is chosen already."""
    chosen = find_person(visit, person_id) if person_id else None
    found = _search(visit, who.strip())
    if chosen is not None and all(one.person.person_id != person_id for one in found):
        found = [chosen, *found]
    only = found[0].person.person_id if len(found) == 1 else ""
    return {
        "who": who,
        "choices": found[:SHOWN],
        "more": len(found) > SHOWN,
        "chosen": person_id if chosen is not None else only,
        "reach_words": REACH,
    }


def _search(visit: Visit, who: str) -> list[PersonRow]:
    if not who:
        return []
    wanted = PersonFilter(scope_of(visit), search=read_search(who))
    return [*read_people(visit.console.ledger, wanted, limit=SHOWN + 1).rows]
