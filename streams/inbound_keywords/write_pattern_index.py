"""`python -m streams.inbound_keywords.write_pattern_index`: write `pattern_index.json` anew, once
patterns were changed."""

from __future__ import annotations

from pathlib import Path

from streams.inbound_keywords.pattern_index import FILE, write
from streams.inbound_keywords.patterns import parse_all


def main() -> None:
    text = write(parse_all())
    Path(__file__).with_name(FILE).write_text(text, encoding="utf-8")
    print(f"wrote {len(text):,} characters: {FILE}")


if __name__ == "__main__":
    main()
