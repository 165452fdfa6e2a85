"""Every claim with its figure as it is computed now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from otosome.catalog import Catalog
from otosome.evidence import Source
from otosome.review.claims.claim import SHELF, Claim
from otosome.review.claims.laboratory import EARS, Laboratory
from otosome.roles import Figure
from otosome.units import Json

Tick = Callable[[int, int], None]


def claims(
    names: Sequence[str] | None = None,
    ears: int = EARS,
    seed: int = 1,
    shelves: tuple[Path, ...] = (),
    tick: Tick | None = None,
) -> list[Json]:
    """Every claim, or those named, with its figure as it is computed now.

    returns  rows: claim, about, by, stands_on, test, study, figure (None without), missing, built_in, verdict,
             why, command
    raises   BadInput for an unknown claim or a file that is not one
    """
    catalog = Catalog(shelves)
    chosen = list(names) if names else catalog.names(SHELF)
    read = [Claim.of(catalog.get(SHELF, name), catalog) for name in chosen]
    laboratory = Laboratory(ears, seed, catalog)
    rows = []
    for number, claim in enumerate(read):
        if tick is not None:
            tick(number, len(read))
        rows.append(_row(claim, claim.figure(laboratory), ears, seed))
    return rows


def _row(claim: Claim, figure: Figure | None, ears: int, seed: int) -> Json:
    verdict, why = claim.verdict(figure)
    return {
        "claim": claim.name,
        "about": claim.about,
        "by": _cited(claim.by),
        "stands_on": [
            {
                "words": g.words,
                "is": g.kind,
                "says": g.says,
                "sources": [_cited(s) for s in g.sources],
                "rows": list(g.rows),
            }
            for g in claim.stands_on
        ],
        "test": claim.test,
        "study": claim.study,
        "figure": None if figure is None else asdict(figure),
        "missing": claim.missing,
        "built_in": claim.built_in,
        "verdict": verdict,
        "why": why,
        "command": f"otosome claims {claim.name} --ears {ears} --seed {seed}",
    }


def _cited(source: Source) -> Json:
    return {"key": source.key, "title": source.title, "link": source.link, "standing": source.standing}
