"""A study's benefit under every prior by name, and where published results and the model are at odds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, partial
from pathlib import Path

import numpy as np

from otosome.answers.contrast import gain
from otosome.answers.numbers import Interval, difference, number, share, written
from otosome.answers.prior import with_efficacy
from otosome.catalog import Catalog
from otosome.ears import Columns, Ears
from otosome.errors import BadInput
from otosome.forward import Cochleae, draw, plan, through
from otosome.review.experiments.experiment import experiments, files
from otosome.review.priors.posterior import (
    ENOUGH,
    MEANINGS,
    PRIORS,
    SHARES,
    Conflict,
    Posterior,
    Prior,
    Reconciling,
    Result,
    conflicts,
    posterior,
    quantiles,
    reconciling,
    resampled,
    results,
)
from otosome.review.priors.stored import Worlds, behind, shipped
from otosome.review.priors.worlds import MECHANISMS, fingerprint, numbers, uncentred
from otosome.study import Compare, Study
from otosome.units import Array

# Ears, each in a world of its own, behind a row.
EARS = 60


@dataclass(frozen=True)
class PriorRow:
    """The benefit under a prior: how many worlds its weights are worth, and to what power they were taken."""

    name: str
    meaning: str
    benefit: Interval
    effective: float
    tempered: float


@dataclass(frozen=True)
class ByPrior:
    """A study's benefit under every prior, and the published results beside the model.

    ``rows``        the chosen prior first, which is the headline;  ``ears``  behind each of the others
    ``worlds``      weighed
    ``conflicts``   each published result in the model;  ``reconciling``  numbers that would let it explain them
    ``favours``     by prior, how much likelier all results are with than without any effect
    ``controls``    medians of the experiments' controls before and as printed, dB
    ``line``        the conflict in a sentence;  ``notes``  what a reader must know
    ``rests_on``    files of the experiments that were weighed and of their sources, each with its SHA-256
    """

    chosen: str
    rows: list[PriorRow]
    ears: int
    worlds: int
    conflicts: list[Conflict]
    reconciling: list[Reconciling]
    favours: dict[str, float]
    controls: dict[str, tuple[float, float]]
    line: str
    notes: list[str]
    rests_on: dict[str, str]


@dataclass(frozen=True)
class Published:
    """The published experiments of a shelf in worlds, and what they say under each prior."""

    worlds: Worlds
    printed: tuple[Result, ...]
    _under: dict[Prior, Posterior] = field(default_factory=dict, init=False, compare=False, repr=False)

    @classmethod
    def of(cls, catalog: Catalog) -> Published:
        """What the shelf's experiments say, as it is now: one that is withdrawn says nothing."""
        return _published(catalog.own)

    @cached_property
    def stale(self) -> bool:
        """Whether the shelves have other numbers now than the worlds were computed with."""
        return self.worlds.evidence != fingerprint(Catalog())

    def under(self, name: Prior) -> Posterior:
        """Worlds weighed under a prior; raises BadInput where too few explain what was printed."""
        if name not in self._under:
            self._under[name] = posterior(name, self.worlds, self.printed)
        return self._under[name]


@lru_cache(maxsize=4)
def _published(own: tuple[Path, ...]) -> Published:
    catalog = Catalog(own)
    worlds = shipped()
    printed = tuple(results(worlds, experiments(catalog)))
    return Published(worlds, printed)


def applies(study: Study) -> bool:
    """Whether published experiments say anything of a study: it compares arms, by mechanisms they were done on."""
    question = study.tables.compare
    shared = set(study.mechanisms) & set(MECHANISMS)
    return bool(shared) and question is not None and not study.alike(question.of, question.against)


def check_prior(name: str) -> Prior:
    """A prior by name; raises BadInput for another."""
    for known in PRIORS:
        if name == known:
            return known
    raise BadInput("is no prior", key="--prior", given=name, allowed=list(PRIORS))


def default(study: Study) -> Prior | None:
    """The prior of a study that names none: published experiments as printed, where they say anything of it."""
    return PRIORS[0] if applies(study) else None


