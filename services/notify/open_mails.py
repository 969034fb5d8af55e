"""Which mails of a partition are under way, and up to where all are done. Pure.

Mails of one partition are sent side by side, so that one full mailbox holds up nobody else's mail.
The position that is committed is that of the first mail that is not done."""

from __future__ import annotations


class OpenMails:
    def __init__(self) -> None:
        self._done: dict[int, bool] = {}
        """By offset, in their order, from the first that is not done."""
        self._position: int | None = None
        self._committed: int | None = None

    def __len__(self) -> int:
        """Mails between the position and the last one taken."""
        return len(self._done)

    def take(self, offset: int) -> None:
        self._done[offset] = False
        if self._position is None:
            self._position = self._committed = offset

    def finish(self, offset: int) -> None:
        self._done[offset] = True
        for first, is_done in list(self._done.items()):
            if not is_done:
                self._position = first
                return
            del self._done[first]
            self._position = first + 1

    def find_progress(self) -> int | None:
        """The position, if it has moved since it was last committed."""
        return None if self._position == self._committed else self._position

    def record_commit(self, position: int) -> None:
        self._committed = position
