"""Chance of success over the number of subjects, and what the control group is, from the bank of a trial."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from otosome.answers.numbers import amount, difference, interval
from otosome.trials.operating import Operating
from otosome.trials.plan import Chart, Line, Series
from otosome.trials.replicates import subjects, worse
from otosome.trials.simulated import FEWEST as FEWEST_UNITS
from otosome.units import Array

if TYPE_CHECKING:
    from otosome.study import Study
    from otosome.trials.bank import Bank
    from otosome.trials.simulated import Simulate

# Times the subjects asked for, and how many trials of each other size: 1.6 % is then the largest error of a chance.
TIMES, TRIALS = (0.25, 0.5, 1.0, 2.0, 4.0), 1000
FEWEST, MOST = 4, 100_000
WANTED = 0.8
SPREAD = "spread between readings of a group (SD)"
# Spreads that differ by more than this are named.
ALIKE = 1.5


def sizes(n: int, fewest: int = FEWEST) -> list[int]:
    """Subjects a group at which the chance of success is computed, rising, ``n`` among them; others from ``fewest``."""
    return sorted({n, *(min(max(round(n * times), fewest), MOST) for times in TIMES)})


def of_sizes(
    protocol: Simulate,
    rows: Sequence[Operating],
    rows_of: Callable[[Simulate], Sequence[Operating]],
    together: int = 1,
) -> dict[int, Sequence[Operating]]:
    """Operating characteristics by subjects a group.

    ``rows``  those of the size asked for;  ``rows_of``  makes those of another
    ``together``  subjects of a group in one exposure run: where runs are the units, a group has enough of them
    """
    fewest = FEWEST if together == 1 or protocol.runs == "blocked" else FEWEST_UNITS * together
    fewer = replace(protocol, trials=min(protocol.trials, TRIALS))
    return {n: rows if n == protocol.n else rows_of(replace(fewer, n=n)) for n in sizes(protocol.n, fewest)}


def chart(by_size: Mapping[int, Sequence[Operating]]) -> Chart:
    """Chance of a positive trial over subjects a group, a line a belief."""
    beliefs = [row.belief for row in next(iter(by_size.values()))]
    series = tuple(
        Series(
            belief.replace("_", " "),
            tuple(map(float, by_size)),
            tuple(rows[k].positive.value for rows in by_size.values()),
        )
        for k, belief in enumerate(beliefs)
    )
    return Chart("Chance of a positive trial, simulated", "subjects a group", "chance", series, WANTED)


def needed(chances: Chart) -> tuple[str, ...]:
    """How many subjects a group give each belief a chance of ``WANTED``, in words."""
    return tuple(
        f"{100 * WANTED:.0f} % under {line.label}: {_many(reaching(line.across, line.up), line.across[-1])}"
        for line in chances.series
        if line.label != "none"
    )


def _many(n: float, most: float) -> str:
    return f"about {n:.0f} a group" if math.isfinite(n) else f"not with {most:.0f} a group"


def reaching(across: Sequence[float], up: Sequence[float], wanted: float = WANTED) -> float:
    """Where chances first reach what is wanted, by a straight line over the logarithm of ``across``.

    The first where they do from the start, infinite where they never do.
    """
    above = [k for k, chance in enumerate(up) if chance >= wanted]
    if not above:
        return math.inf
    k = above[0]
    if k == 0:
        return across[0]
    part = (wanted - up[k - 1]) / (up[k] - up[k - 1])
    return float(across[k - 1] * (across[k] / across[k - 1]) ** part)


def control_group(study: Study, ears: Bank, protocol: Simulate, unit: str) -> tuple[Line, ...]:
    """What the control group shows, over worlds: its share that is worse, or its loss, and how far readings spread.

    ``unit``  of the measure
    """
    worlds = ears.worlds()
    if protocol.analysis == "shares":
        bad = worse(study, protocol, ears.values[:, 0, 0], ears.values[:, 0, -1])
        return (
            _over_worlds(
                "worse in the control group", np.array([bad[rows].mean() for rows in worlds]), "fraction"
            ),
        )
    lines = [
        _over_worlds(
            "spread between readings of a group (SD)", spreads(study, ears, protocol), difference(unit)
        )
    ]
    if protocol.baseline is not None:
        losses = control_loss(ears)
        lines.insert(0, _over_worlds("change of the control group", losses, difference(unit)))
    return tuple(lines)


def control_loss(ears: Bank) -> Array:
    """Change of the control arm since its baseline, its mean in each world, shape (world,)."""
    apart = (ears.values[:, 0, -1] - ears.values[:, 0, 0]).mean(axis=-1)
    return np.array([apart[rows].mean() for rows in ears.worlds()])


def unlike(control: Sequence[Line], deviation: float, unit: str) -> list[str]:
    """That animals or people of the formula differ otherwise than simulated ones, where they do.

    ``deviation``  of the formula, in ``unit``
    """
    simulated = next((line for line in control if line.name == SPREAD and line.unit == unit), None)
    if simulated is None or deviation <= 0 or 1 / ALIKE < simulated.value / deviation < ALIKE:
        return []
    return [
        f"The formula and the simulated trials are of different subjects: the formula takes a spread of "
        f"{amount(deviation, unit)}, and simulated readings of a group differ by {simulated.text}. A size by formula "
        "and a chance by simulation are then no answers to one question; state the spread of your own."
    ]


def spreads(study: Study, ears: Bank, protocol: Simulate) -> Array:
    """Standard deviation between subjects of a control group, each read as the trial reads it, shape (world,)."""
    worlds = len(ears.worlds())
    wide = replace(protocol, n=max(protocol.n, 100))
    people = subjects(study, ears, wide, 0, worlds, True, np.zeros(worlds))
    read = np.where(people.enrolled[:, 0], people.reading[:, 0], np.nan)
    return np.nanstd(read, axis=1, ddof=1)


def _over_worlds(name: str, values: Array, unit: str) -> Line:
    middle = interval(values, unit)
    return Line(name, middle.median, unit, middle.text)