def drawn(study: Study, name: Prior, count: int, seed: int, world: int) -> tuple[Ears, Study]:
    """Ears of a study under a prior, and the study as that prior has it.

    ``count``  ears, of which ``world`` neighbours share a world
    raises     BadInput where the papers say nothing of this study
    """
    if not set(study.mechanisms) & set(MECHANISMS):
        raise BadInput(
            "says nothing of a study without these mechanisms",
            key="--prior",
            given=name,
            allowed=list(MECHANISMS),
        )
    wide = uncentred(study)
    chosen = Published.of(study.catalog).under(name).draw(-(-count // world), seed)
    ears = draw(wide, count, seed, world, prior=numbers(wide, chosen))
    if name == "none":
        ears = ears.assign(**_idle(wide, ears))
    note = (
        f"Vesicles under the prior '{name}': {MEANINGS[name]}; half-effect concentrations as wide as known."
    )
    return ears, replace(wide, notes=(*wide.notes, note))


def _idle(study: Study, ears: Columns) -> dict[str, Array]:
    """The columns of ears in which vesicles do nothing."""
    effects = {name: ears[name] for name in ears if name.startswith("mechanisms.")}
    return with_efficacy(study, effects, 0.0)


def by_prior(study: Study, chosen: Prior | None, ears: int, seed: int) -> ByPrior:
    """The compared benefit under every prior, the chosen one first.

    ``ears``  behind each row, each in a world of its own
    """
    question = study.tables.compare
    assert question is not None
    published = Published.of(study.catalog)
    unit = difference(
        study.catalog.get("endpoints", study.tables.measure[question.measure].endpoint).options.unit
    )
    posteriors = {name: published.under(name) for name in PRIORS}
    benefits = _benefits(study, question, posteriors, ears, seed, unit)
    rows = [
        PriorRow(name, MEANINGS[name], benefits[name], posteriors[name].effective, posteriors[name].tempered)
        for name in sorted(PRIORS, key=lambda name: name != (chosen or PRIORS[0]))
    ]
    columns = numbers(uncentred(study), range(published.worlds.size))
    beside = conflicts(published.worlds, published.printed)
    towards = reconciling(published.printed, columns)
    return ByPrior(
        chosen or "shelf",
        rows,
        ears,
        published.worlds.size,
        beside,
        towards,
        {name: posteriors[check_prior(name)].favours for name in SHARES},
        posteriors["as_printed"].controls,
        _line(beside, towards),
        _notes(study, published, posteriors, ears),
        files(study.catalog, behind(study.catalog)),
    )


def _benefits(
    study: Study, question: Compare, posteriors: dict[Prior, Posterior], count: int, seed: int, unit: str
) -> dict[Prior, Interval]:
    """The benefit under every prior from the same ears, each in a world of its own.

    Worlds are drawn from the three that let vesicles act and weighed by each, so that no two rows differ by luck;
    without effect the same ears share what was carried to their cells.
    """
    mixture = np.asarray(
        np.mean([each.weights for name, each in posteriors.items() if name != "none"], axis=0)
    )
    worlds = resampled(mixture, posteriors["as_printed"].order, count, seed)
    wide = uncentred(study)
    some, of = draw(wide, count, seed, 1, prior=numbers(wide, worlds)), gain(wide, question)

    done = through(plan(wide, [question.of, question.against]), some, partial(_acting_and_idle, wide, of))
    rows: dict[Prior, Interval] = {}
    for name, each in posteriors.items():
        values = done["idle" if name == "none" else "acting"]
        weights = each.weights[worlds] / mixture[worlds]
        low, median, high = (float(end) for end in quantiles(values, weights, [0.05, 0.5, 0.95]))
        rows[name] = written(median, low, high, unit, gain=True)
    return rows


def _acting_and_idle(
    study: Study, of: Callable[[Cochleae], dict[str, Array]], ears: Cochleae
) -> dict[str, Array]:
    idle = ears.acting(_idle(study, ears.columns))
    return {"acting": of(ears)["benefit"], "idle": of(idle)["benefit"]}


def _line(rows: Sequence[Conflict], towards: Sequence[Reconciling]) -> str:
    """Which published results the mechanism cannot explain, and what would reconcile them, in a sentence."""
    if not rows:
        return "No published experiment on vesicles can be computed in this model."
    chances = "; ".join(
        f"{row.experiment} {share(row.chance['mechanism']).text} ({share(row.chance['as_printed']).text} as printed)"
        for row in rows
    )
    hard = [row.experiment for row in rows if row.unexplained]
    verdict = (
        f"The model alone cannot explain {' or '.join(hard)}" if hard else "The model alone excludes none"
    )
    how = "; ".join(
        f"{row.number} at {number(row.value, 2)} ({number(row.times, 2)} times)" for row in towards
    )
    return f"Probability of each published result before any is used: {chances}. {verdict}. More likely with: {how}."


def _notes(study: Study, published: Published, posteriors: dict[Prior, Posterior], ears: int) -> list[str]:
    notes = [
        f"The first row is the answer above. The others rest on {ears} ears, the same for all, each in a world of its "
        "own, weighted by its probability under each prior."
    ]
    weak = [name for name in SHARES if posteriors[check_prior(name)].tempered < 1]
    if weak:
        notes.append(f"Weights of {' and '.join(weak)} are tempered, until {ENOUGH:.0f} worlds count.")
    unknown = sorted(set(study.mechanisms) - set(MECHANISMS))
    if unknown:
        notes.append(f"No published experiment was computed with {', '.join(unknown)}: no prior moves it.")
    if published.stale:
        notes.append(
            "The worlds were computed with other numbers than the shelves have now (python -m tools.worlds)."
        )
    notes.append(
        "A dose that worked, a concentration of half effect and a permeability cannot be separated by these papers."
    )
    return notes
