"""The next experiment: which dose, day, endpoint and number of animals would narrow a study's comparison most.

What an experiment would tell is found by regression on worlds, draws of what is not known: each world has its true
benefit, and what the experiment would read there with its own animals. Source: Strong, Oakley, Brennan and Breeze 2015
(sample information by regression), Strong, Oakley and Brennan 2014 (partial perfect information).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr, ndtri

from otosome.answers.numbers import difference, number, share
from otosome.answers.scores import worths
from otosome.ears import Ears
from otosome.errors import BadInput
from otosome.evidence import uniforms
from otosome.forward import Tick, draw, endpoint, simulate
from otosome.study import Compare, Study
from otosome.trials.answer import DesignAnswer
from otosome.trials.plan import Chart, Estimand, Line, Part, Plan, Series, chance, counted
from otosome.units import Array

# Ears of a world, animals of a group, and doses as multiples of the one stated.
EARS, ANIMALS, DOSES = 4, (4, 6, 8, 12, 20, 40), (0.1, 1.0, 10.0)
# A benefit that is worth it where the study does not say: of a level in dB, of words in points.
WORTH = 10.0
_SHOWN, _FEWEST = 10, 12


@dataclass(frozen=True)
class Candidate:
    """An experiment that could be done, and what it would tell.

    ``dose``     as a multiple of the study's;  ``at``  h;  ``animals``  of each of two groups
    ``narrows``  expected share of the variance of the benefit that it takes away, 0 to 1, as found by worlds left out
    ``right``    expected chance of deciding rightly after it
    """

    measure: str
    dose: float
    at: float
    animals: int
    narrows: float
    right: float

    @property
    def text(self) -> str:
        """In words."""
        dose = {0.1: "a tenth of the dose", 1.0: "the dose", 10.0: "ten times the dose"}[self.dose]
        return f"{self.measure} at {self.at / 24:g} d, {dose}, {self.animals} a group"


def next_experiment(
    study: Study, subjects: int, seed: int, workers: int, tick: Tick | None = None
) -> tuple[DesignAnswer, list[dict[str, object]]]:
    """Experiments ranked by how far they narrow the study's comparison, as a plan, and a row each.

    raises  BadInput for a study that compares nothing, or too few ears
    """
    question = study.tables.compare
    if question is None or not study.arm(question.of).treatments:
        raise BadInput("compares no treatment", file=study.name, key="compare")
    if subjects < _FEWEST * EARS:
        raise BadInput(
            "is too few to tell worlds apart",
            key="subjects",
            given=subjects,
            allowed=f"from {_FEWEST * EARS} on",
        )
    ears = draw(study, subjects // EARS * EARS, seed=seed, world=EARS)
    true, kinds = _truth(study, question, ears, workers, tick)
    worth = _worth(study, question)
    candidates = ranked(true, kinds, worth, seed)
    informing = _numbers(study, true, ears)
    unit = difference(study.unit(question.measure))
    title = f"Next experiment: {study.tables.title or study.name}"
    notes = [
        *study.notes,
        f"A benefit of {worth:g} {unit} and more is taken to be worth it"
        + ("." if study.tables.preference is not None else ": assumed, as the study states no [preference]."),
        f"Known from {true.size} worlds: shares below some {100 / np.sqrt(true.size):.0f} % are not told from none.",
    ]
    whole = _plan(study, question, true, worth, candidates, informing, unit)
    rows = [{**vars(each), "experiment": each.text} for each in candidates]
    return DesignAnswer(study.name, title, "next", whole, tuple(notes)), rows


def _worth(study: Study, question: Compare) -> float:
    stated = worths(study).get(question.measure) if study.tables.preference is not None else None
    return WORTH if stated is None else stated.to(difference(study.unit(question.measure)))


@dataclass(frozen=True)
class Kind:
    """Experiments alike but for their animals: in each world their mean and the spread of animals, (world,)."""

    measure: str
    dose: float
    at: float
    mean: Array
    spread: Array


def _dosed(study: Study, question: Compare) -> Study:
    """The study with its two compared arms, and the treated one at other doses besides."""
    tables = study.tables
    treated, control = study.arm(question.of), study.arm(question.against)
    uses, arms = dict(tables.treatment), [control]
    for dose in DOSES:
        names = []
        for name in treated.treatments:
            own = f"{name} x {dose:g}"
            uses[own] = uses[name].model_copy(update={"potency": uses[name].potency * dose})
            names.append(own)
        arms.append(treated.model_copy(update={"name": f"{dose:g}", "treatments": names}))
    compare = question.model_copy(update={"of": "1", "null": None})
    return replace(
        study, tables=tables.model_copy(update={"treatment": uses, "arm": arms, "compare": compare})
    )


def _truth(
    study: Study, question: Compare, ears: Ears, workers: int, tick: Tick | None
) -> tuple[Array, list[Kind]]:
    """The true benefit of each world, (world,), and what every kind of experiment would read there."""
    wide = _dosed(study, question)
    result = simulate(wide, ears, workers, tick, keep=())
    times, tones = result["time"].to_numpy(), result["frequency"].to_numpy()
    sound = ears.pick(result["subject"].to_numpy())
    worlds = np.unique(ears.world)

    def by_world(values: Array) -> list[Array]:
        return [values[result["world"].to_numpy() == world] for world in worlds]

    def of_arm(name: str, arm: str) -> tuple[Array, Array]:
        """True values and readings, mean over the measure's frequencies, each (ear, time)."""
        measure = wide.tables.measure[name]
        true = result[name].sel(arm=arm).to_numpy()
        luck = uniforms(ears.seed, f"next/{name}/{arm}", 0, true.size).reshape(true.shape)
        read = endpoint(wide, measure, sound).read(true, luck).value
        chosen = np.isin(tones, measure.tones) if measure.tones else slice(None)
        return true[:, :, chosen].mean(axis=2), read[:, :, chosen].mean(axis=2)

    kinds, truth = list[Kind](), np.zeros(worlds.size)
    for name, measure in wide.tables.measure.items():
        options = wide.catalog.get("endpoints", measure.endpoint).options
        sign = 1.0 if options.better == "higher" else -1.0
        control, read = of_arm(name, question.against)
        for dose in DOSES:
            gain = sign * (of_arm(name, f"{dose:g}")[0] - control)
            for at in sorted({float(t) for t in measure.at if float(t) > 0}):
                until = int(np.searchsorted(times, at))
                mean = np.array([part.mean() for part in by_world(gain[:, until])])
                spread = np.array([part.std(ddof=1) for part in by_world(read[:, until])])
                kinds.append(Kind(name, dose, at, mean, spread))
                if (name, dose, at) == (question.measure, 1.0, float(max(measure.at))):
                    truth = mean
    return truth, kinds


