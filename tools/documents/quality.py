"""docs/quality.md shows what its commands print."""

from __future__ import annotations

import re
from pathlib import Path

from otosome.catalog import Catalog
from otosome.lots.production import making
from otosome.lots.text import process_words

SHOWN = re.compile(r"(quality --process (\w+)\n<!-- .*? -->\n```\n)(.*?)(```)", re.DOTALL)


def filled(text: str) -> str:
    """The document with what its commands print now."""
    return SHOWN.sub(lambda m: m[1] + process_words(making(m[2], Catalog())) + "\n" + m[4], text)


def write(root: Path) -> None:
    """Write docs/quality.md anew."""
    file = root / "docs" / "quality.md"
    file.write_text(filled(file.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
