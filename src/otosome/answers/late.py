"""Treatment after the insult: what of its answer is built into the numbers of the late window."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from otosome.answers.contrast import gain
from otosome.answers.numbers import Interval, interval, number
from otosome.ears import Columns
from otosome.forward import Cochleae, planned
from otosome.model.injury import RAISED
from otosome.study import Compare, Study
from otosome.units import Array

# Of the vesicles at half the signal: a dose that no receptor can tell from more of it.
_SATURATING = 1e-9
_DAY = 24.0


@dataclass(frozen=True)
class Late:
    """What the benefit of a treatment that begins after the insult owes to the late window.

    ``delay``   h from the end of the last insult to the first dose
    ``closed``  the benefit with the window closed: no silent cell comes back, clearing and repair at most doubled
    ``most``    of the strongest vesicles that the numbers allow: every effect at its largest, at any dose
    ``text``    the same in words
    """

    delay: float
    closed: Interval
    most: Interval
    text: str


def late(study: Study, question: Compare, beside: Mapping[str, Array], unit: str) -> Late | None:
    """What is built into the compared benefit, or None where treatment begins before the last insult has ended.

    ``beside``  the ears' benefits with the window closed and at most, of ``benefits_late``, in ``unit``
    """
    delay = _delay(study, question.of)
    if delay is None:
        return None
    ends = {name: interval(beside[name], unit, gain=True) for name in _CHANGES}
    return Late(delay, ends["closed"], ends["most"], _words(delay, ends["closed"], ends["most"]))


def benefits_late(study: Study, question: Compare) -> Callable[[Cochleae], dict[str, Array]]:
    """The compared benefit of some ears with the window closed and at most, (ear,); none where treatment is early."""
    return partial(_late, study, gain(study, question), _delay(study, question.of) is not None)


def _late(
    study: Study, of: Callable[[Cochleae], dict[str, Array]], late: bool, ears: Cochleae
) -> dict[str, Array]:
    changes = _CHANGES.items() if late else ()
    return {name: of(ears.acting(change(study, ears.columns)))["benefit"] for name, change in changes}


def _words(delay: float, shut: Interval, best: Interval) -> str:
    after = f"{number(delay / _DAY, 2)} d" if delay >= 2 * _DAY else f"{number(delay, 2)} h"
    return (
        f"Treated {after} after the insult: how long cells can still be reached is built in, by wide and mostly "
        "assumed numbers that no untreated ear shows. With that window closed (no silent cell comes back, stress "
        f"cleared and cells repaired at most twice as fast) the benefit is {shut.text}; the strongest vesicles that "
        f"these numbers allow, at any dose, reach {best.text}. Where it lies between, only an experiment on late "
        "treatment tells."
    )


def _delay(study: Study, name: str) -> float | None:
    """From the end of the last insult that is no operation to the first dose, h; None where that is not after it."""
    arm = planned(study, study.arm(name))
    operations = {use.entry for use in study.suffered(arm.arm) if study.is_event(use)}
    ends = [max(use.use.stop) for use in arm.insults if use.entry not in operations]
    ends += [max(drug.use.stop) for drug in arm.drugs if drug.table == "insult"]
    doses = [time for treatment in arm.treatments for time in treatment.times]
    if not ends or not doses or min(doses) <= max(ends):
        return None
    return float(min(doses) - max(ends))


def closed(study: Study, columns: Columns) -> dict[str, Array]:
    """Columns of ears in which silent cells stay silent, and clearing and repair are at most doubled."""
    changed = dict(columns)
    for name, action in _effects(study, columns):
        if action == "revive":
            changed[name] = np.zeros_like(columns[name])
        elif action in RAISED:
            changed[name] = np.minimum(columns[name], 1.0)
    return changed


def most(study: Study, columns: Columns) -> dict[str, Array]:
    """Columns of ears whose vesicles do as much as the numbers allow, at any dose."""
    changed = dict(columns)
    for name, _ in _effects(study, columns):
        changed[name] = np.full_like(columns[name], study.parameters[name].high)
    for name in changed:
        if name.startswith("mechanisms.") and name.endswith((".ec50", ".n50")):
            changed[name] = _SATURATING * columns[name]
    return changed


def _effects(study: Study, columns: Columns) -> Iterator[tuple[str, str]]:
    """Every largest effect of every mechanism, by its name and its action."""
    for name in study.mechanisms:
        mechanism = study.catalog.get("mechanisms", name).bind(columns, study.tables.species)
        for action in mechanism.acts:
            yield f"mechanisms.{name}.{action}", action


_CHANGES = {"closed": closed, "most": most}