def ranked(true: Array, kinds: list[Kind], worth: float, seed: int) -> list[Candidate]:
    """Candidate experiments, those that narrow most first; of alike ones that with fewer animals.

    ``true``  benefit of each world, (world,)
    """
    rows = []
    for kind in kinds:
        luck = ndtri(uniforms(seed, f"next/{kind.measure}/{kind.dose:g}/{kind.at:g}", 0, true.size))
        for animals in ANIMALS:
            read = kind.mean + luck * kind.spread * np.sqrt(2.0 / animals)
            narrows, right = informs(true, read, worth)
            rows.append(Candidate(kind.measure, kind.dose, kind.at, animals, narrows, right))
    return sorted(rows, key=lambda row: (-round(row.narrows, 2), row.animals))


def informs(true: Array, read: Array, worth: float) -> tuple[float, float]:
    """What a reading tells of the benefit: the share of its variance, and the chance of deciding rightly after it.

    ``true``, ``read``  of each world, (world,);  each world is predicted by a line and a parabola through the others,
    and the better of the two counts, so that a reading that tells nothing narrows nothing
    """
    spread = float(true.var())
    best, predicted = 0.0, np.full(true.size, true.mean())
    for degree in (1, 2) if spread > 0 and float(read.std()) > 0 else ():
        scaled = (read - read.mean()) / read.std()
        columns = np.vander(scaled, degree + 1)
        hat = columns @ np.linalg.pinv(columns)
        out = true - (true - hat @ true) / np.maximum(1.0 - np.diag(hat), 1e-9)
        explained = 1.0 - float(np.mean((true - out) ** 2)) / spread
        if explained > best:
            best, predicted = explained, out
    left = np.sqrt(max(1.0 - best, 0.0) * spread)
    if left == 0:
        return best, 1.0
    above = ndtr((predicted - worth) / left)
    return best, float(np.maximum(above, 1.0 - above).mean()) if best > 0 else now(true, worth)


def now(true: Array, worth: float) -> float:
    """The chance of deciding rightly without an experiment: by what is likelier."""
    above = float((true >= worth).mean())
    return max(above, 1.0 - above)


