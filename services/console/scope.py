"""What somebody sees who may see only some branches."""

from __future__ import annotations

from schemas.thread import Thread
from services.console.access import Visit
from services.ledger.cases import find_case_title, find_cases


def sees_branch(visit: Visit, branch: str | None) -> bool:
    """What belongs to no branch is for those who see all."""
    return visit.branches is None or branch in visit.branches


def sees_case(visit: Visit, case_id: str) -> bool:
    found = find_cases(visit.console.ledger, case_id, visit.tenant)
    return bool(found) and sees_branch(visit, found[0].branch)


def name_case(visit: Visit, case_id: str) -> str:
    """Its title, where there is one that they may see; else its id."""
    found = find_case_title(visit.console.ledger, visit.tenant, case_id)
    return found[0] if found and found[0] and sees_branch(visit, found[1]) else case_id


def sees_thread(visit: Visit, thread: Thread | None) -> bool:
    """Of a case of theirs, or of no case: somebody has to find out whose it is."""
    if visit.branches is None or thread is None or not thread.cases:
        return True
    return any(sees_case(visit, case_id) for case_id in thread.cases)
