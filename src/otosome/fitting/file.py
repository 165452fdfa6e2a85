"""A fit file: which study, which readings, which numbers are free, what is left out to be predicted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from otosome.cards import read_toml
from otosome.catalog import SHIPPED
from otosome.errors import BadInput, at
from otosome.files import sha256
from otosome.fitting.observations import Observations, exposed_at_once, observations
from otosome.fitting.printed import Compared, Means, PrintedComparison, PrintedMean
from otosome.study import Study, load
from otosome.study.files import file_of
from otosome.study.inputs import Inputs
from otosome.study.reading import table_of
from otosome.study.tables.base import Table
from otosome.study.tables.pins import Number
from otosome.units import Json

FITS = SHIPPED / "fits"
_FEWEST_ANIMALS = 2


class HoldOut(Table):
    """What is left out of the fit, and predicted by it."""

    every: int | None = Field(default=None, ge=2, description="every so many animals of each group: 4")
    in_turn: bool = Field(
        default=False,
        description="whether all animals are fitted, and besides every share of them is left out once: true",
    )
    animals: list[str] = Field(
        default=[],
        description='animals by name, whole or, where measures are named, in these alone: ["m2"]',
    )
    measures: list[str] = Field(default=[], description='measures of the study: ["synapses"]')
    beside: str | None = Field(
        default=None,
        description="the group whose mean, with the spread of all its readings about theirs, is the rival of what is "
        'left out: "m1"; left out, that of its own group',
    )


class Sampling(Table):
    """How the posterior is drawn; without this table there are the most probable numbers alone."""

    steps: int = Field(default=1000, ge=40, le=100_000, description="steps of each walker: 1000")
    walkers: int = Field(
        default=24, ge=8, le=512, description="walkers, at least twice as many as free numbers: 24"
    )


class Entry(Table):
    """What the entry of a shelf says that is made of the fit: in the folder ``entry`` of its result."""

    name: str = Field(
        default="",
        max_length=60,
        pattern=r"^\w*$",
        description='its name, letters and underscores: "my_mice"; that of the fit file, if left out',
    )
    about: str = Field(min_length=1, max_length=300, description='what it is of: "Mice of our own colony"')
    source: str = Field(description='where the readings come from, a name of the shelf of sources: "own_fit"')


class FitTables(Table):
    """The tables of a fit file."""

    otosome: Literal["fit/1"] = Field(description='what kind of file it is: "fit/1"')
    title: str = Field(default="", description='what it tells, in a line: "Loss of a drug from plasma"')
    study: str = Field(
        description='a study file beside this one, or the name of a shipped study: "my_study.toml"'
    )
    readings: str | None = Field(
        default=None, description='a table of readings, or the folder of an import: "results/import"'
    )
    mean: list[PrintedMean] = Field(
        default=[], max_length=200, description="means of groups, as papers print them"
    )
    comparison: list[PrintedComparison] = Field(
        default=[], max_length=200, description="comparisons of two groups, as papers print them"
    )
    free: list[str] = Field(
        min_length=1, max_length=40, description='numbers set free: ["insults.noise.ohc"]'
    )
    numbers: dict[str, Number] = Field(
        default={},
        description="numbers as the fit has them, in place of those of study and shelves: what a free one was thought "
        "to be before",
    )
    animal: list[str] | None = Field(
        default=None,
        description="numbers that differ between animals: all that the shelves say do, if none are named",
    )
    runs: str | None = Field(
        default=None,
        description='a table with the columns subject and run: which animals were exposed at once: "runs.csv"',
    )
    starts: int = Field(
        default=3, ge=1, le=50, description="places from which the most probable numbers are sought: 3"
    )
    seed: int = Field(default=1, ge=0, le=2**63 - 1, description="seed of starts and walkers: 1")
    hold_out: HoldOut = Field(
        default=HoldOut(), description="what is left out of the fit, and predicted by it"
    )
    explanations: dict[str, list[str]] = Field(
        default={},
        max_length=12,
        description='lists of mechanisms that may explain the readings, by name: {contact = ["hsp70"], none = []}',
    )
    posterior: Sampling | None = Field(
        default=None, description="how the posterior is drawn: steps and walkers"
    )
    entry: Entry | None = Field(
        default=None, description="what the shelf's entry of the fit says: about and source"
    )


@dataclass(frozen=True)
class FitFile:
    """A checked fit: its study and readings.

    ``fitted``  the readings that are fitted;  ``left``  those that are left out of it
    ``inputs``  SHA-256 of every file, by path
    """

    name: str
    tables: FitTables
    study: Study
    fitted: Observations
    left: Observations
    inputs: dict[str, str]

    def turns(self) -> list[tuple[Observations, Observations]]:
        """What is fitted and what left out, where every share of the animals is left out in turn; else none."""
        hold_out = self.tables.hold_out
        if not hold_out.in_turn or hold_out.every is None:
            return []
        return [_parted(self.fitted, hold_out, first) for first in range(hold_out.every)]

    @property
    def beside(self) -> int | None:
        """The number of the group whose mean is the rival of what is left out; None for that of its own group."""
        named = self.tables.hold_out.beside
        return None if named is None else [arm.name for arm in self.study.tables.arm].index(named)

    @property
    def data_hash(self) -> str:
        """SHA-256 of the readings, its first twelve digits; of the fit file where it holds all there is."""
        return next(iter({**self.fitted.inputs, **self.inputs}.values()))[:12]


def load_fit(file: Path, shelves: tuple[Path, ...] = ()) -> FitFile:
    """A fit file, its study and its readings; raises BadInput naming file and key."""
    file = fit_path(file)
    tables = table_of(FitTables, read_toml(file), file.name)
    study = _study(file, tables, shelves)
    observed = _observed(study, tables, file)
    if tables.runs is not None:
        with at(file.name, "runs"):
            observed = exposed_at_once(observed, _inside(file.parent, tables.runs))
    unknown = sorted(set(tables.hold_out.measures) - study.tables.measure.keys())
    if unknown:
        allowed = sorted(study.tables.measure)
        raise BadInput(
            "is no measure of the study",
            file=file.name,
            key="hold_out.measures",
            given=unknown[0],
            allowed=allowed,
        )
    _check_explanations(study, tables.explanations, file.name)
    _check_names(tables.hold_out, study, observed, file.name)
    if tables.entry is not None:
        with at(file.name, "entry.source"):
            study.catalog.source(tables.entry.source)
    if tables.hold_out.in_turn and tables.hold_out.every is None:
        raise BadInput(
            "needs to know how many animals are left out at once",
            file=file.name,
            key="hold_out.in_turn",
            given="true",
            cure="add every = 4: every fourth animal of each group",
        )
    first = None if tables.hold_out.in_turn else 0
    fitted, left = _parted(observed, tables.hold_out, first)
    _check_enough(fitted, study, file.name, tables.animal == [])
    inputs = {str(file): sha256(file), **study.inputs, **observed.inputs}
    return FitFile(file.stem, tables, study, fitted, left, inputs)


def fit_path(file: Path) -> Path:
    """A fit's own file, or that of a shipped fit by name; raises BadInput where there is neither."""
    if file.is_file():
        return file
    if str(file) in fits():
        return FITS / f"{file}.toml"
    raise BadInput(
        "is not there",
        file=str(file),
        allowed=fits(),
        cure="otosome new fit --from TABLE drafts one; or name a shipped fit",
    )


