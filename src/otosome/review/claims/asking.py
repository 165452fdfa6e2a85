"""Every claim with its figure as it is computed now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path

from otosome.catalog import Catalog
from otosome.evidence import Source
from otosome.model.team import team
from otosome.review.claims.claim import SHELF, Claim
from otosome.review.claims.figures import bases
from otosome.review.claims.laboratory import EARS, Laboratory
from otosome.review.claims.papers import Papers, papers
from otosome.review.priors.posterior import PRIORS, Prior
from otosome.roles import Figure
from otosome.study import Study
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
    questions = [(claim.name, prior) for claim in read for prior in (PRIORS if claim.by_prior else (None,))]
    by_claim: dict[str, dict[Prior | None, Figure | None]] = {claim.name: {} for claim in read}
    with team(2) as helpers:
        reviews = helpers.begin(partial(papers, catalog), [claim.review for claim in read])
        figures = helpers.spread(_Desk(ears, seed, catalog), questions)
        for done, ((name, prior), figure) in enumerate(zip(questions, figures, strict=True), start=1):
            by_claim[name][prior] = figure
            if tick is not None:
                tick(done, len(questions))
        published = [task.result() for task in reviews]
    laboratory = Laboratory(ears, seed, catalog)
    return [
        _row(claim, by_claim[claim.name], of, laboratory) for claim, of in zip(read, published, strict=True)
    ]


@dataclass(frozen=True)
class _Desk:
    """Where a figure is asked for, by claim and prior: laboratories, one for each prior, that share their studies."""

    ears: int
    seed: int
    catalog: Catalog

    def __call__(self, question: tuple[str, Prior | None]) -> Figure | None:
        name, prior = question
        return Claim.of(self.catalog.get(SHELF, name), self.catalog).figure(self._laboratories[prior])

    def __reduce__(self) -> tuple[object, ...]:
        """For another process, with laboratories of its own."""
        return _Desk, (self.ears, self.seed, self.catalog)

    @cached_property
    def _laboratories(self) -> dict[Prior | None, Laboratory]:
        studies: dict[str, Study] = {}
        return {
            prior: Laboratory(self.ears, self.seed, self.catalog, prior=prior, studies=studies)
            for prior in (None, *PRIORS)
        }


def _row(
    claim: Claim,
    figures: Mapping[Prior | None, Figure | None],
    published: Papers | None,
    laboratory: Laboratory,
) -> Json:
    figure = figures[PRIORS[0] if claim.by_prior else None]
    by_prior = {prior: figures[prior] for prior in PRIORS[1:] if claim.by_prior}
    verdict, why = claim.verdict(figure, bases(claim, laboratory))
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
        "papers": None if published is None else asdict(published),
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
