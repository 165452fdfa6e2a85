"""The headline: the benefit of the compared arms, what it rests on, and what would change it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from otosome.answers.contrast import Contrast, contrast
from otosome.answers.late import Late, benefits_late, late
from otosome.answers.numbers import Interval, Share, interval, share
from otosome.answers.prior import benefits_by_prior
from otosome.answers.sensitivity import Mover, movement
from otosome.answers.sources import sources
from otosome.evidence import BASES
from otosome.forward import Cochleae
from otosome.study import Compare, Study
from otosome.units import Array

if TYPE_CHECKING:
    import xarray as xr

# The benefits that may stand beside the compared one, of the same ears.
BESIDE = ("halved", "doubled", "closed", "most")


@dataclass(frozen=True)
class Headline(Contrast):
    """The contrast a study asks for.

    ``time``          h after the first insult;  ``frequency``  kHz, none for words
    ``halved``, ``doubled``  the benefit with every largest effect of every mechanism so changed
    ``late``          what a treatment after the insult owes to the late window, none where it is not after it
    ``null_benefit``  of vesicles that carry nothing;  ``others``  of further treated arms, by arm
    ``share``         of all movement of the answer, by the basis of the numbers that move it
    ``counts``        numbers and curves of the study by their basis
    """

    measure: str
    endpoint: str
    unit: str
    time: float
    frequency: list[float]
    of: str
    against: str
    null: str | None
    null_benefit: Interval | None
    others: dict[str, Interval]
    halved: Interval
    doubled: Interval
    late: Late | None
    share: dict[str, Share]
    counts: dict[str, int]


def headline(
    study: Study,
    result: xr.Dataset,
    question: Compare,
    movers: Sequence[Mover],
    beside: Mapping[str, Array],
) -> Headline:
    """The benefit of the compared arms with what it rests on.

    ``result``  of ``simulate``;  ``beside``  of ``benefits_beside``, of the same ears
    """
    measure = study.tables.measure[question.measure]
    of_all = contrast(study, result, question.measure, question.of, question.against)
    unit = of_all.benefit.unit

    def against(arm: str) -> Interval:
        return contrast(study, result, question.measure, arm, question.against).benefit

    rows = sources(study)
    return Headline(
        **vars(of_all),
        measure=question.measure,
        endpoint=measure.endpoint,
        unit=unit,
        time=float(max(measure.at)),
        frequency=[] if measure.frequency is None else [float(tone) for tone in measure.tones],
        of=question.of,
        against=question.against,
        null=question.null,
        null_benefit=None if question.null is None else against(question.null),
        others={arm: against(arm) for arm in _also_treated(study, question)},
        halved=interval(beside["halved"], unit, gain=True),
        doubled=interval(beside["doubled"], unit, gain=True),
        late=late(study, question, beside, unit),
        share={basis: share(part) for basis, part in movement(movers).items()},
        counts={basis: sum(row.basis == basis for row in rows) for basis in BASES},
    )


def benefits_beside(study: Study, question: Compare) -> Callable[[Cochleae], dict[str, Array]]:
    """The compared benefit of some ears in which vesicles act otherwise, (ear,), by what a headline calls it."""
    changed = benefits_by_prior(study, question), benefits_late(study, question)
    return partial(_all, changed)


def _all(works: Sequence[Callable[[Cochleae], dict[str, Array]]], ears: Cochleae) -> dict[str, Array]:
    return {name: values for work in works for name, values in work(ears).items()}


def _also_treated(study: Study, question: Compare) -> list[str]:
    """Arms that get a treatment and are not in the comparison."""
    shown = {question.of, question.against, question.null}
    return [arm.name for arm in study.tables.arm if arm.treatments and arm.name not in shown]
