"""`python -m streams.error_codes`: write the page anew."""

from __future__ import annotations

from pathlib import Path

from streams.error_codes.page import page

PAGE = Path(__file__).with_name("README.md")

if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
