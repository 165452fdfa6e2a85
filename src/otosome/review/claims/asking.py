"""Every claim with its figure as it is computed now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from otosome.catalog import Catalog
from otosome.evidence import Source
from otosome.review.claims.claim import SHELF, Claim
from otosome.review.claims.figures import bases
from otosome.review.claims.laboratory import EARS, Laboratory
from otosome.review.claims.papers import papers
from otosome.review.priors.posterior import PRIORS, Prior
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

    returns  rows: claim, about, by, stands_on, test, study, papers (None where no experiment bears on it), figure (None
             without), by_prior (the figure under the other priors), missing, built_in, verdict, why, command
    raises   BadInput for an unknown claim or a file that is not one
    """
    catalog = Catalog(shelves)
    chosen = list(names) if names else catalog.names(SHELF)
    read = [Claim.of(catalog.get(SHELF, name), catalog) for name in chosen]
    laboratories = {prior: Laboratory(ears, seed, catalog, prior=prior) for prior in (None, *PRIORS)}
    rows = []
    for number, claim in enumerate(read):
        if tick is not None:
            tick(number, len(read))
        rows.append(_row(claim, laboratories))
    return rows


def _row(claim: Claim, laboratories: Mapping[Prior | None, Laboratory]) -> Json:
    laboratory = laboratories[PRIORS[0] if claim.by_prior else None]
    figure = claim.figure(laboratory)
    others = [prior for prior in PRIORS[1:] if claim.by_prior]
    by_prior = {prior: claim.figure(laboratories[prior]) for prior in others}
    verdict, why = claim.verdict(figure, bases(claim, laboratory))
    read = papers(claim.review, laboratory.catalog)
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
        "papers": None if read is None else asdict(read),
        "figure": None if figure is None else asdict(figure),
        "by_prior": {prior: asdict(each) for prior, each in by_prior.items() if each is not None},
        "missing": claim.missing,
        "built_in": claim.built_in,
        "verdict": verdict,
        "why": why,
        "command": f"otosome claims {claim.name} --ears {laboratory.ears} --seed {laboratory.seed}",
    }


def _cited(source: Source) -> Json:
    return {"key": source.key, "title": source.title, "link": source.link, "standing": source.standing}
