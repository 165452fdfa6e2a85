"""How often a design is right: operating characteristics of trials simulated from a bank, under each belief.

What differs between subjects and what is not known are kept apart: each trial is of one world, its power in a world is
the share of that world's trials that are positive, and the assurance is the mean of that over worlds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from otosome.answers.numbers import difference, interval, share, share_interval
from otosome.catalog import Catalog
from otosome.trials.animals import beliefs_of
from otosome.trials.bank import Bank, Tick, Ticks, bank
from otosome.trials.beliefs import Beliefs
from otosome.trials.cluster import Crew
from otosome.trials.credibility import Run
from otosome.trials.operating import Flow, Operating, Simulated
from otosome.trials.published import predicted
from otosome.trials.replicates import Results, Subjects, subjects, trials, worse
from otosome.trials.simulated import Simulate, batch_of, cut_down, study_name, study_of
from otosome.trials.sizes import chart, control_group, control_loss, needed, of_sizes
from otosome.units import Array, Quantity

if TYPE_CHECKING:
    import pandas as pd

    from otosome.fitting.use import Known
    from otosome.study import Study

NONE, MECHANISM = "none", "mechanism"
# Part of the trials beyond which a belief that exceeds the loss is named.
MUCH = 0.05
NOT_BELIEVED = (
    "Only none and mechanism are simulated: what published experiments say of the benefit is in dB, and this trial is "
    "read otherwise. ratios = { name = [5 %, best value, 95 %] } in [simulate] states risk ratios that are believed."
)


def simulated(
    protocol: Simulate,
    beside: Path,
    catalog: Catalog,
    beliefs: Beliefs,
    folder: Path,
    crew: Crew,
    resume: bool,
    ticks: Ticks,
    known: Known | None = None,
    wanted: Quantity | None = None,
) -> tuple[Run, pd.DataFrame]:
    """Operating characteristics with what they were run on, and the subjects of the first trial, a row each.

    ``beside``  folder of the design, from which a study's file is named;  ``folder``  for the bank
    ``ticks``   makes what is called with the subjects simulated so far, and all of them
    ``known``   a fit that states the study's numbers
    ``wanted``  true difference that the design is to find; None where it states none
    """
    name = study_name(protocol, beside)
    whole = study_of(protocol, beside, catalog, known)
    study = cut_down(whole, protocol)
    lot, computed = batch_of(protocol, beside), 0
    subject = "people" if study.tables.species == "human" else "animals"
    while True:
        tick = ticks(f"simulating {protocol.bank} ears", subject)
        ears = bank(name, catalog.own, protocol, folder, crew, resume, tick, lot, known)
        computed += ears.computed
        prediction = None
        if protocol.published is not None:
            ears, prediction = predicted(study, ears, protocol, protocol.published)
        rows = _rows(
            study, ears, protocol, beliefs, wanted, ticks(f"simulating {protocol.trials} trials", subject)
        )
        if protocol.bank >= (protocol.grow_to or 0) or not _larger(rows):
            break
        # What is there is kept, and the bank grows by as much again.
        protocol, resume = replace(protocol, bank=min(2 * protocol.bank, protocol.grow_to or 0)), True
    first = subjects(study, ears, protocol, 0, 1, False, np.zeros(1))

    def other(size: Simulate) -> tuple[Operating, ...]:
        return _rows(study, ears, size, beliefs, wanted, ticks(f"trials of {size.n} a group", subject))

    chances = chart(of_sizes(protocol, rows, other, protocol.together(whole)))
    unit = study.catalog.get("endpoints", study.tables.measure[protocol.measure].endpoint).options.unit
    answer = Simulated(
        protocol.trials,
        protocol.n,
        len(ears.world),
        ears.distinct,
        ears.left_out,
        computed,
        ears.hash,
        rows,
        _flow(first, protocol),
        (*_notes(rows, protocol, whole), *_beyond(study, ears, protocol, beliefs)),
        chances,
        needed(chances),
        control_group(study, ears, protocol, unit),
        prediction,
        f"{protocol.trials} trials of {protocol.n} per group, from {len(ears.world)} ears of {ears.distinct} worlds",
    )
    return Run(study, answer, ears.balance, ears.steps), _sheet(first, protocol)


def _rows(
    study: Study, ears: Bank, protocol: Simulate, beliefs: Beliefs, wanted: Quantity | None, tick: Tick
) -> tuple[Operating, ...]:
    """Operating characteristics under each belief; ``tick``  called with the subjects entered, and all of them."""
    better = study.catalog.get("endpoints", study.tables.measure[protocol.measure].endpoint).options
    sign = -1.0 if better.better == "lower" or protocol.analysis == "shares" else 1.0
    no_gain, nothing = np.zeros(protocol.trials), np.zeros(len(ears.worlds()))
    of_ratios = beliefs_of(protocol.ratios)
    of_benefits = beliefs_of(_believed(beliefs, protocol, difference(better.unit)))
    entered, whole = 0, (2 + len(of_ratios) + len(of_benefits)) * protocol.trials * protocol.entered
    tick(0, whole)

    def enter(more: int) -> None:
        nonlocal entered
        entered += more
        tick(entered, whole)

    def resampled(null: bool, gain: Array, ratio: Array | None = None) -> Results:
        return trials(study, ears, protocol, null, gain, ratio, enter)

    def operating(belief: str, results: Results, truth: Array) -> Operating:
        return _operating(belief, results, truth, sign, better.unit, protocol, ears.distinct, wanted)

    rows = [
        operating(NONE, resampled(True, no_gain), nothing),
        operating(MECHANISM, resampled(False, no_gain), truths(study, ears, protocol)),
    ]
    worlds = len(ears.worlds())
    for belief, ratios in of_ratios.items():
        ratio = in_turn(np.maximum(ratios, 0.0), protocol.trials, worlds)
        results = resampled(True, no_gain, ratio)
        control = truths(study, ears, protocol, arm=0)[results.world]
        rows.append(operating(belief, results, control * (ratio - 1.0)))
    for belief, benefits in of_benefits.items():
        gain = -sign * in_turn(benefits, protocol.trials, worlds)
        rows.append(operating(belief, resampled(True, gain), -gain))
    return tuple(rows)


def in_turn(values: Array, trials: int, worlds: int) -> Array:
    """A value of a belief for each trial, where trials go through the worlds: each meets all before the next does."""
    return np.resize(np.repeat(values, worlds), trials)


def _larger(rows: Sequence[Operating]) -> list[str]:
    """Beliefs under which the bank's error is larger than that of so many trials."""
    return [each.belief for each in rows if each.bank > each.monte_carlo]