def fits() -> list[str]:
    """The shipped fits: each gives a number of the shelves."""
    return sorted(file.stem for file in FITS.glob("*.toml"))


def fit_titles() -> dict[str, str]:
    """The title of each shipped fit."""
    return {name: str(read_toml(FITS / f"{name}.toml")["title"]) for name in fits()}


def _study(file: Path, tables: FitTables, shelves: tuple[Path, ...]) -> Study:
    """The study of a fit, beside it or shipped, with the numbers that the fit states in place of its own."""
    own = file.parent / tables.study
    with at(file.name, "study"):
        known = _inside(file.parent, tables.study) if own.is_file() else file_of(tables.study)
    if not tables.numbers:
        return load(known, shelves=shelves)
    values: Json = dict(read_toml(known))
    stated = {name: number.model_dump(exclude_defaults=True) for name, number in tables.numbers.items()}
    return load(known, shelves=shelves, values=values | {"numbers": values.get("numbers", {}) | stated})


def _check_names(hold_out: HoldOut, study: Study, observed: Observations, file: str) -> None:
    """Animals left out are animals of the readings, and the group beside them is an arm."""
    named = {"animals": (hold_out.animals, list(observed.animals))}
    named |= {
        "beside": ([hold_out.beside] if hold_out.beside else [], [arm.name for arm in study.tables.arm])
    }
    for key, (names, known) in named.items():
        if unknown := sorted(set(names) - set(known)):
            raise BadInput(
                "is not among the readings" if key == "animals" else "is no arm of the study",
                file=file,
                key=f"hold_out.{key}",
                given=unknown[0],
                allowed=list(known)[:12],
            )
    if hold_out.animals and hold_out.every is not None:
        raise BadInput(
            "leaves out animals that are named, or every so many, and not both",
            file=file,
            key="hold_out.animals",
        )


