"""What a laboratory would have written down of a result."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from otosome.ears import Ears, Rows
from otosome.errors import BadInput
from otosome.evidence import uniforms
from otosome.forward.cochleae import Cochleae
from otosome.forward.drawing import draw
from otosome.forward.endpoints import endpoint
from otosome.forward.planning import plan
from otosome.model.grades import Grades, OneEar
from otosome.roles import Reading
from otosome.study import Measure, Study
from otosome.units import Array

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


_WORDS = ("ear", "group", "quantity", "measure", "unit", "censored", "flag", "file", "sha256")
_COLUMNS = [
    "subject",
    "ear",
    "group",
    "time",
    "quantity",
    "measure",
    "frequency",
    "place",
    "value",
    "unit",
    "level",
    "censored",
    "flag",
    "file",
    "sha256",
]
# Rows of readings that are made at once.
_ROWS = 1 << 14
_KINDS: dict[str, type] = {"subject": int, **dict.fromkeys(_WORDS, str)}


def observe(study: Study, result: xr.Dataset, table: Ears | pd.DataFrame | None = None) -> pd.DataFrame:
    """What a laboratory would have written down: a row per reading (the ``readings`` table of the contracts).

    ``quantity`` says what was read in the words of an imported table (``abr_threshold``, ``cell_count.ohc``), so that
    both join; ``measure`` is its variable in the result.

    Where an endpoint is read at both ears, these share everything but the error of reading: one person, one
    cochlea in two copies, treated alike; unless the other ear's own audiogram is known. A scale of a measure grades
    the person by these readings, against the earliest: a row whose quantity is the scale and whose value counts the
    scale's labels from 0.

    Perilymph samples are read without an error of their own: no assay's is on a shelf.

    ``table``  the ears the result was made with; where they are those of a plain ``draw`` they are drawn again
    raises     BadInput for any other ears than the result's
    """
    import pandas as pd

    return pd.concat(observed(study, result, table), ignore_index=True)


def observed(
    study: Study, result: xr.Dataset, table: Ears | pd.DataFrame | None = None, measures: Collection[str] = ()
) -> Iterator[pd.DataFrame]:
    """The rows of ``observe`` in their order, some of them at a time; at least one table, though it were empty.

    ``measures``  the only ones that are read, by name; all, and perilymph, where none is named
    """
    import pandas as pd

    ears = ears_of(study, result, table)
    second = pd.Series(ears.person, index=ears.ear).duplicated()
    ear = Cochleae(plan(study), ears.take(slice(0, 1))).ear
    frames = _read(study, result, ears, measures)
    first = next(frames, None)
    if first is None:
        # A study of drugs alone may follow curves and read nothing.
        yield pd.DataFrame({name: pd.Series(dtype=_KINDS.get(name, float)) for name in _COLUMNS})
        return
    for rows in chain([first], frames):
        rows["censored"] = rows["censored"].map({-1: "below", 0: "none", 1: "above"})
        # The second ear that is studied of one animal is its right one.
        rows["ear"] = rows["ear"].where(~rows["subject"].map(second).astype(bool), "right")
        rows["flag"], rows["file"], rows["sha256"] = "", "", ""
        rows["place"] = rows["place"].fillna(pd.Series(ear.place_of(rows["frequency"].to_numpy())))
        yield rows[_COLUMNS]


def _read(study: Study, result: xr.Dataset, ears: Ears, measures: Collection[str]) -> Iterator[pd.DataFrame]:
    """The readings of every measure and arm, and what was drawn, in pieces."""
    for name, measure in study.tables.measure.items():
        if name in measures or not measures:
            for number, arm in enumerate(map(str, result.arm.to_numpy())):
                yield from _of_arm(study, result, ears, (name, measure), (number, arm))
    if not measures:
        yield from _drawn(study, result)


def _of_arm(
    study: Study, result: xr.Dataset, ears: Ears, named: tuple[str, Measure], numbered: tuple[int, str]
) -> Iterator[pd.DataFrame]:
    """The readings of one measure in one arm, a side after the other, then the grades they give."""
    (name, measure), (number, arm) = named, numbered
    sheet, bound = _Sheet.of(measure, ears.ear), endpoint(study, measure, ears)
    options = study.catalog.get("endpoints", measure.endpoint).options
    sides = options.ears
    by_side: dict[str, Reading] = {}
    for side in sides:
        true = result[name if side == study.ear else f"other_{name}" if f"other_{name}" in result else name]
        value = true.sel(arm=arm, time=sheet.times, frequency=sheet.frequencies).to_numpy()
        key = f"readings/{name}/{number}" + ("" if side == sides[0] else f"/{side}")
        by_side[side] = bound.read(value, _in_sessions(ears, key, value.shape[1:], options.session))
        labels = {"quantity": measure.quantity, "measure": name, "unit": result[name].attrs["unit"]}
        for rows in sheet.readings(by_side[side]):
            yield rows.assign(**labels, group=arm, ear=side)
    for scale in measure.scales or []:
        labels = {"quantity": scale, "measure": name, "unit": "grade", "group": arm}
        labels["ear"] = sides[0] if len(sides) == 1 else "both"
        grades = _graded(study, scale, sheet.frequencies, list(by_side.values()))
        yield sheet.grades(grades).assign(**labels)


def ears_of(study: Study, result: xr.Dataset, table: Ears | pd.DataFrame | None) -> Ears:
    """The ears of a result, in its order, of those given, or drawn again; raises BadInput unless they are its own."""
    subjects = result.subject.to_numpy()
    if table is None:
        part = slice(int(subjects.min()), int(subjects.max()) + 1)
        ears = draw(study, seed=int(result.attrs["seed"]), rows=part).pick(subjects)
    else:
        ears = Ears.of(table).pick(subjects)
    if ears.fingerprint != result.attrs.get("ears"):
        raise BadInput(
            "are not those the result was made with", key="ears", cure="give the ears that were simulated"
        )
    return ears


def _luck(ears: Ears, numbers: Rows, key: str, shape: tuple[int, ...]) -> Array:
    """Uniform numbers of each ear, or run: functions of its number alone, whoever is left out or comes besides."""
    each = int(np.prod(shape))
    some, place = np.unique(numbers, return_inverse=True)
    luck = np.empty((some.size, *shape))
    for part in np.split(np.arange(some.size), np.flatnonzero(np.diff(some) != 1) + 1):
        first, last = int(some[part[0]]), int(some[part[-1]]) + 1
        luck[part] = uniforms(ears.seed, key, first * each, last * each).reshape(-1, *shape)
    return luck[place]


def _in_sessions(ears: Ears, key: str, shape: tuple[int, ...], share: float) -> Array:
    """Luck of each reading, of whose variance a ``share`` is that of all readings of one run's session."""
    from scipy.special import ndtr, ndtri

    own = _luck(ears, ears.ear, key, shape)
    if not share:
        return own
    session = _luck(ears, ears.run, f"{key}/session", (shape[0], 1))
    return np.asarray(ndtr(np.sqrt(1.0 - share) * ndtri(own) + np.sqrt(share) * ndtri(session)))


