"""Pictures of every page of a running console, wide and narrow, light and dark.

    python -m tests.browser.screenshots FOLDER --state .sayso/demo

Start a stack with a story in it first: `sayso demo --keep`.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import CHROMIUM
from tests.browser.tour import walk

WIDTHS: Final = {1280: 900, 390: 844}
VISITOR: Final = "camera"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--state", type=Path, default=Path(".sayso/demo"), help="of the running stack"
    )
    parser.add_argument("--tenant", default="harbor")
    parser.add_argument("--width", type=int, action="append", help="default: 1280 and 390")
    parser.add_argument("--scheme", choices=("light", "dark"), action="append")
    parser.add_argument("--whole", action="store_true", help="the whole page, not its first screen")
    parser.add_argument("--only", default="", help="only pages whose name begins so")
    given = parser.parse_args()
    if not Path(CHROMIUM).exists():
        print(f"{CHROMIUM} is not installed: no browser to look with", file=sys.stderr)
        return 2
    given.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            kinds = itertools.product(given.width or WIDTHS, given.scheme or ("light", "dark"))
            for width, scheme in kinds:
                page, url = _sign_in(browser, given.state, given.tenant, width, scheme)
                for name in walk(page, url, given.tenant, given.only):
                    path = given.folder / f"{name}-{width}-{scheme}.png"
                    page.screenshot(path=path, full_page=given.whole)
                page.context.close()
        finally:
            browser.close()
    print(f"{len(list(given.folder.glob('*.png')))} pictures in {given.folder}")
    return 0


def _sign_in(
    browser: Browser, state: Path, tenant: str, width: int, scheme: str
) -> tuple[Page, str]:
    """A page of somebody who may see everything, and the console's address."""
    _sayso(state, "users", "add", VISITOR, "--display-name", "Dana", "--role", f"admin@{tenant}")
    printed = _sayso(state, "users", "link", VISITOR).split()
    address = next((word for word in printed if "/sign-in/link" in word), None)
    if address is None:
        sys.exit(f"No console runs in {state}: start one with `sayso demo --keep`, or name --state")
    context = browser.new_context(
        viewport={"width": width, "height": WIDTHS.get(width, 900)},
        color_scheme="dark" if scheme == "dark" else "light",
        timezone_id="America/New_York",
    )
    page = context.new_page()
    page.goto(address)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
    return page, address.split("/sign-in")[0]


def _sayso(state: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "services.cli", *arguments, "--state", str(state)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


if __name__ == "__main__":
    sys.exit(main())
