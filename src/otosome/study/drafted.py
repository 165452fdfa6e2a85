"""What a drafted study still holds as it was drafted: lines that say of themselves that no table told them."""

from __future__ import annotations

import re
from collections.abc import Iterator

# How such a line ends; who sets it takes that away.
_MARKED = re.compile(r"#\s*not in the tables?: set it\s*$")
_TABLE = re.compile(r"^\[+\s*([^\[\]]+?)\s*\]+\s*(#.*)?$")
_KEY = re.compile(r"^([A-Za-z_]\w*)\s*=")


def unset(text: str) -> list[tuple[str, str]]:
    """Table and key of each line of a study's text that is marked as not in the laboratory's tables."""
    return list(_marked(text))


def _marked(text: str) -> Iterator[tuple[str, str]]:
    table = key = ""
    for line in text.splitlines():
        if opened := _TABLE.match(line):
            table, key = opened[1], ""
        elif stated := _KEY.match(line):
            key = stated[1]
        if key and not line.startswith("#") and _MARKED.search(line):
            yield table, key


def note(text: str, file: str) -> tuple[str, ...]:
    """A sentence on what of a drafted study was never set, by table; none where all of it was."""
    keys: dict[str, list[str]] = {}
    for table, key in unset(text):
        keys.setdefault(table, []).append(key)
    if not keys:
        return ()
    tables: dict[str, list[str]] = {}
    for table, own in keys.items():
        tables.setdefault(", ".join(own), []).append(f"[{table}]")
    named = "; ".join(f"{words} of {', '.join(where)}" for words, where in tables.items())
    return (
        f"Left as drafted, as no table told it, and it may move the answer much: {named}. Set it in {file}, and take "
        "the mark from its line.",
    )
