"""Any endpoint of a stored result, computed from the cells it keeps: no simulation is made anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from otosome.jobs.study import StudyResult, stored
from otosome.jobs.watch import SILENT, Watch
from otosome.units import Json

if TYPE_CHECKING:
    import xarray as xr

    from otosome.answers.numbers import Interval
    from otosome.study import Study

# The measure asked for, among those of the study.
_NAME = "asked"


@dataclass(frozen=True, kw_only=True)
class MeasureInputs:
    """What is to be measured in a stored result.

    ``result``    its folder;  ``endpoint``  an entry of the shelf endpoints
    ``at``        moments at which the result keeps cells: "7 d";  ``frequency``  such as "8 kHz", none for words
    ``cell`` ``level`` ``material`` ``speech`` ``noise``  as in a study's ``[measure]``, where the endpoint asks
    ``shelves``   folders of one's own shelves
    """

    result: Path
    endpoint: str
    at: tuple[str, ...]
    frequency: tuple[str, ...] = ()
    cell: str | None = None
    level: str | None = None
    material: str | None = None
    speech: str | None = None
    noise: str | None = None
    shelves: tuple[Path, ...] = ()

    def table(self) -> dict[str, object]:
        """The measure as a study's file states it."""
        words = {name: getattr(self, name) for name in ("cell", "level", "material", "speech", "noise")}
        stated: dict[str, object] = {"endpoint": self.endpoint, "at": list(self.at)}
        if self.frequency:
            stated["frequency"] = list(self.frequency)
        return stated | {name: word for name, word in words.items() if word is not None}


@dataclass(frozen=True)
class Measured:
    """True values of an endpoint: ``values`` has dims arm, subject, time (h) and frequency (kHz)."""

    result: StudyResult
    endpoint: str
    values: xr.DataArray

    def rows(self) -> Iterator[tuple[str, float, float | None, Interval]]:
        """Arm, time (h), frequency (kHz, None for words) and the interval over all ears."""
        from otosome.answers.numbers import interval

        unit, tonal = str(self.values.attrs["unit"]), bool(self.values.attrs["tonal"])
        for arm in self.values.arm.to_numpy():
            for time in self.values.time.to_numpy():
                for tone in self.values.frequency.to_numpy():
                    ears = self.values.sel(arm=arm, time=time, frequency=tone).to_numpy()
                    yield str(arm), float(time), float(tone) if tonal else None, interval(ears, unit)

    def as_dict(self) -> Json:
        """The answer for a machine, as ``docs/schemas`` has it."""
        rows = [
            {"arm": arm, "time": time, "frequency": tone, "value": asdict(value)}
            for arm, time, tone, value in self.rows()
        ]
        return {
            "inputs": dict(self.result.record.inputs),
            "seed": self.result.seed,
            "result": {"endpoint": self.endpoint, "ears": int(self.values.sizes["subject"]), "rows": rows},
            "notes": [],
        }

    def lines(self) -> list[str]:
        """The answer for a person."""
        head = f"{self.endpoint} of {self.values.sizes['subject']} ears: median, 5 to 95 %"
        return [
            head,
            *(
                f"  {arm}, {time / 24:g} d{'' if tone is None else f', {tone:g} kHz'}: {value.text}"
                for arm, time, tone, value in self.rows()
            ),
        ]


def measure(inputs: MeasureInputs, watch: Watch = SILENT) -> Measured:
    """Measure an endpoint of the cells that a stored result keeps; raises BadInput, or Cancelled."""
    from otosome.ears import Ears
    from otosome.forward import measure as of_cells
    from otosome.results import EARS
    from otosome.review.standing import asked_then

    result = stored(inputs.result)
    study = asked_then(result.data, inputs.shelves, inputs.result)
    watch.check()
    quantity = _with_measure(study, inputs).tables.measure[_NAME]
    values = of_cells(study, result.data, Ears.read(inputs.result / EARS), quantity)
    values.attrs["tonal"] = quantity.frequency is not None
    return Measured(result, inputs.endpoint, values)


def _with_measure(study: Study, inputs: MeasureInputs) -> Study:
    """The study with one more measure, checked as a study's file is."""
    from otosome.study import Study

    # Pinned numbers play no part in whether the measure is one.
    stated = {key: value for key, value in study.as_dict().items() if key not in ("numbers", "curves")}
    measures = {name: measure.model_dump(exclude_none=True) for name, measure in study.tables.measure.items()}
    stated["measure"] = {**measures, _NAME: dict(inputs.table())}
    return Study.of(
        stated, name=study.name, folder=inputs.result, shelves=inputs.shelves, allow_retracted=study.allowed
    )
