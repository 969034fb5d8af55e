"""Import people and consents: upload, look at every bad line before anything is done, confirm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, File, Form, UploadFile
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from schemas.consent import ConsentAction
from schemas.person import PersonEvent
from services.console.access import Allow, Visit
from services.console.forms import find_result, once
from services.console.rendering import draw
from services.console.uploads import Upload, drop_upload, find_upload, keep_upload
from services.console.viewer import Permission
from services.ledger.cases import list_people
from services.operations.consent_import import (
    OPTIONAL,
    REQUIRED,
    ConsentImport,
    import_consents,
    read_consents,
)
from services.operations.errors import InvalidRequest, OperationError
from services.operations.people import (
    COLUMNS,
    PeopleFile,
    build_person_events,
    import_people,
    read_people,
)

router = APIRouter(include_in_schema=False)
PATH: Final = "/t/{tenant}/people/-/import"
SHOWN: Final = 200
"""Bad lines on the page; the download has all."""
SAMPLE: Final = 5
KINDS: Final = {"people": "People and their numbers", "consents": "Consents with their proof"}


class Bad(NamedTuple):
    line: int
    column: str
    """Empty: the line as a whole."""
    why: str
    fix: str


class Preview(NamedTuple):
    """What a file would do."""

    lines: int
    good: int
    facts: tuple[tuple[str, int], ...]
    """What is counted of the good lines."""
    bad: tuple[Bad, ...]
    unknown: tuple[str, ...] = ()
    """Columns that mean nothing here."""
    sample: tuple[tuple[str, ...], ...] = ()


def _require_all_branches(visit: Visit) -> None:
    """Who is in no case yet belongs to no branch."""
    if visit.branches is not None:
        raise HTTPException(403)


@router.get(PATH)
def show_upload(visit: Annotated[Visit, Allow(Permission.WRITE)], kind: str = "people") -> Response:
    _require_all_branches(visit)
    if kind not in KINDS:
        raise HTTPException(404)
    return _draw_upload(visit, kind)


def _draw_upload(visit: Visit, kind: str, problem: str = "", status: int = 200) -> Response:
    columns = {
        "people": [name for name in COLUMNS if name != "tenant"],
        "consents": [*REQUIRED, *OPTIONAL],
    }
    return draw(
        visit,
        "people_import.html",
        status=status,
        kind=kind,
        kinds=KINDS,
        columns=columns[kind],
        required={"people": ("person_id",), "consents": REQUIRED}[kind],
        problem=problem,
    )


@router.post(PATH)
async def take_file(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    file: Annotated[UploadFile | None, File()] = None,
    kind: Annotated[str, Form(max_length=10)] = "people",
) -> Response:
    """Nothing is published: the file is kept until it is confirmed."""
    _require_all_branches(visit)
    if kind not in KINDS:
        raise HTTPException(422)
    data = await file.read() if file is not None else b""
    if file is None or not data:
        return _draw_upload(visit, kind, "Choose a CSV file that is not empty.", 422)
    key = keep_upload(visit, kind, file.filename or "", data)
    upload = find_upload(visit, key)
    assert upload is not None
    try:
        await run_in_threadpool(_READERS[kind], visit, upload)
    except OperationError as error:
        drop_upload(visit, key)
        return _draw_upload(visit, kind, str(error), 422)
    return RedirectResponse(f"/t/{visit.tenant}/people/-/import/{key}", 303)


@router.get(PATH + "/{key}")
def show_preview(
    visit: Annotated[Visit, Allow(Permission.WRITE)], key: str, done: str = ""
) -> Response:
    _require_all_branches(visit)
    if done and (result := find_result(visit, done)):
        return draw(visit, "people_imported.html", result=result, kinds=KINDS)
    upload = find_upload(visit, key)
    if upload is None:
        return _draw_upload(
            visit, "people", "This file is not kept any more: choose it again.", 404
        )
    return _draw_preview(visit, upload)


def _draw_preview(visit: Visit, upload: Upload, problem: str = "", status: int = 200) -> Response:
    preview = _READERS[upload.kind](visit, upload)
    return draw(
        visit,
        "people_preview.html",
        status=status,
        upload=upload,
        preview=preview,
        shown=preview.bad[:SHOWN],
        title=KINDS[upload.kind],
        problem=problem,
    )


@router.post(PATH + "/{key}")
async def confirm(
    visit: Annotated[Visit, Allow(Permission.WRITE)],
    key: str,
    form_key: Annotated[str, Form(max_length=60)],
    replace: Annotated[bool, Form()] = False,
) -> Response:
    """Publish the good lines. What Kafka does not confirm can be sent again: it is harmless."""
    _require_all_branches(visit)
    upload = find_upload(visit, key)

    async def work() -> dict[str, Any]:
        if upload is None:
            raise InvalidRequest("This file is not kept any more", "choose it again")
        publish = _publish_people if upload.kind == "people" else _publish_consents
        result = await publish(visit, upload, replace)
        drop_upload(visit, key)
        return {"kind": upload.kind, "file": upload.file.name, **result}

    try:
        await once(visit, form_key, work)
    except OperationError as error:
        if upload is None:
            return _draw_upload(visit, "people", str(error), 404)
        return await run_in_threadpool(_draw_preview, visit, upload, str(error), 503)
    return RedirectResponse(f"/t/{visit.tenant}/people/-/import/{key}?done={form_key}", 303)


# People.


def _read_people(visit: Visit, upload: Upload) -> PeopleFile:
    found = read_people(upload.file, visit.tenant)
    if not found.people and not found.bad:
        raise InvalidRequest(f"{upload.file}: there is nobody in it to import")
    return found


def _preview_people(visit: Visit, upload: Upload) -> Preview:
    found = _read_people(visit, upload)
    ids = {entry.person_id for entry in found.people}
    known = len(list_people(visit.console.ledger, visit.tenant, ids))
    facts = (
        ("New people", len(ids) - known),
        ("People who are on record already", known),
        ("Numbers", sum(len(entry.numbers) for entry in found.people)),
    )
    sample = tuple(
        (entry.person_id, entry.fields.get("name", ""), ", ".join(entry.numbers))
        for entry in found.people[:SAMPLE]
    )
    bad = tuple(Bad(one.line, one.column, one.why, one.fix) for one in found.bad)
    return Preview(found.lines, found.lines - len(bad), facts, bad, found.unknown, sample)


async def _publish_people(visit: Visit, upload: Upload, replace: bool) -> dict[str, Any]:
    def build() -> tuple[PeopleFile, list[PersonEvent]]:
        found = _read_people(visit, upload)
        return found, build_person_events(found, replace, visit.now, visit.viewer.name)

    found, events = await run_in_threadpool(build)
    await import_people(visit.console.kafka, events, lambda done, of=None: None)
    numbers = sum(len(entry.numbers) for entry in found.people)
    return {
        "facts": [["People", len(events)], ["Numbers", numbers]],
        "bad": len(found.bad),
        "good": found.lines - len(found.bad),
    }


# Consents.


def _about(visit: Visit) -> ConsentImport:
    return ConsentImport(visit.tenant, visit.viewer.name, visit.now)


def _preview_consents(visit: Visit, upload: Upload) -> Preview:
    good, yes, unclear, lines = 0, 0, 0, 0
    bad = []
    sample: list[tuple[str, ...]] = []
    for line in read_consents(upload.file, _about(visit)):
        lines += 1
        if line.event is None:
            bad.append(Bad(line.line, line.column, line.why, line.fix))
            continue
        good += 1
        unclear += bool(line.why)
        is_yes = line.event.action == ConsentAction.OPT_IN
        yes += is_yes
        if len(sample) < SAMPLE:
            said = "Opted in" if is_yes else "Opted out"
            proof = line.event.evidence.document or ""
            sample.append((line.event.number, said, proof))
    facts = (
        ("Opted in", yes),
        ("Opted out", good - yes - unclear),
        *(((_UNCLEAR, unclear),) if unclear else ()),
    )
    return Preview(lines, good, facts, tuple(bad), (), tuple(sample))


_UNCLEAR: Final = "Opted out, and no number that could be texted: to be looked at in dead letters"


async def _publish_consents(visit: Visit, upload: Upload, _replace: bool) -> dict[str, Any]:
    imported = await import_consents(
        visit.console.kafka, upload.file, _about(visit), lambda done, of=None: None
    )
    unclear = len(imported.unclear)
    return {
        "facts": [["Consents", imported.good], *([[_UNCLEAR, unclear]] if unclear else [])],
        "bad": len(imported.bad),
        "good": imported.good + unclear,
    }


_READERS: Final[dict[str, Callable[[Visit, Upload], Preview]]] = {
    "people": _preview_people,
    "consents": _preview_consents,
}
