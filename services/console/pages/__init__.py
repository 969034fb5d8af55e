"""The pages, one module for each. Its routes read the ledger, call operations, draw a template."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from services.console.pages import (
    case,
    case_events,
    case_tasks,
    cases,
    composing,
    consent_forms,
    endpoints,
    home,
    inbox,
    keys,
    message,
    messages,
    operations,
    people,
    people_import,
    person,
    person_number,
    send_test,
    sender_settings,
    settings,
    sign_in,
    stream,
    threads,
    today,
    undo,
    usage,
)

ROUTERS: Final[tuple[APIRouter, ...]] = (
    case_events.router,
    case_tasks.router,
    cases.router,
    case.router,
    composing.router,
    consent_forms.router,
    endpoints.router,
    home.router,
    inbox.router,
    keys.router,
    message.router,
    messages.router,
    operations.router,
    people.router,
    people_import.router,
    person.router,
    person_number.router,
    send_test.router,
    sender_settings.router,
    settings.router,
    sign_in.router,
    stream.router,
    threads.router,
    today.router,
    undo.router,
    usage.router,
)
