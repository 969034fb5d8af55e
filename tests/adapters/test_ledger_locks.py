"""Two connections of one process, and the coming and going of another, take no log from under
anybody."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from services.ledger.ledger import FILE, Ledger
from services.ledger.store import Store

GOES = "import sys, pathlib; from services.ledger import Ledger; Ledger.open(pathlib.Path(sys.argv[1])).close()"


def test_what_one_writes_after_another_has_left_is_still_read(tmp_path: Path) -> None:
    path = tmp_path / FILE
    keeps, also = Store(path), Store(path)
    try:
        subprocess.run([sys.executable, "-c", GOES, str(path)], check=True)
        keeps.claim("ours")
        reader = Ledger.open(path, existing=True)
        assert reader.rows("SELECT value FROM meta WHERE name = 'cluster'")[0]["value"] == "ours"
        reader.close()
        subprocess.run(
            [
                sys.executable,
                "-c",
                "import sys, sqlite3; c = sqlite3.connect(sys.argv[1]);"
                "assert c.execute(\"SELECT value FROM meta WHERE name = 'cluster'\").fetchone() == ('ours',)",
                str(path),
            ],
            check=True,
        )
    finally:
        also.close()
        keeps.close()


def test_the_file_is_its_owners_only(tmp_path: Path) -> None:
    Store(tmp_path / FILE).close()
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
