"""What is claimed of this therapy: a page of cards, and the report's last section, as the table was last written."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from otosome import __version__
from otosome.report.provenance import address
from otosome.review.claims import (
    KINDS,
    figure_text,
    grounds,
    ordered,
    stored,
)
from otosome.review.priors.posterior import PRIORS
from otosome.units import Json

_HERE = Path(__file__).parent


def cards(rows: Sequence[Json], seed: int, ears: int) -> str:
    """A page that works offline, a card a claim: what papers did, what the model says by prior, what would settle it.

    ``rows``  of ``otosome.review.claims.claims``
    """
    from otosome.report import _policy, _templates

    style = "".join((_HERE / name).read_text(encoding="utf-8") for name in ("page.css", "claims.css"))
    best_first = ordered(list(rows))
    return (
        _templates()
        .get_template("claims.html.jinja")
        .render(
            style=style,
            policy=_policy(style, ""),
            version=__version__,
            seed=seed,
            ears=ears,
            kinds=KINDS,
            counts=Counter(row["verdict"] for row in best_first),
            rows=[_card(row) for row in best_first],
        )
    )


def _card(row: Json) -> Json:
    figure = row["figure"]
    grounds_of = [
        {**ground, "sources": [{**s, "href": address(s["link"])} for s in ground["sources"]]}
        for ground in row["stands_on"]
    ]
    return {
        **row,
        "stands_on": grounds_of,
        "shown": None if figure is None else figure_text(figure),
        "by_prior": {} if figure is None else by_prior(row),
        "parts": {} if figure is None else {part["words"]: figure_text(part) for part in figure["parts"]},
    }


def by_prior(row: Json) -> dict[str, str]:
    """A claim's figure under every prior by name, first the one that is shown; none where it is not asked of all."""
    others = {name: figure_text(figure) for name, figure in row["by_prior"].items()}
    return {PRIORS[0]: figure_text(row["figure"]), **others} if others else {}


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
