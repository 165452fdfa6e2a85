"""A fit file for a study: which of its numbers are worth setting free, each with its reason.

Every number of what was done to the ear is moved from its 5 to its 95 %, all others at their best value. Of those that
move a reading by more than its own error the largest is set free, then the one that does most which the first does not
do, and so on: two numbers that do the same are one number to the readings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otosome.answers.numbers import number
from otosome.fitting.assays import in_ratios
from otosome.fitting.free import Free
from otosome.forward import endpoint, evaluate, outline, plan
from otosome.study import Study
from otosome.units import Array

_DONE_TO_THE_EAR = ("insults.", "mechanisms.", "solutes.", "routes.")
_MOST, _LEAST = 8, 0.5
_NORMAL = 1.6448536269514722
# Ears that are computed at once.
_LANES = 128
HEAD = """# A fit drafted from {readings}.  otosome fit {file}
# Beside each free number: how far readings of one ear move between its 5 and its 95 %. All others stand at their best
# value, and an interval is as narrow as if they were known.
"""


@dataclass(frozen=True)
class Choice:
    """A number that is set free or left: how far it moves which measure between its 5 and 95 %, as printed.

    ``new``  the same in errors of a reading, without what the numbers chosen before it do (root mean square)
    """

    name: str
    reason: str
    new: float


def draft_fit(study: Study, file: str, study_file: str, readings: str) -> str:
    """The text of a fit file; ``study_file`` and ``readings`` are paths from its folder."""
    chosen, left = choices(study)
    errors = _errors(study)
    lines = [HEAD.format(readings=readings, file=file)]
    lines += ['otosome = "fit/1"', f'study = "{study_file}"', f'readings = "{readings}"', "free = ["]
    lines += [f'  "{choice.name}",  # {choice.reason}' for choice in chosen]
    lines += [f'  "{name}",  # the error of a reading' for name in errors]
    lines.append("]")
    lines += [
        f'# Not free, though it moves readings as well: "{choice.name}", {choice.reason}' for choice in left
    ]
    if all(measure.solute is not None for measure in study.tables.measure.values()):
        lines.append("animal = []  # no number differs between animals: samples differ by the error alone")
    lines += [
        "starts = 3",
        "",
        "# [posterior]  # without it: most probable values, with the intervals of a parabola",
    ]
    return "\n".join([*lines, "# steps = 1000", ""])


def _errors(study: Study) -> list[str]:
    """The error of each endpoint that is measured, where it is not exactly known."""
    names = [f"endpoints.{measure.endpoint}.error" for measure in study.tables.measure.values()]
    numbers = study.parameters
    return [n for n in dict.fromkeys(names) if n in numbers and numbers[n].shape != "fixed"]


def choices(study: Study) -> tuple[list[Choice], list[Choice]]:
    """The numbers worth setting free, the one that does most first; and of all others the three that move most."""
    names = [n for n, p in study.parameters.items() if p.shape != "fixed" and not n.startswith("endpoints.")]
    moves, sizes = _moves(study, names)
    own = [n for n, name in enumerate(names) if name.startswith(_DONE_TO_THE_EAR)]
    chosen, rest = list[Choice](), moves.copy()
    while own and len(chosen) < _MOST:
        root = np.sqrt(np.mean(rest[own] ** 2, axis=1))
        best = own[int(np.argmax(root))]
        if root.max() < _LEAST:
            break
        chosen.append(Choice(names[best], _reason(sizes, best), float(root.max())))
        along = rest[best] / np.linalg.norm(rest[best])
        rest = rest - np.outer(rest @ along, along)
        own.remove(best)
    others = np.sqrt(np.mean(moves**2, axis=1))
    free = {choice.name for choice in chosen}
    order = [n for n in np.argsort(-others) if names[n] not in free and others[n] >= 1.0][:3]
    return chosen, [Choice(names[n], _reason(sizes, n), float(others[n])) for n in order]


def _reason(sizes: dict[str, tuple[Array, str]], row: int) -> str:
    """How far a number moves the measure that it moves most."""
    measure, (most, unit) = max(sizes.items(), key=lambda item: float(item[1][0][row]))
    if unit == "fold":
        return f"{measure} by a factor of {number(float(np.exp(min(most[row], 50.0))), 2)}"
    return f"{measure} by {number(float(most[row]), 2)} {unit}".rstrip()


def _moves(study: Study, names: list[str]) -> tuple[Array, dict[str, tuple[Array, str]]]:
    """What numbers move from their 5 to their 95 %, of all that is measured, in errors of a reading.

    returns  shape (number, reading); and by measure the largest, shape (number,), with its unit: "fold" for logarithms
    """
    short, lanes = outline(plan(study)).plan, _lanes(study, names)
    parts = [
        evaluate(short, {name: c[first : first + _LANES] for name, c in lanes.items()}, short.times)
        for first in range(0, 2 * len(names), _LANES)
    ]
    moves, sizes = list[Array](), dict[str, tuple[Array, str]]()
    for measure in study.tables.measure:
        values = np.concatenate([part[measure] for part in parts]).reshape(2 * len(names), -1)
        bound = endpoint(study, study.tables.measure[measure], study.best_values)
        unit = study.unit(measure)
        unit = "dB" if unit.startswith("dB") else unit
        if in_ratios(study, measure):
            values, unit = np.log(np.maximum(values, 1e-9 * values.max())), "fold"
        apart = values[: len(names)] - values[len(names) :]
        sizes[measure] = np.max(np.abs(apart), axis=1), unit
        moves.append(apart / float(np.ravel(getattr(bound, "error", 1.0))[0]))
    return np.concatenate(moves, axis=1), sizes


def _lanes(study: Study, names: list[str]) -> dict[str, Array]:
    """Every number of the study, shape (lane,): each of the names at its 95 %, then each at its 5 %, others at best."""
    lanes = {name: np.full(2 * len(names), value[0]) for name, value in study.best_values.items()}
    for row, name in enumerate(names):
        for moved, ends in Free.of(study, [name]).values(np.array([[_NORMAL], [-_NORMAL]])).items():
            lanes[moved][[row, row + len(names)]] = ends
    return lanes
