"""An identity provider that runs: npm's `oidc-provider`, which is certified; nothing of ours."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

HERE: Final = Path(__file__).parent
CLIENT_ID, SECRET = "sayso", "a-secret-of-this-test"


@contextmanager
def identity_provider(redirect_uris: Sequence[str]) -> Iterator[str]:
    """Its issuer. Whoever signs in is who they say; `court...` is of the group court-staff."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node is missing: install Node 20 or newer to sign in by OpenID Connect")
    if not (HERE / "node_modules" / "oidc-provider").exists():
        subprocess.run(["npm", "ci", "--silent"], cwd=HERE, check=True, timeout=240)
    process = subprocess.Popen(
        ["node", "provider.mjs", *redirect_uris],
        cwd=HERE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("issuer "):
                yield line.split()[1]
                break
        else:
            raise AssertionError("the identity provider did not start")
    finally:
        process.terminate()
        process.wait(20)
        process.stdout and process.stdout.close()
