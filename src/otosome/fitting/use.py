"""A fit in the place of the shelf's numbers: which numbers of a study it brings, and what their sources then say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from otosome.ears import Ears
from otosome.errors import BadInput
from otosome.fitting.fit import Fit
from otosome.study import Study
from otosome.study.tables.pins import Number

# The entry of the shelf of sources that stands for a laboratory's own fit.
SOURCE = "own_fit"


@dataclass(frozen=True, eq=False)
class Known:
    """A fit that others rest on: its estimates, its draws, its result folder; equal by what it was fitted to."""

    fit: Fit
    draws: Ears
    folder: Path

    @property
    def key(self) -> tuple[str, str]:
        """What tells two fits apart: the readings, and the draws."""
        return self.fit.data_hash, self.draws.fingerprint

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Known) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def notes(self) -> list[str]:
        """What a person must know who uses it."""
        return _notes(self.fit, [estimate.name for estimate in self.fit.estimates])

    def stated(self, study: Study) -> Study:
        """A study with its numbers; raises BadInput where it rests on none of them, or states one itself."""
        return informed(study, self.fit, self.draws, self.folder).study


@dataclass(frozen=True)
class Informed:
    """A study with a fit's numbers stated in the place of the shelf's, and the draws they come from."""

    study: Study
    prior: Ears


def informed(study: Study, fit: Fit, ears: Ears, origin: Path) -> Informed:
    """A study with the numbers of a fit, each with its median, 5 and 95 %, and the hash of the data as its reason.

    ``ears``    draws of the fit;  ``origin``  its result folder
    raises      BadInput where the study rests on none of the numbers that were fitted, or states one itself
    """
    numbers = study.parameters
    shared = [estimate for estimate in fit.estimates if estimate.name in numbers]
    if not shared:
        raise BadInput(
            "fitted no number that this study rests on",
            file=str(origin),
            key="--fit",
            given=", ".join(estimate.name for estimate in fit.estimates)[:200],
        )
    pins = {}
    for estimate in shared:
        if estimate.name in study.tables.numbers and not study.tables.numbers[estimate.name].shelf:
            raise BadInput(
                "is stated by the study and by the fit",
                file=study.name,
                key=f"numbers.{estimate.name}",
                cure="leave it out of the study",
            )
        low, median, high = (
            f"{end!r} {estimate.unit}".strip() for end in (estimate.low, estimate.median, estimate.high)
        )
        pins[estimate.name] = Number(
            value=median,
            low=low,
            high=high,
            basis="computed",
            source=SOURCE,
            because=f"Fitted ({fit.method}) to {fit.readings} readings of {fit.animals} animals, "
            f"SHA-256 {fit.data_hash}, in {origin.name}.",
        )
    tables = study.tables.model_copy(update={"numbers": {**study.tables.numbers, **pins}})
    notes = [*study.notes, *_notes(fit, [estimate.name for estimate in shared])]
    return Informed(replace(study, tables=tables, notes=tuple(notes)), ears)


def _notes(fit: Fit, names: list[str]) -> list[str]:
    """What a person must know who uses a fit."""
    notes = [
        f"Fitted to readings with SHA-256 {fit.data_hash}, the rest drawn from the shelves: {', '.join(names)}."
    ]
    if fit.method == "posterior" and not fit.converged:
        notes.append("The fit's draws had not converged; its numbers, and this result, may move.")
    if fit.method == "laplace":
        notes.append("The fit's intervals are Laplace's, those of a parabola at the most probable values.")
    notes.append(
        "The numbers that were not fitted are drawn from their whole range here, and stood at their best value in the "
        "fit: medians may lie beside the fitted line."
    )
    return notes