def _believed(beliefs: Beliefs, protocol: Simulate, unit: str) -> dict[str, tuple[float, float, float]]:
    """The true benefits that are simulated: none of shares, nor of what is read in another unit than they are."""
    if protocol.analysis == "shares" or unit != beliefs.unit:
        return {}
    return {name: ends for name, ends in beliefs.values.items() if name not in (NONE, MECHANISM)}


def truths(study: Study, ears: Bank, protocol: Simulate, arm: int | None = None) -> Array:
    """True difference of each world, treated less control, or what an ``arm`` truly is, (world,)."""
    if protocol.analysis == "shares":
        ends = worse(study, protocol, ears.values[:, :, 0], ears.values[:, :, -1]).astype(float)
    else:
        ends = ears.values.mean(axis=3)[:, :, -1]
    of_ear = ends[:, 1] - ends[:, 0] if arm is None else ends[:, arm]
    return np.array([of_ear[rows].mean() for rows in ears.worlds()])


def _operating(
    belief: str,
    results: Results,
    truth: Array,
    sign: float,
    unit: str,
    protocol: Simulate,
    distinct: int,
    wanted: Quantity | None,
) -> Operating:
    """``truth``  of each world, or of each trial;  ``distinct``  worlds, of which some may count more than once"""
    significant = results.p < protocol.alpha
    positive = significant & (sign * results.estimate > 0)
    worlds = np.array([positive[results.world == world].mean() for world in np.unique(results.world)])
    monte_carlo = math.sqrt(positive.mean() * (1 - positive.mean()) / positive.size)
    spread = float(worlds.var(ddof=1)) / distinct if distinct > 1 else math.nan
    error = math.sqrt(max(spread - monte_carlo**2, 0.0)) if math.isfinite(spread) else math.nan
    true = truth[results.world] if truth.size != results.world.size else truth
    low, median, high = (float(q) for q in np.quantile(worlds, [0.05, 0.5, 0.95]))
    share_of = share_interval(float(positive.sum()), positive.size)
    sound = np.isfinite(results.estimate)
    covered = ((results.low <= true) & (true <= results.high))[sound]
    label = "fraction" if protocol.analysis == "shares" else difference(unit)
    meets = (
        None if wanted is None or wanted.unit != label else float((sign * true >= abs(float(wanted))).mean())
    )
    text = (
        f"{share(share_of.value).text} of trials positive; error of so many trials {_tenths(monte_carlo)}, of so "
        f"many worlds and ears {_tenths(error)}; power in worlds {share(median).text} ({share(low).text} to "
        f"{share(high).text})"
    )
    if meets is not None and wanted is not None:
        text += f"; truly {wanted.text} or more in {share(meets).text} of trials"
    return Operating(
        belief,
        share_of,
        float((significant & ~positive).mean()),
        (median, low, high),
        monte_carlo,
        error,
        interval(results.estimate[sound], label, gain=True),
        float((results.estimate - true)[sound].mean()),
        float(covered.mean()),
        text,
        meets,
    )


