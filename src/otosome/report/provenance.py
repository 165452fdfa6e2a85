"""Where every number comes from, as rows and sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from otosome.answers.numbers import number, unit_text
from otosome.answers.sources import Grounds, SourceRow
from otosome.evidence import READ

# How far a number can be trusted, best first: the order of every bar, legend and table.
BASES = ("measured", "secondary", "computed", "unverified", "direction", "assumed")
MEANINGS = {
    "measured": "read in the paper or data file",
    "secondary": "read in another paper that cites it",
    "computed": "calculated here from measured numbers",
    "unverified": "reported, but we could not check it",
    "direction": "only the sign is published; the size is a wide guess",
    "assumed": "no source; a reasoned guess with a wide spread",
}


@dataclass(frozen=True)
class PrintedSource:
    """A number or curve with its value, range and web address as a page prints them."""

    row: SourceRow
    value: str
    range: str
    href: str | None


def printed(rows: Sequence[SourceRow]) -> list[PrintedSource]:
    """Every number with value, range, basis and a link where there is one, by name."""
    return [_printed(row) for row in sorted(rows, key=lambda row: row.parameter)]


def _printed(row: SourceRow) -> PrintedSource:
    value = row.given if row.value is None else f"{number(row.value)} {unit_text(row.unit)}"
    known = row.low is not None and row.high is not None
    span = f"{number(row.low)} to {number(row.high)}" if known else ""
    return PrintedSource(row, value.strip(), span, address(row.link))


def standing(row: Grounds) -> str:
    """How a row's source stands where it is not simply current: since when, why, and what takes its place."""
    changed = row.standing not in (None, "", "current")
    since = f"{row.standing} since {row.date}: {row.reason}" if changed else ""
    later = f"superseded by {row.superseded_by}" if row.superseded_by else ""
    return "; ".join(filter(None, (since, later)))


def read_once(rows: Sequence[Grounds]) -> str:
    """How many of the numbers that name a source are provisional, and what that means, in one sentence or two."""
    sourced = [row for row in rows if row.basis in READ]
    once = sum(row.provisional for row in sourced)
    return (
        f"{once} of {len(sourced)} numbers and curves that name a source are provisional: read in it once, and not yet "
        "compared with a second, independent transcription. What is assumed has nothing to compare."
    )


def address(link: str | None) -> str | None:
    """The web address of a source, or nothing where the link is not one."""
    text = (link or "").strip()
    doi = re.fullmatch(r"(?:doi:\s*|https?://(?:dx\.)?doi\.org/)?(10\.\d{4,9}/\S+)", text, re.IGNORECASE)
    if doi:
        return f"https://doi.org/{doi[1]}"
    return text if re.match(r"https?://[^\s]+$", text, re.IGNORECASE) else None
