"""The language of a page: the first that the browser wants and that there is, or English."""

from __future__ import annotations

from contextvars import ContextVar
from io import BytesIO
from pathlib import Path
from typing import Final

from babel import negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

HERE: Final = Path(__file__).parent / "locale"
ENGLISH: Final = "en"
_LONGEST: Final = 500
"""Characters of the header that are read."""


class Languages:
    """Reads the translations once, at the start."""

    def __init__(self, folder: Path | None = None) -> None:
        self._translations: dict[str, NullTranslations] = {ENGLISH: NullTranslations()}
        for path in sorted((folder or HERE).glob("*/LC_MESSAGES/console.po")):
            self._translations[path.parent.parent.name] = _read(path)
        self._current: ContextVar[str] = ContextVar("language", default=ENGLISH)

    def choose(self, accepted: str) -> None:
        """For the pages that this request draws. `accepted`: its header Accept-Language."""
        wanted = _by_quality(accepted[:_LONGEST])
        found = negotiate_locale(wanted, list(self._translations), sep="-")
        self._current.set(found or ENGLISH)

    def current(self) -> str:
        return self._current.get()

    def gettext(self, sentence: str) -> str:
        return self._translations[self.current()].gettext(sentence)

    def ngettext(self, one: str, many: str, number: int) -> str:
        return self._translations[self.current()].ngettext(one, many, number)


def _read(path: Path) -> Translations:
    compiled = BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file))
    compiled.seek(0)
    return Translations(compiled)


def _by_quality(accepted: str) -> list[str]:
    """`de;q=0.5, es` is es, then de."""
    found = []
    for part in accepted.split(","):
        name, _, rest = part.strip().partition(";")
        quality = rest.strip().removeprefix("q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            weight = 0.0
        if name and weight > 0:
            found.append((-weight, name))
    return [name for _, name in sorted(found, key=lambda one: one[0])]
