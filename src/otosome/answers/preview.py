"""A study's answer with its treatment on another day, at another dose or of another potency, for a few ears.

What is moved is the study itself, so an answer here is the answer of that study's run with as many ears and the same
seed, to the last bit: nothing is interpolated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from otosome.answers.band import Groups
from otosome.answers.contrast import Contrast, benefit_of, contrast_of
from otosome.answers.numbers import Interval, difference, interval
from otosome.ears import Ears
from otosome.errors import BadInput
from otosome.forward import Carried, Cochleae, Fate, best, plan, through, true_value
from otosome.study import Compare, Study, Treatment
from otosome.study.checks import check_study
from otosome.units import Array, Quantity, moment

DOSES = (0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0)
POTENCIES = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0)
_DAY, _FIRST, _LAST = 24.0, -72.0, 408.0
# Keys of tables, and the texts or numbers that stand there then.
Changes: TypeAlias = dict[tuple[str, str], dict[str, list[str] | str | float]]


@dataclass(frozen=True, order=True)
class Position:
    """Where the sliders stand.

    ``day``      of the first dose, h after the first insult
    ``dose``     in the place of the study's, as a multiple of it;  ``potency``  likewise
    """

    day: float
    dose: float = 1.0
    potency: float = 1.0


@dataclass(frozen=True)
class Sliders:
    """Where they may stand, each rising: ``days`` in h, ``doses`` and ``potencies`` as multiples of the study's.

    ``start``    where the study itself stands
    ``amounts``  of each dose, and ``strengths`` of each potency, in words
    """

    start: Position
    days: tuple[float, ...]
    doses: tuple[float, ...]
    potencies: tuple[float, ...]
    amounts: tuple[str, ...]
    strengths: tuple[str, ...]

    def near(self, position: Position) -> Iterator[Position]:
        """The position, and those that one slider reaches from it, the nearest first: the days before all others."""
        yield position
        for name, places in (("day", self.days), ("dose", self.doses), ("potency", self.potencies)):
            here = places.index(getattr(position, name))
            for place in sorted(range(len(places)), key=lambda n: abs(n - here)):
                if place != here:
                    yield replace(position, **{name: places[place]})

    def check(self, position: Position) -> None:
        """Raise BadInput for a position at which no slider stands."""
        for name, places in (("day", self.days), ("dose", self.doses), ("potency", self.potencies)):
            if getattr(position, name) not in places:
                raise BadInput(
                    "is no place of this slider",
                    key=name,
                    given=getattr(position, name),
                    allowed=list(places),
                )


@dataclass(frozen=True)
class ArmAnswer:
    """A measure of an arm at its last moment, over all ears: by ``frequency`` (kHz; none for words)."""

    measure: str
    endpoint: str
    arm: str
    time: float
    frequency: float | None
    value: Interval


@dataclass(frozen=True)
class Preview:
    """The compared benefit and what is measured of both arms, of some ears at a position."""

    position: Position
    ears: int
    seed: int
    contrast: Contrast
    arms: list[ArmAnswer]


def question_of(study: Study) -> Compare:
    """What a study compares; raises BadInput where it compares nothing, or gives no vesicles."""
    question = study.tables.compare
    if question is None or not study.arm(question.of).treatments:
        raise BadInput(
            "gives no vesicles that could be moved",
            file=study.name,
            key="compare",
            cure="compare a treated arm",
        )
    return question


def sliders(study: Study) -> Sliders:
    """Where the sliders of a study may stand; raises BadInput where it gives nothing that could be moved."""
    treated = study.arm(question_of(study).of)
    own = [study.tables.treatment[name] for name in treated.treatments]
    first = min(float(t) for use in own for t in use.at)
    last = max(float(t) for use in study.tables.treatment.values() for t in use.at)
    days = {day for day in np.arange(_FIRST, _LAST + 1, _DAY) if day + last - first < study.until}
    strengths = own[0].potency
    doses = DOSES if _amount(study, own[0]) is not None else (1.0,)
    potencies = POTENCIES if strengths else (1.0,)
    return Sliders(
        start=Position(first),
        days=tuple(sorted({*map(float, days), first})),
        doses=doses,
        potencies=potencies,
        amounts=tuple(_dose(study, own[0], dose) or "as the batch is" for dose in doses),
        strengths=tuple(f"{factor * strengths:g}" for factor in potencies),
    )


def changes(study: Study, position: Position) -> Changes:
    """What a study's file states otherwise at a position, by table and name.

    All treatments move together, and with them operations at the same moments; the dose is that of every treatment of
    the compared batch, the potency that of the compared arm alone.
    """
    treated = study.arm(question_of(study).of)
    own = [study.tables.treatment[name] for name in treated.treatments]
    batches = {use.batch for use in own}
    stated = _times(study, position.day - min(float(t) for use in own for t in use.at))
    for name, use in study.tables.treatment.items():
        more = stated.setdefault(("treatment", name), {})
        if position.dose != 1.0 and use.batch in batches:
            more["amount"] = str(_dose(study, use, position.dose))
        if position.potency != 1.0 and name in treated.treatments:
            more["potency"] = position.potency * use.potency
    return {key: values for key, values in stated.items() if values}


def _times(study: Study, apart: float) -> Changes:
    """When treatments and operations at the same moments are, all so many hours later than stated."""
    if not apart:
        return {}
    tables = study.tables
    treated = {float(t) for use in tables.treatment.values() for t in use.at}
    operations = {
        name: use
        for name, use in tables.insult.items()
        if study.is_event(use) and treated.issuperset(map(float, use.at))
    }
    times: Changes = {
        ("treatment", name): {"at": _moved(use.at, apart)} for name, use in tables.treatment.items()
    }
    return times | {("insult", name): {"at": _moved(use.at, apart)} for name, use in operations.items()}


def moved(study: Study, position: Position) -> Study:
    """The study at a position, checked as a file of it would be."""
    tables: dict[str, dict[str, object]] = {}
    for (table, name), values in changes(study, position).items():
        uses = tables.setdefault(table, dict(getattr(study.tables, table)))
        uses[name] = getattr(study.tables, table)[name].model_copy(
            update={key: _quantities(value) for key, value in values.items()}
        )
    there = replace(study, tables=study.tables.model_copy(update=tables))
    if tables:
        check_study(there, study.name)
    return there


def preview(study: Study, ears: Ears, position: Position, carried: Carried | None = None) -> Preview:
    """The answer of a study at a position, of ears that were drawn for it.

    ``carried``  solutions of transport: other potencies of the same day and dose use them again
    raises       BadInput where the study cannot be so, or an ear cannot be computed
    """
    question, there = question_of(study), moved(study, position)
    chain = plan(there)
    compared = [arm for arm in chain.arms if arm.name in (question.of, question.against)]

    def work(bound: Cochleae) -> dict[str, Array]:
        values = {}
        for arm in compared:
            cells = Fate(bound, arm).cells.at(chain.at(chain.times))
            for name, measure in there.tables.measure.items():
                true = true_value(bound, measure, cells, chain.frequencies, arm, chain.times)
                values[f"{name}/{arm.name}"] = true
        return values

    values = through(chain, ears, work, workers=1, carried=carried)
    of, against = (values[f"{question.measure}/{arm}"] for arm in (question.of, question.against))
    benefits = benefit_of(there, question.measure, chain.times, chain.frequencies, of, against)
    unit = difference(there.unit(question.measure))
    return Preview(
        position,
        ears.size,
        ears.seed,
        contrast_of(benefits, Groups(ears.world, ears.lot), unit),
        list(_of_arms(there, [question.of, question.against], values)),
    )


def _of_arms(study: Study, arms: list[str], values: Mapping[str, Array]) -> Iterator[ArmAnswer]:
    times, tones = plan(study).times, plan(study).frequencies
    for name, measure in study.tables.measure.items():
        last = float(max(measure.at))
        row = int(np.searchsorted(times, last))
        for arm in arms:
            for tone in np.unique(measure.tones):
                ears = values[f"{name}/{arm}"][:, row, int(np.searchsorted(tones, tone))]
                frequency = None if measure.frequency is None else float(tone)
                value = interval(ears, study.unit(name))
                yield ArmAnswer(name, measure.endpoint, arm, last, frequency, value)


def _moved(at: list[Quantity], apart: float) -> list[str]:
    return [moment(float(t) + apart) for t in at]


def _amount(study: Study, use: Treatment) -> tuple[float, str] | None:
    """What a treatment gives each time, in a house unit; of a batch given as it is the particles a count would show."""
    if use.amount is not None:
        return float(use.amount), use.amount.unit
    batch = study.batch(use.batch).columns(best(study), study.tables.species)
    count = float(np.ravel(batch["particles"])[0]) * float(use.volume)
    return (count, "particles") if count else None


def _dose(study: Study, use: Treatment, factor: float) -> str | None:
    """So many times what a treatment gives, as a study states it; None where nothing says what it gives."""
    known = _amount(study, use)
    return None if known is None else f"{factor * known[0]:.4g} {known[1]}"


def _quantities(value: list[str] | str | float) -> object:
    if isinstance(value, list):
        return [Quantity(text) for text in value]
    return Quantity(value) if isinstance(value, str) else value