def _tenths(error: float) -> str:
    """A standard error of a share, in tenths of a per cent."""
    return f"{100 * error:.2f} %"


def _flow(people: Subjects, protocol: Simulate) -> tuple[Flow, ...]:
    names = (protocol.control, protocol.treated)
    groups = zip(names, people.assessed[0], people.enrolled[0], people.analysed[0], strict=True)
    return tuple(
        Flow(name, int(read), int(e.sum()), int((e & ~a).sum()), int(a.sum())) for name, read, e, a in groups
    )


def _sheet(people: Subjects, protocol: Simulate) -> pd.DataFrame:
    """The subjects of the first trial, a row each."""
    import pandas as pd

    parts = [
        pd.DataFrame(
            {
                "subject": [f"{letter}{number + 1}" for number in range(people.row.shape[2])],
                "group": name,
                "ear_of_bank": people.row[0, place],
                "baseline": people.baseline[0, place],
                "reading": people.reading[0, place],
                **({"worse": people.worse[0, place]} if protocol.analysis == "shares" else {}),
                "enrolled": people.enrolled[0, place],
                "analysed": people.analysed[0, place],
            }
        )
        for place, (letter, name) in enumerate(
            zip(_letters(protocol), (protocol.control, protocol.treated), strict=True)
        )
    ]
    return pd.concat(parts, ignore_index=True)


def _letters(protocol: Simulate) -> str:
    """What subjects of each group are called by; both ears of a person by one name."""
    return "pp" if protocol.analysis == "paired" else "ct"


def _beyond(study: Study, ears: Bank, protocol: Simulate, beliefs: Beliefs) -> list[str]:
    """That published benefits are not simulated, or are more than there is to keep, where that is so."""
    unit = study.catalog.get("endpoints", study.tables.measure[protocol.measure].endpoint).options.unit
    believed = _believed(beliefs, protocol, difference(unit))
    if not believed and not protocol.ratios:
        return [NOT_BELIEVED]
    if protocol.baseline is None or not believed:
        return []
    lost = np.abs(control_loss(ears))
    parts = {
        name: float(
            (np.abs(in_turn(benefits, protocol.trials, lost.size)) > np.resize(lost, protocol.trials)).mean()
        )
        for name, benefits in beliefs_of(believed).items()
    }
    words = ", ".join(
        f"{name.replace('_', ' ')} in {share(part).text}" for name, part in parts.items() if part > MUCH
    )
    if not words:
        return []
    return [
        f"The believed benefit is more than the control group loses ({words} of trials): no treatment can spare what "
        "was not lost, so these chances are too high. A stronger insult, or beliefs of the design's own, belong here."
    ]


def _notes(rows: Sequence[Operating], protocol: Simulate, study: Study) -> list[str]:
    """What the errors say of the bank, and how exposure runs are counted where they differ."""
    notes = []
    if larger := _larger(rows):
        notes.append(
            f"The bank's error is larger than that of so many trials ({', '.join(larger)}): it is of "
            f"{protocol.bank // protocol.world} worlds, and a larger bank narrows it (bank, or grow_to)."
        )
    if study.tables.species != "human" and any(number.runs for number in study.parameters.values()):
        notes.append(_of_runs(protocol, protocol.together(study)))
    return notes


def _of_runs(protocol: Simulate, together: int) -> str:
    """How animals of the simulated trials were exposed, and what the unit of their analysis is."""
    if together == 1:
        return (
            "Exposure runs are not split in the simulated trials: their animals are drawn one by one, as if exposed "
            "alone. With run_animals, or [cohort] in the study, whole runs are drawn and runs are counted."
        )
    if protocol.runs == "blocked":
        return (
            f"Animals are drawn in whole exposure runs, {together} of each group in every run: what a run does to all "
            "cancels, and the analysis takes it out."
        )
    return (
        f"Animals are drawn in whole exposure runs of {together}, each group in runs of its own: the run is the unit, "
        f"{-(-protocol.n // together)} a group."
    )
