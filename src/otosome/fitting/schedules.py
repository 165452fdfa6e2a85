"""Which of a study's samples an animal gave: ears that gave others hold something else, and are not compared with it.

A ``[sample]`` of every ear is drawn at all its times from each. An animal that gave fewer has more left in it, so its
readings have no place there: the study says whose the samples are (``animals``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.errors import BadInput
from otosome.fitting.assays import is_assay_of

if TYPE_CHECKING:
    import pandas as pd

    from otosome.study import Study
    from otosome.study.tables import SampleUse

# A sample is of a planned moment that differs by a minute, or by so much of the moment, at most.
_HOURS, _SHARE = 1.0 / 60.0, 0.05


@dataclass(frozen=True)
class _Drawn:
    """A measure of samples: which ``[sample]``, its table, and where along the scala it is drawn."""

    measure: str
    name: str
    use: SampleUse
    place: float

    def moments(self, times: Sequence[float]) -> list[int]:
        """The number of the planned moment that each time is of; -1 for none."""
        planned = np.array([float(moment) for moment in self.use.at])
        lasting = self.use.number * (0.0 if self.use.duration is None else float(self.use.duration))
        numbers = list[int]()
        for time in times:
            late = time - planned
            near = (late > -np.maximum(_HOURS, _SHARE * np.abs(planned))) & (
                late < np.maximum(_HOURS, _SHARE * np.abs(planned)) + lasting
            )
            numbers.append(int(np.argmin(np.where(near, np.abs(late), np.inf))) if near.any() else -1)
        return numbers

    def holds(self, drawn: set[int]) -> bool:
        """Whether animals that gave the samples of these moments and no other can be among those it is drawn from."""
        if self.use.animals == "each":
            return len(drawn) == 1
        return self.use.animals is not None or len(drawn) == len(self.use.at)

    def more(self, drawn: set[int]) -> int:
        """How many samples its animals gave beyond these."""
        return 0 if self.use.animals == "each" else len(self.use.at) - len(drawn)


def by_schedule(study: Study, rows: pd.DataFrame, name: str) -> list[str]:
    """The measure of each reading: where a study measures samples, the one whose samples its animal gave.

    ``rows``  of a table of readings;  ``name``  stands in errors
    returns   what stands there already, and blanks where nothing that was sampled is measured
    raises    BadInput for an animal that gave fewer samples than the study draws from one ear, or more
    """
    rows = rows.reset_index(drop=True)
    named = rows["measure"].tolist()
    for quantity in rows["quantity"].unique():
        drawn = [
            _Drawn(measure, use.sample, study.tables.sample[use.sample], _place(study, use.sample))
            for measure, use in study.tables.measure.items()
            if use.sample is not None and is_assay_of(study, use, str(quantity))
        ]
        blank = (rows["quantity"] == quantity) & (rows["measure"] == "") & (rows["subject"] != "")
        own = rows[blank] if drawn else rows.iloc[:0]
        for (subject, _), of_ear in own.groupby(["subject", "ear"], sort=False):
            places = np.array(_nearest(of_ear, drawn))
            for place in np.unique(places):
                here, some = [each for each in drawn if each.place == place], of_ear[places == place]
                measure = _of_animal(str(subject), some["time"].tolist(), here, name)
                for row in some.index:
                    named[row] = measure
    return named


def _place(study: Study, sample: str) -> float:
    return study.drawn_at(study.tables.sample[sample])


def _nearest(rows: pd.DataFrame, drawn: Sequence[_Drawn]) -> list[float]:
    """The place, among those that are drawn from, nearest to where each row is from; the first where it says none."""
    places = np.array([each.place for each in drawn])
    stated = rows["place"].to_numpy(dtype=float) if "place" in rows else np.full(len(rows), np.nan)
    return [float(places[0 if np.isnan(p) else np.argmin(np.abs(places - p))]) for p in stated]


def _of_animal(subject: str, times: Sequence[float], drawn: Sequence[_Drawn], name: str) -> str:
    """The measure whose samples one animal gave at some times of one place; raises BadInput where there is none."""
    pairs = [(each, set(each.moments(times))) for each in drawn]
    most = max(len(moments - {-1}) for _, moments in pairs)
    if not most:
        return drawn[0].measure
    fitting = [
        (each.more(moments), number, each.measure)
        for number, (each, moments) in enumerate(pairs)
        if -1 not in moments and each.holds(moments)
    ] or [
        (each.more(moments - {-1}), number, each.measure)
        for number, (each, moments) in enumerate(pairs)
        if len(moments - {-1}) == most and each.holds(moments - {-1})
    ]
    if fitting:
        return min(fitting)[2]
    each, moments = max(pairs, key=lambda pair: len(pair[1] - {-1}))
    count = len(moments - {-1})
    if each.use.animals == "each":
        raise BadInput(
            f"draws each sample from an animal of its own, and {subject} gave {count}",
            file=name,
            key=f"sample.{each.name}.animals",
            given="each",
            cure='write a [sample] with animals = "serial" and the times of those animals, or draft anew: '
            "otosome new fit --from TABLE",
        )
    raise BadInput(
        f"draws {len(each.use.at)} samples from every ear one after another, and {subject} gave {count} of them, so "
        "that more was left in it",
        file=name,
        key=f"sample.{each.name}",
        given=", ".join(moment.text for moment in each.use.at),
        cure=f'add animals = "each" to [sample.{each.name}] if each was drawn from an animal of its own, or '
        'animals = "serial" if all were drawn from one and some were not assayed',
    )
