"""What somebody sees who may see only some branches."""

from __future__ import annotations

from collections.abc import Collection

from schemas.thread import Thread
from services.console.access import Visit
from services.ledger.cases import find_case_title, list_branches
from services.ledger.scope import Scope


def scope_of(visit: Visit) -> Scope:
    """Of lists."""
    return Scope({visit.tenant: visit.branches})


def sees_branch(visit: Visit, branch: str | None) -> bool:
    """What belongs to no branch is for those who see all."""
    return visit.branches is None or branch in visit.branches


def choose_cases(visit: Visit, case_ids: Collection[str]) -> list[str]:
    """Those that are on record, and that the viewer may see."""
    branches = list_branches(visit.console.ledger, visit.tenant, case_ids)
    return [one for one in case_ids if one in branches and sees_branch(visit, branches[one])]


def name_case(visit: Visit, case_id: str) -> str:
    """Its title, where there is one that they may see; else its id."""
    found = find_case_title(visit.console.ledger, visit.tenant, case_id)
    return found[0] if found and found[0] and sees_branch(visit, found[1]) else case_id


def sees_thread(visit: Visit, thread: Thread | None) -> bool:
    """Of a case of theirs, or of no case: somebody has to find out whose it is."""
    if visit.branches is None or thread is None or not thread.cases:
        return True
    return bool(choose_cases(visit, thread.cases))
