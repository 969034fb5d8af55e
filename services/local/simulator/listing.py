"""The list call: newest first, by pages, and with the faults of a list: late, or not to be had."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from services.local.simulator import answers
from services.local.simulator.fate import Call, Fate
from services.local.simulator.faults import Door
from services.local.simulator.http_messages import Request, Response
from services.local.simulator.world import World


class Listing:
    def __init__(self, world: World) -> None:
        self._world = world

    async def answer(self, request: Request, turned_away: int | None) -> Response | None:
        # of a name that is given twice, the first value counts
        query = dict(reversed(parse_qsl(request.query_string, keep_blank_values=True)))
        number = query.get("To", "")
        if turned_away:
            return self._refused(number, turned_away)
        unread, fault = self._world.faults.unread(Door.LIST), self._world.faults.of_list(number)
        if unread is not None:
            self._note("unread", number, fault=unread.name)
            answers.reset(request)
            return None
        fate = fault.fault.over(Fate()) if fault else Fate()
        if fault is not None and fate.call is not Call.SLOW:
            self._note("failed", number, fault=fault.name)
        if fate.call is Call.RATE_LIMIT:
            return answers.limited(fate.retry_after)
        if fate.call is Call.SLOW:
            await self._world.clock.sleep(fate.seconds)
        try:
            page = self._page(query, number)
            if fate.call in {Call.OK, Call.SLOW}:
                self._note("listed", number, entries=len(page["messages"]), page=page["page"])
        except ValueError:
            return self._refused(number, 20001)
        return await answers.whole_or_not(request, fate, 200, page)

    def _page(self, query: Mapping[str, str], number: str) -> dict[str, Any]:
        """Raises ValueError for a date or a size that cannot be read."""
        lag = self._world.clock.real(self._world.faults.lag(number))
        return self._world.store.page(
            self._world.account, query, time.time() - lag if lag else None
        )

    def _refused(self, number: str, code: int) -> Response:
        self._note("refused", number, code=code)
        return answers.refused(code)

    def _note(self, outcome: str, number: str, **more: Any) -> None:
        self._world.journal.note("list", outcome, number=number, **more)