def _numbers(study: Study, true: Array, ears: Ears) -> list[tuple[str, str, float]]:
    """Numbers by what knowing each exactly would tell: meaning, name, share of the variance of the benefit."""
    rows = []
    for name, parameter in study.parameters.items():
        values = ears[name].reshape(-1, EARS).mean(axis=1)
        if parameter.low < parameter.high and float(values.std()) > 0:
            ranks = ndtri((np.argsort(np.argsort(values)) + 0.5) / values.size)
            rows.append((parameter.meaning, name, informs(true, ranks, 0.0)[0]))
    # The best of so many by chance alone tells something too: what is below that is not shown.
    floor = 2.0 * np.log(max(len(rows), 2)) / true.size
    return sorted((row for row in rows if row[2] > floor), key=lambda row: -row[2])[:_SHOWN]


def _plan(
    study: Study,
    question: Compare,
    true: Array,
    worth: float,
    candidates: list[Candidate],
    informing: list[tuple[str, str, float]],
    unit: str,
) -> Plan:
    best = candidates[0]
    cheapest = min(
        (each for each in candidates if each.narrows >= 0.8 * best.narrows), key=lambda each: each.animals
    )
    certain = now(true, worth)
    low, middle, high = np.quantile(true, [0.05, 0.5, 0.95])
    if best.narrows <= 0:
        headline = "No experiment on the list narrows this comparison: what decides it is seen in none of its measures."
    else:
        headline = (
            f"Most is told by {best.text}: {share(best.narrows).text} of the variance of the benefit, and the right "
            f"decision in {share(best.right).text} (now {share(certain).text}). Four fifths of that is told for fewest "
            f"animals by {cheapest.text}."
        )
    shown = _shown(candidates)
    lines = tuple(
        Line(
            each.text,
            each.narrows,
            "",
            f"narrows by {share(each.narrows).text}, right in {share(each.right).text}",
        )
        for each in shown
    )
    decision = (
        Line(
            "benefit between worlds",
            float(middle),
            unit,
            f"{number(float(middle), 2)} {unit} ({number(float(low), 2)} to {number(float(high), 2)})",
        ),
        chance(f"chance that it is worth it, {worth:g} {unit} and more", float((true >= worth).mean())),
        chance("chance of deciding rightly now", certain),
        counted("experiments compared", len(candidates)),
    )
    knowing = tuple(Line(f"{words} ({name})", part, "", share(part).text) for words, name, part in informing)
    kind = [
        each
        for each in candidates
        if (each.measure, each.dose, each.at) == (best.measure, best.dose, best.at)
    ]
    kind.sort(key=lambda each: each.animals)
    across = tuple(float(each.animals) for each in kind)
    return Plan(
        headline,
        {"animals in each group": cheapest.animals},
        (
            Part("The decision", decision),
            Part("Experiments, those that narrow most first", lines),
            *([Part("If a number were known exactly", knowing)] if knowing else []),
        ),
        (
            Chart(
                "Narrowing by animals",
                "animals in each group",
                "share",
                (
                    Series("variance of the benefit told", across, tuple(each.narrows for each in kind)),
                    Series("chance of deciding rightly", across, tuple(each.right for each in kind)),
                ),
                certain,
            ),
        ),
        Estimand(
            population=f"ears of the study {study.tables.title or study.name}",
            treatments=f"“{question.of}” against “{question.against}”",
            variable=f"{question.measure} at its last time, mean over frequencies",
            intercurrent="none is simulated",
            summary="mean benefit of a world, a draw of all that is not known",
        ),
        "In each world the true benefit and the reading of each experiment are simulated: two groups of so many "
        f"animals, which differ as {EARS} ears of the world do, with the error of the instrument. The benefit is "
        "predicted from the reading by regression over the other worlds; the part of its variance that is predicted is "
        "the narrowing. A "
        "dose is varied as the strength of the same volume.",
    )


def _shown(candidates: list[Candidate]) -> list[Candidate]:
    """The first of each kind of experiment, with the fewest animals that tell nine tenths of the most it can."""
    kinds: dict[tuple[str, float, float], list[Candidate]] = {}
    for each in candidates:
        kinds.setdefault((each.measure, each.dose, each.at), []).append(each)
    first = [
        min((e for e in kind if e.narrows >= 0.9 * kind[0].narrows), key=lambda e: e.animals)
        for kind in kinds.values()
    ]
    return sorted((each for each in first if each.narrows > 0), key=lambda each: -each.narrows)[:_SHOWN]
