"""`python -m tests.security.secrets [FILE...]`, of `make check` and the hooks before a commit: no file
in the repository holds a secret. Offline.

It knows the forms of the secrets that somebody who works on Sayso has at hand. What only looks like
one is made up of one or two characters, or stands in `MADE_UP` with its reason.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
FORMS: Final = {
    "a Twilio account, key or secret": r"\b(?:AC|SK)[0-9a-f]{32}\b",
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}",
    "a key of a cloud": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[0-9A-Za-z_-]{35}\b",
    "a token of a code host": r"\b(?:gh[pousr]_[0-9A-Za-z]{36,}|github_pat_\w{50,}|glpat-[\w-]{20,})",
    "a token of a chat": r"\bxox[abeprs]-[0-9A-Za-z-]{20,}",
    "a token of a package registry": r"\bpypi-AgE[\w-]{50,}|\bnpm_[0-9A-Za-z]{36}\b",
    "a secret of event webhooks": r"\bwhsec_[A-Za-z0-9+/=]{24,}",
    "a JSON web token": r"\beyJ[\w-]{16,}\.eyJ[\w-]{16,}\.[\w-]{16,}",
    "a password in an address": r"\b[a-z][a-z0-9+]{2,12}://[^\s/:@\"'`{}$]{1,60}:(?![^@\s]*[{}$])[^\s/@\"'`]{6,}@[\w-]+\.",
    "a value of a setting that is secret": r"\b(?:TWILIO_AUTH_TOKEN|SAYSO_KAFKA_PASSWORD|SAYSO_OIDC_CLIENT_SECRET)"
    r"[\"']?\s*[=:]\s*[\"']?(?![$\"'{(]|\.\.\.)[0-9A-Za-z+/_-]{16,}",
}
_FORMS: Final = {name: re.compile(form) for name, form in FORMS.items()}
MADE_UP: Final = re.compile(
    r"example|simulated-token|user:password@|0123456789abcdef|:secret@|p%40ss|00000000|11111111"
)
"""In what was found: words of ours for what is no secret."""
SKIPPED: Final = frozenset({".png", ".bin", ".lock", ".woff2", ".mo", ".gz"})
LONGEST: Final = 4 << 20


class Found(NamedTuple):
    path: str
    line: int
    what: str
    """Never the secret itself: this goes to logs."""


def find_secrets(path: str, text: str) -> Iterator[Found]:
    for what, form in _FORMS.items():
        if "password in an address" in what and "://" not in text:
            continue
        for match in form.finditer(text):
            written = match.group()
            if not MADE_UP.search(written) and len(set(written.lower()[2:])) > 6:
                yield Found(path, text.count("\n", 0, match.start()) + 1, what)


def committed() -> Iterator[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    yield from (ROOT / name for name in listed.stdout.split("\0") if name)


def scan(paths: Iterable[Path]) -> Iterator[Found]:
    for path in paths:
        if path.suffix in SKIPPED or not path.is_file() or path.stat().st_size > LONGEST:
            continue
        name = str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)
        yield from find_secrets(name, path.read_bytes().decode("utf-8", "replace"))


def main() -> int:
    given = [Path(name).absolute() for name in sys.argv[1:]]
    found = list(scan(given or committed()))
    for path, line, what in found:
        print(
            f"{path}:{line}: {what}: take it out, and change it where it is valid", file=sys.stderr
        )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
