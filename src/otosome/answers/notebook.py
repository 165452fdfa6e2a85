"""How a study, ears and answers show themselves: a few lines in a console, a small table in a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

_MOST = 12


def text(title: str, rows: Mapping[str, str]) -> str:
    """A title, and a line for each row."""
    width = max(map(len, rows), default=0)
    return "\n".join([title, *(f"  {name:<{width}}  {value}" for name, value in rows.items())])


def table(title: str, rows: Mapping[str, str]) -> str:
    """The same as HTML; what stands in a file is text there, never markup."""
    cells = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th><td style="text-align:left">{escape(value)}</td></tr>'
        for name, value in rows.items()
    )
    return f"<table><caption>{escape(title)}</caption>{cells}</table>"


def few(names: list[str]) -> str:
    """Names in a row; of many the first, and how many more."""
    more = len(names) - _MOST
    return "; ".join(names[:_MOST]) + (f"; and {more} more" if more > 0 else "")