def _drawn(study: Study, result: xr.Dataset) -> list[pd.DataFrame]:
    """A row per subject, sample and solute of each arm; of one ear, at the place of the perforation."""
    import pandas as pd

    frames = []
    places = np.array([drawn.at for _, drawn in plan(study).samples])
    for name in [str(name) for name in result.data_vars if str(name).startswith("sampled_")]:
        for arm in result.arm.to_numpy():
            index = pd.MultiIndex.from_product(
                [result.subject.to_numpy(), np.arange(places.size)], names=["subject", "sample"]
            )
            rows = index.to_frame(index=False)
            rows["time"] = result.sampled_at.to_numpy()[rows["sample"]]
            rows["place"] = places[rows["sample"]]
            labels = {"quantity": f"{name.removeprefix('sampled_')}.perilymph", "measure": name}
            labels |= {"unit": result[name].attrs["unit"], "group": str(arm), "ear": "left"}
            value = result[name].sel(arm=arm).to_numpy().ravel()
            blank = {"censored": 0.0, "level": np.nan, "frequency": np.nan}
            frames.append(rows.drop(columns="sample").assign(value=value, **labels, **blank))
    return frames


@dataclass(frozen=True)
class _Sheet:
    """The rows of one measure: who, when, where; a score of speech has no frequency of its own."""

    subjects: Rows
    times: Array
    frequencies: Array
    level: float
    tonal: bool

    @classmethod
    def of(cls, measure: Measure, subjects: Rows) -> _Sheet:
        times = np.unique(measure.at)
        frequencies = np.unique(measure.tones)
        level = measure.speech if measure.level is None else measure.level
        return cls(
            subjects,
            times,
            frequencies,
            np.nan if level is None else float(level),
            measure.frequency is not None,
        )

    def readings(self, reading: Reading) -> Iterator[pd.DataFrame]:
        """A row per subject, time and frequency, some subjects at a time."""
        each = max(1, _ROWS // (self.times.size * self.frequencies.size))
        for start in range(0, self.subjects.size, each):
            some = slice(start, start + each)
            rows = self._rows(subject=self.subjects[some], time=self.times, frequency=self.frequencies)
            rows["value"], rows["censored"] = reading.value[some].ravel(), reading.censored[some].ravel()
            if not self.tonal:
                rows["frequency"] = np.nan
            yield rows.assign(level=self.level, place=np.nan)

    def grades(self, grades: Grades) -> pd.DataFrame:
        """A row per subject and time."""
        rows = self._rows(subject=self.subjects, time=self.times)
        return rows.assign(
            value=grades.ravel().astype(float), censored=0.0, level=np.nan, frequency=np.nan, place=np.nan
        )

    def _rows(self, **axes: Array | Rows) -> pd.DataFrame:
        import pandas as pd

        return pd.MultiIndex.from_product(list(axes.values()), names=list(axes)).to_frame(index=False)


def _graded(study: Study, scale: str, frequencies: Array, ears: list[Reading]) -> Grades:
    """Grade of each person at each time against the first, shape (subject, time)."""
    graded = [
        OneEar(ear.value, ear.value[:, :1], (ear.censored > 0) & (ear.censored[:, :1] <= 0)) for ear in ears
    ]
    first = graded[0]
    other = graded[1] if len(graded) > 1 else None
    return study.scale(scale).grade(first.audiogram, frequencies, first.baseline, first.lost, other)
