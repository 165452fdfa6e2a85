"""The measured readings outside the band of a simulation, one by one: of which animal, ear and run, and how far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from otosome.answers.numbers import amount
from otosome.fitting.against import Simulated, distinct, same
from otosome.fitting.observations import Observations, Readings
from otosome.laboratory.cohorts import Runs

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from otosome.ears import Ears
    from otosome.study import Study


@dataclass(frozen=True)
class Reading:
    """A reading outside the band of single simulated ears.

    ``run``   with which others the animal was exposed; blank where that is not known
    ``time``  h;  ``tone``  kHz, None for words
    ``side``  "below" or "above";  ``low`` ``high``  the band
    """

    animal: str
    ear: str
    run: str
    arm: str
    measure: str
    time: float
    tone: float | None
    value: float
    unit: str
    side: str
    low: float
    high: float

    @property
    def text(self) -> str:
        """The value as printed."""
        return amount(self.value, self.unit)

    @property
    def band(self) -> str:
        """The band as printed."""
        return f"{amount(self.low, self.unit)} to {amount(self.high, self.unit)}"


@dataclass(frozen=True)
class Animal:
    """An animal with readings outside: how many of them, of how many that were compared."""

    animal: str
    run: str
    arm: str
    below: int
    above: int
    readings: int


@dataclass(frozen=True)
class Outside:
    """All readings outside, in the order of animals, and by animal, most first."""

    readings: list[Reading]
    animals: list[Animal]


def outside(study: Study, result: xr.Dataset, ears: Ears, observed: Observations, runs: Runs) -> Outside:
    """What of measured readings lies outside the bands that ``against`` lays under them.

    ``ears``  the result was made with;  ``runs``  in which each animal was exposed
    """
    rows = [
        row
        for readings in observed.readings
        for row in _of_measure(Simulated.of(study, result, ears, readings.measure), readings, observed, runs)
    ]
    order = [arm.name for arm in study.tables.arm]
    rows.sort(
        key=lambda row: (order.index(row.arm), row.animal, row.measure, row.time, row.tone or 0.0, row.ear)
    )
    return Outside(rows, _by_animal(rows, observed))


def _of_measure(
    simulated: Simulated, readings: Readings, observed: Observations, runs: Runs
) -> Iterator[Reading]:
    measure = simulated.study.tables.measure[readings.measure]
    for place in distinct(readings):
        arm, at, tone = place
        low, high = simulated.band(place)
        own = readings.take(same(readings, *place))
        below, above = simulated.beyond(own.reading, low, high)
        for row in (below | above).nonzero()[0]:
            animal = observed.animals[own.animal[row]]
            yield Reading(
                animal=animal,
                ear=observed.ears[own.ear[row]] if observed.ears else "",
                run=runs.of.get(animal, ""),
                arm=str(simulated.result["arm"].to_numpy()[arm]),
                measure=readings.measure,
                time=float(simulated.result["time"].to_numpy()[at]),
                tone=None if measure.frequency is None else float(measure.tones[tone]),
                value=float(own.reading.value[row]),
                unit=simulated.unit,
                side="below" if below[row] else "above",
                low=float(f"{low:.4g}"),
                high=float(f"{high:.4g}"),
            )


def _by_animal(rows: Sequence[Reading], observed: Observations) -> list[Animal]:
    compared: dict[str, int] = {}
    for some in observed.readings:
        for number in some.animal:
            name = observed.animals[number]
            compared[name] = compared.get(name, 0) + 1
    by_name: dict[str, list[Reading]] = {}
    for row in rows:
        by_name.setdefault(row.animal, []).append(row)
    animals = [_animal(own, compared) for own in by_name.values()]
    return sorted(animals, key=lambda each: (-(each.below + each.above), each.animal))


def _animal(rows: Sequence[Reading], compared: Mapping[str, int]) -> Animal:
    first, below = rows[0], sum(row.side == "below" for row in rows)
    return Animal(first.animal, first.run, first.arm, below, len(rows) - below, compared[first.animal])


def table(laid: Outside) -> pd.DataFrame:
    """The readings as a table."""
    import pandas as pd

    columns = list(Reading.__dataclass_fields__)
    return pd.DataFrame([asdict(row) for row in laid.readings], columns=columns)
