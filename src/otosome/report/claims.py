"""The report's last page: what is claimed of this therapy, as the table was last written."""

from otosome.report.provenance import address
from otosome.review.claims import (
    figure_text,
    grounds,
    ordered,
    stored,
)
from otosome.units import Json


def claims(study: str) -> Json:
    """The kept table of claims as rows a page can print.

    ``study``  name of the result's study: a claim whose figure is computed with it says so
    returns    version, seed, ears and whether the evidence has changed since (``stale``), and the rows
    """
    table = stored()
    return {**table, "rows": printed(table["rows"], study)}


def printed(rows: list[Json], study: str = "") -> list[Json]:
    """Rows of claims, as ``otosome claims`` answers them, as a page can print them."""
    return [_row(row, study) for row in ordered(rows)]


def _row(row: Json, study: str) -> Json:
    figure = row["figure"]
    return {
        "about": row["about"],
        "by": row["by"]["title"],
        "href": address(row["by"]["link"]),
        "stands_on": grounds(row),
        "grounds": [ground["words"] for ground in row["stands_on"]],
        "figure": None if figure is None else figure_text(figure),
        "words": row["missing"] if figure is None else figure["words"],
        "built_in": row["built_in"],
        "verdict": row["verdict"],
        "command": row["command"],
        "here": row["study"] == study,
    }
