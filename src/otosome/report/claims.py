"""The report's last page: what is claimed of this therapy, as the table was last written."""

from typing import Any

from otosome.report.provenance import address
from otosome.review.claims import (
    grounds,
    ordered,
    said,
    stored,
)


def claims(study: str) -> dict[str, Any]:
    """The kept table of claims as rows a page can print.

    ``study``  name of the result's study: a claim whose figure is computed with it says so
    returns    version, seed, ears and whether the evidence has changed since (``stale``), and the rows
    """
    kept = stored()
    return {**kept, "rows": [_row(row, study) for row in ordered(kept["rows"])]}


def _row(row: dict[str, Any], study: str) -> dict[str, Any]:
    figure = row["figure"]
    return {
        "about": row["about"],
        "by": row["by"]["title"],
        "href": address(row["by"]["link"]),
        "stands_on": grounds(row),
        "grounds": [ground["words"] for ground in row["stands_on"]],
        "figure": None if figure is None else said(figure),
        "words": row["missing"] if figure is None else figure["words"],
        "built_in": row["built_in"],
        "verdict": row["verdict"],
        "command": row["command"],
        "here": row["study"] == study,
    }
