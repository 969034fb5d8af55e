"""Users of a tenant: who may sign in, and as what."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from services.console.access import Allow, Visit
from services.console.accounts.administration import UserAdmin
from services.console.accounts.sessions import LINK_LIFE
from services.console.accounts.users import User, UsersError
from services.console.rendering import draw
from services.console.viewer import ANY, Grant, Permission, Role
from services.ledger.cases import find_settings

router = APIRouter(include_in_schema=False)
PATH: Final = "/t/{tenant}/settings/users"
ROLE_WORDS: Final = {
    Role.STAFF: "Staff: read, send and answer",
    Role.APPROVER: "Approver: staff, and approves texts",
    Role.ADMIN: "Admin: everything, users and settings too",
    Role.OPERATOR: "Operator: senders, delays and what could not be read",
    Role.AUDITOR: "Auditor: reads everything, changes nothing",
    Role.ANALYST: "Analyst: counts and costs, no numbers or words",
}


def _admin(visit: Visit) -> UserAdmin:
    return UserAdmin(visit.console.store, visit.viewer.name, visit.viewer)


def _branches(visit: Visit) -> dict[str, str]:
    """Those that roles may be given at. The first: all of them."""
    settings = find_settings(visit.console.ledger, visit.tenant)
    known = settings.branches if settings else {}
    names = {name: one.name or name for name, one in known.items()}
    if visit.branches is None:
        return {ANY: "All branches"} | names
    return {name: words for name, words in names.items() if name in visit.branches}


def _roles_here(visit: Visit, user: User) -> list[Grant]:
    """What this admin may know of: nothing of other tenants or branches."""
    return [
        grant
        for grant in user.grants
        if grant.is_for(visit.tenant)
        and (visit.branches is None or grant.branch == ANY or grant.branch in visit.branches)
    ]


def _find(visit: Visit, name: str) -> User:
    user = _admin(visit).users.find(name)
    if user is None or not _roles_here(visit, user):
        raise HTTPException(404)
    return user


@router.get(PATH)
def show_users(visit: Annotated[Visit, Allow(Permission.MANAGE)]) -> Response:
    return _draw_list(visit)


def _draw_list(visit: Visit, problem: str = "", given: dict[str, str] | None = None) -> Response:
    found = [(user, _roles_here(visit, user)) for user in _admin(visit).list_users(visit.tenant)]
    context: dict[str, Any] = {
        "tab": "users",
        "users": [(user, roles) for user, roles in found if roles],
        "branches": _branches(visit),
        "role_words": ROLE_WORDS,
        "problem": problem,
        "given": given or {},
        "ANY": ANY,
    }
    return draw(visit, "settings_users.html", status=422 if problem else 200, **context)


@router.post(PATH)
def add_user(
    visit: Annotated[Visit, Allow(Permission.MANAGE)],
    name: Annotated[str, Form(max_length=100)] = "",
    display_name: Annotated[str, Form(max_length=100)] = "",
    role: Annotated[str, Form(max_length=20)] = "",
    branch: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Who has an account already, for another tenant, is given the role here as well."""
    admin, name = _admin(visit), name.strip().lower()
    try:
        grant = _read_grant(visit, role, branch)
        known = admin.users.find(name)
        if known is None:
            admin.add(name, display_name.strip(), [grant], visit.now)
        else:
            _give(visit, known, grant)
    except UsersError as error:
        given = {"name": name, "display_name": display_name, "role": role, "branch": branch}
        return _draw_list(visit, str(error), given)
    return _back(visit, name)


def _read_grant(visit: Visit, role: str, branch: str) -> Grant:
    if role not in set(Role):
        raise UsersError("Choose a role")
    if branch not in _branches(visit):
        raise UsersError("Choose a branch of yours")
    return Grant(visit.tenant, branch, Role(role))


def _here(visit: Visit, user: User) -> list[Grant]:
    """The roles by hand that this page may change."""
    admin = _admin(visit)
    return [one for one in user.by_hand if one.tenant == visit.tenant and admin.rules(one)]


def _give(visit: Visit, user: User, grant: Grant) -> None:
    roles = [*_here(visit, user), grant]
    _admin(visit).set_tenant_roles(user.name, visit.tenant, roles, visit.now)


def _back(visit: Visit, name: str) -> Response:
    return RedirectResponse(f"/t/{visit.tenant}/settings/users/{name}", 303)


@router.get(PATH + "/{name}")
def show_user(visit: Annotated[Visit, Allow(Permission.MANAGE)], name: str) -> Response:
    return _draw_user(visit, _find(visit, name))


def _draw_user(visit: Visit, user: User, *, problem: str = "", link: str = "") -> Response:
    context: dict[str, Any] = {
        "tab": "users",
        "user": user,
        "roles": [
            (one, one in _here(visit, user), one in user.by_group)
            for one in _roles_here(visit, user)
        ],
        "rules_all": _admin(visit).rules_all_of(user),
        "branches": _branches(visit),
        "role_words": ROLE_WORDS,
        "problem": problem,
        "link": link,
        "minutes": int(LINK_LIFE.total_seconds() // 60),
        "ANY": ANY,
    }
    return draw(visit, "settings_user.html", status=422 if problem else 200, **context)


@router.post(PATH + "/{name}/roles")
def change_roles(
    visit: Annotated[Visit, Allow(Permission.MANAGE)],
    name: str,
    act: Annotated[str, Form(max_length=10)] = "",
    role: Annotated[str, Form(max_length=20)] = "",
    branch: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """`act`: give or take."""
    user = _find(visit, name)
    try:
        if act == "give":
            _give(visit, user, _read_grant(visit, role, branch))
        elif act == "take":
            roles = [one for one in _here(visit, user) if (one.role, one.branch) != (role, branch)]
            _admin(visit).set_tenant_roles(name, visit.tenant, roles, visit.now)
        else:
            raise HTTPException(422)
    except UsersError as error:
        return _draw_user(visit, user, problem=str(error))
    left = _admin(visit).users.find(name)
    if left is None or not _roles_here(visit, left):
        return RedirectResponse(f"/t/{visit.tenant}/settings/users", 303)
    return _back(visit, name)


@router.post(PATH + "/{name}/acts")
def act_on_user(
    visit: Annotated[Visit, Allow(Permission.MANAGE)],
    name: str,
    act: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """A link is shown once, on the page that makes it, and kept nowhere."""
    user, admin, link = _find(visit, name), _admin(visit), ""
    try:
        if act == "link":
            token = admin.make_link(name, visit.now)
            link = f"{visit.console.url}/sign-in/link?token={token}"
        elif act == "disable":
            admin.disable(name, visit.now)
        elif act == "enable":
            admin.enable(name, visit.now)
        else:
            raise HTTPException(422)
    except UsersError as error:
        return _draw_user(visit, user, problem=str(error))
    return _draw_user(visit, user, link=link) if link else _back(visit, name)