def _check_explanations(study: Study, named: Mapping[str, list[str]], file: str) -> None:
    """Explanations are two at least, of mechanisms that there are, in a study that gives vesicles."""
    known = study.catalog.names("mechanisms")
    for name, mechanisms in named.items():
        if unknown := sorted(set(mechanisms) - set(known)):
            raise BadInput(
                "is no mechanism",
                file=file,
                key=f"explanations.{name}",
                given=unknown[0],
                allowed=sorted(known),
            )
    if len(named) == 1:
        raise BadInput(
            "is the only explanation, and is compared with none",
            file=file,
            key="explanations",
            given=next(iter(named)),
            cure="add another, such as none = []",
        )
    if named and not any(arm.treatments or arm.devices for arm in study.tables.arm):
        raise BadInput(
            "compares mechanisms by which vesicles act, and no arm of the study gets any",
            file=file,
            key="explanations",
            given=", ".join(named),
        )


def _observed(study: Study, tables: FitTables, file: Path) -> Observations:
    """Readings of single animals, and what papers print; raises BadInput where there is neither."""
    observed = Observations((), (), {})
    if tables.readings is not None:
        with at(file.name, "readings"):
            observed = observations(study, _inside(file.parent, tables.readings))
    printed = list[Means | Compared]()
    for number, mean in enumerate(tables.mean, 1):
        with at(file.name, f"mean.{number}"):
            printed.append(mean.checked(study))
    for number, comparison in enumerate(tables.comparison, 1):
        with at(file.name, f"comparison.{number}"):
            printed.append(comparison.checked(study))
    if not observed.readings and not printed:
        raise BadInput(
            "names nothing that was measured",
            file=file.name,
            key="readings",
            cure="name a table of readings, or write [[mean]] or [[comparison]] (docs/fit.md)",
        )
    return replace(observed, printed=tuple(printed))


def _inside(folder: Path, name: str) -> Path:
    """A path that a fit file names, which lies in its folder; raises BadInput for any other."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise BadInput(
            "lies outside the folder of the fit file", given=name, cure="put the fit file beside the data"
        )
    if path.is_dir():
        return path
    return Inputs(folder).file(name, "is not there", "name a file beside the fit file, or in a folder below")


def _parted(
    observed: Observations, hold_out: HoldOut, first: int | None = 0
) -> tuple[Observations, Observations]:
    """What is fitted, and what is left out: whole measures, and every so many animals of each group.

    Animals of which only whole measures are left out are not counted among them; of animals that are named only the
    measures that are named, or all.

    ``first``  the first of each group that is left out; None where no animal is
    """
    if hold_out.animals:
        return _named(observed, hold_out)
    out = set(hold_out.measures)
    rest = observed.without(out)
    first_arm = {
        int(animal): int(arm)
        for some in reversed(rest.readings)
        for animal, arm in zip(some.animal[::-1], some.arm[::-1], strict=True)
    }
    left: set[int] = set()
    for arm in sorted(set(first_arm.values())) if hold_out.every and first is not None else ():
        members = sorted(animal for animal, own in first_arm.items() if own == arm)
        left |= set(members[first :: hold_out.every])
    fitted = rest.of(first_arm.keys() - left)
    parts = [some for some in observed.readings if some.measure in out]
    parts += list(rest.of(left).readings)
    return fitted, replace(observed, readings=tuple(parts), printed=())


def _named(observed: Observations, hold_out: HoldOut) -> tuple[Observations, Observations]:
    """What is fitted, and what is left out of animals that are named."""
    numbers = [observed.animals.index(name) for name in hold_out.animals]
    out = {
        some.measure: np.isin(some.animal, numbers)
        & (some.measure in hold_out.measures or not hold_out.measures)
        for some in observed.readings
    }
    fitted = (some.take(~out[some.measure]) for some in observed.readings)
    left = (some.take(out[some.measure]) for some in observed.readings)
    return (
        replace(observed, readings=tuple(some for some in fitted if some.size)),
        replace(observed, readings=tuple(some for some in left if some.size), printed=()),
    )


def _check_enough(fitted: Observations, study: Study, file: str, alike: bool) -> None:
    """There is something to fit, with two animals in a group, unless all are alike, and values that differ."""
    if not fitted.places:
        raise BadInput("leaves no reading to fit", file=file, key="hold_out", cure="leave out less")
    for some in fitted.readings:
        if some.size > 1 and not some.reading.value.std() > 0:
            raise BadInput(
                f"every reading of {some.measure} is the same: a constant column says nothing of a spread",
                file=file,
                key="readings",
                given=f"{some.size} x {some.reading.value[0]:g}",
                cure="look at the column it came from",
            )
        for arm in [] if alike else sorted(set(some.arm.tolist())):
            animals = set(some.animal[some.arm == arm].tolist())
            if len(animals) < _FEWEST_ANIMALS:
                raise BadInput(
                    f"the group {study.tables.arm[arm].name!r} has one animal in {some.measure}, so that what differs "
                    "between animals cannot be told from the group",
                    file=file,
                    key="readings",
                    given=f"row {int(some.row[some.arm == arm][0])}",
                    cure="fit groups of two animals and more, or write animal = [] where animals are alike",
                )
