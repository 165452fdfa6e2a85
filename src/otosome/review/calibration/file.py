"""A fit to published cases: which rows of the shelf ``cases``, which numbers are free, and errors that none prints."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import Field

from otosome.cards import read_toml
from otosome.catalog import Catalog, Entry
from otosome.errors import BadInput, at
from otosome.evidence import Parameter, near
from otosome.files import fingerprint, sha256
from otosome.fitting.file import Sampling
from otosome.fitting.joint import shelf_name
from otosome.review.calibration.bench import Simulated
from otosome.review.calibration.figure import Figure
from otosome.review.qualification.case import Case, cases, no_row
from otosome.roles import CaseOptions
from otosome.study.reading import table_of
from otosome.study.tables.base import Table
from otosome.study.tables.pins import Number

# The key by which a fit file says that it is one to cases, and not to readings of a study.
MARK = "cases"
# Draws where a file asks for none.
_DRAWS = 240
CaseEntry = Entry[CaseOptions, object]


class RowError(Table):
    """How far a figure may be missed whose paper prints no error, or in the place of the one it prints."""

    size: str = Field(description='of its logarithm: "25 %"; or in the unit of the row: "3 dB"')
    ratio: bool = Field(
        default=False,
        description="whether it is of the logarithm where the row is in % or dB, which else is its own unit: true",
    )
    because: str = Field(min_length=1, description='why so much: "A ratio of means of six."')


class Narrow(Table):
    """How much of the spread that figures leave is stated, where the posterior is bent."""

    share: float = Field(
        gt=0.0,
        le=1.0,
        description="of what is left of the spread beside links, the share that rows state: 0.5",
    )
    because: str = Field(
        min_length=1, description='why not all: "A normal posterior of its whole width misses the figures."'
    )


class Within(Table):
    """How the normal distribution is sought that lies within what figures leave of the numbers."""

    rounds: int = Field(default=24, ge=6, le=500, description="moves of it: 24")
    draws: int = Field(
        default=200, ge=2, le=20_000, multiple_of=2, description="draws of all numbers in each: 200"
    )


class CaseFitTables(Table):
    """The tables of a fit to cases."""

    otosome: Literal["fit/1"] = Field(description='what kind of file it is: "fit/1"')
    title: str = Field(
        default="", description='what it tells, in a line: "Supply from blood along the scala"'
    )
    cases: list[str] = Field(
        min_length=1, max_length=40, description='rows of published cases that are fitted: ["pk:C31"]'
    )
    free: list[str] = Field(
        min_length=1, max_length=40, description='numbers set free: ["species.guinea_pig.supply_fall"]'
    )
    because: str = Field(
        default="", description="what the numbers stand for, in a sentence or two: it goes into their rows"
    )
    error: dict[str, RowError] = Field(
        default={},
        description='errors by row, where none is printed: {"pk:C31" = {size = "25 %", because = "..."}}',
    )
    narrow: Narrow | None = Field(
        default=None,
        description="share of the spread beside links that rows state, where a posterior is bent: all, if left out",
    )
    within: Within | None = Field(
        default=None,
        description="rounds and draws by which the normal distribution is sought whose own draws meet words that bend "
        "what is left of the numbers; narrower than all that is known",
    )
    posterior: Sampling | None = Field(
        default=None,
        description="how a posterior that words or bounds bend is drawn, steps and walkers; else it is made normal",
    )
    thought: Literal["shelf"] | None = Field(
        default=None,
        description='what free numbers were thought to be before: "shelf", the range that it has; nothing, if left out',
    )
    numbers: dict[str, Number] = Field(
        default={}, description="what free numbers were thought to be before, in the place of thought"
    )
    draws: int | None = Field(
        default=None,
        ge=0,
        le=20_000,
        multiple_of=2,
        description="draws of all that is not free, in pairs: 240; that many, or as many as slopes need, if left out; "
        "0 where all else has its best value",
    )
    seed: int = Field(default=1, ge=0, le=2**63 - 1, description="seed of the draws: 1")


@dataclass(frozen=True)
class CaseFitFile:
    """A checked fit to cases.

    ``inputs``  SHA-256 of every file, by path
    """

    name: str
    tables: CaseFitTables
    simulated: Simulated
    inputs: dict[str, str]

    @property
    def numbers(self) -> list[Parameter]:
        """The free numbers as their shelves have them."""
        return [self.simulated.numbers[name] for name in self.tables.free]

    @property
    def draws(self) -> int:
        """Draws of all that is not free."""
        fewest = _fewest(self.simulated)
        return max(_DRAWS, fewest) if self.tables.draws is None else self.tables.draws

    @property
    def data_hash(self) -> str:
        """What is fitted to what and how it is stated, in twelve digits: another where a figure or an error is."""
        return self._hash()

    @property
    def drawn_hash(self) -> str:
        """What a posterior is drawn of, which hangs on no draws of all else, and not on how much of it is stated."""
        return self._hash("draws", "narrow")

    def _hash(self, *aside: str) -> str:
        words = dict.fromkeys(("title", "because", *aside), True)
        rows = [repr(entry.card.stated) for entry, _ in self.simulated.cases]
        tables = self.tables.model_dump_json(exclude={"posterior": {"steps"}, **words}, exclude_defaults=True)
        return fingerprint([tables, *rows])

    @property
    def numbers_hash(self) -> str:
        """What all numbers are that the fit rests on, in twelve digits: another where one of them is.

        A free number is not among them, where its shelf does not say what was thought of it: it is what the fit gives.
        """
        aside = set(self.tables.numbers) if self.tables.thought == "shelf" else set(self.tables.free)
        every = [p for own in self.simulated.by_case.values() for p in own.values()]
        return fingerprint([p.hash for p in every if p.name not in aside])

    @property
    def before(self) -> list[Parameter | None]:
        """What was thought of each before the figures, None where nothing was."""
        stated, shelved = self.tables.numbers, self.tables.thought is not None
        return [
            stated[p.name].pinned(p, f"{self.name}.toml")
            if p.name in stated
            else replace(p, linked=())
            if shelved
            else None
            for p in self.numbers
        ]


def _fewest(simulated: Simulated) -> int:
    """Draws of all else in which no number's deviates go with another's, so that slopes can be had of them."""
    return 2 * len(simulated.owners) + 2


def load_case_fit(file: Path, shelves: tuple[Path, ...] = ()) -> CaseFitFile:
    """A fit to cases with its rows and numbers; raises BadInput naming file and key.

    ``shelves``  folders of one's own; a folder ``shelves`` beside the file is read as well
    """
    tables = table_of(CaseFitTables, read_toml(file), file.name)
    catalog = Catalog.of_study(file.parent, shelves)
    with at(file.name):
        chosen = _chosen(catalog, tables)
        simulated = Simulated(catalog, chosen, tuple(tables.free))
        _check_alike(simulated)
        _check_free(simulated, tables)
    checked = CaseFitFile(file.stem, tables, simulated, {str(file): sha256(file)})
    _check_thought(checked)
    for p in filter(None, checked.before):
        if p.fit == shelf_name(file.stem):
            cure = f'state [numbers."{p.name}"], what was thought before'
            raise BadInput(
                "is the shelf's by this very fit", file=file.name, key="thought", given=p.name, cure=cure
            )
        if p.shape == "fixed":
            cure = "state low and high, or leave the number out of [numbers]"
            raise BadInput("has no range", file=file.name, key=f"numbers.{p.name}", given=p.given, cure=cure)
    return checked


def _check_thought(checked: CaseFitFile) -> None:
    """One way to the numbers, and of each what was thought before where that way needs it."""
    tables, file = checked.tables, f"{checked.name}.toml"
    if tables.posterior is not None and tables.within is not None:
        cure = "take one of both out: within is narrower, and its draws meet the figures"
        raise BadInput("stands beside posterior, another way", file=file, key="within", cure=cure)
    drawn = tables.posterior is not None or tables.within is not None
    if drawn and None in checked.before:
        missing = next(name for name in tables.free if name not in tables.numbers)
        cure = f'thought = "shelf", or [numbers."{missing}"] with value, low, high, basis and because'
        what = f"{'a posterior' if tables.within is None else 'within'} needs what was thought before"
        raise BadInput(what, file=file, key="numbers", given=missing, cure=cure)


def _chosen(catalog: Catalog, tables: CaseFitTables) -> tuple[tuple[CaseEntry, tuple[Figure, ...]], ...]:
    """Every case that is named, with its figures; raises BadInput for a row that is unknown or cannot be fitted to."""
    by_row: dict[str, tuple[CaseEntry, Case]] = {}
    for name in catalog.names("cases"):
        entry: CaseEntry = catalog.get("cases", name)
        by_row |= {case.id: (entry, case) for case in cases(entry)}
    figures: dict[str, tuple[CaseEntry, list[Figure]]] = {}
    for number, row in enumerate(tables.cases):
        key = f"cases.{number + 1}"
        if row not in by_row:
            raise no_row(row, by_row, key)
        if row in tables.cases[:number]:
            raise BadInput("is named twice", key=key, given=row)
        entry, case = by_row[row]
        stated = tables.error.get(row)
        figure = Figure.of(case, stated.size, stated.because, stated.ratio) if stated else Figure.of(case)
        figures.setdefault(entry.card.stem, (entry, []))[1].append(figure)
    if unused := sorted(tables.error.keys() - set(tables.cases)):
        raise BadInput(
            "is of a row that is not fitted",
            key=f'error."{unused[0]}"',
            given=unused[0],
            allowed=tables.cases,
        )
    return tuple((entry, tuple(rows)) for entry, rows in figures.values())


def _check_alike(simulated: Simulated) -> None:
    """A free number that several cases read is the same in all of them; what is drawn may be each species' own."""
    known = simulated.numbers
    for entry, figures in simulated.cases:
        for name, p in simulated.by_case[entry.card.stem].items():
            if name in simulated.free and p.hash != known[name].hash:
                raise BadInput(
                    f"reads another {name} than the other cases, as of another species or strain",
                    key="cases",
                    given=figures[0].case.id,
                    cure="fit rows of one species and strain",
                )


def _check_free(simulated: Simulated, tables: CaseFitTables) -> None:
    """Free numbers are numbers that the cases rest on, each once and with room; draws outnumber all else."""
    known = simulated.numbers
    for number, name in enumerate(tables.free):
        key = f"free.{number + 1}"
        if name not in known:
            raise BadInput(
                "is no number that these cases read",
                key=key,
                given=name,
                allowed=near(name, known) or sorted(known),
            )
        if name in tables.free[:number]:
            raise BadInput("is named twice", key=key, given=name)
        if known[name].shape == "fixed":
            cure = "give it low and high on a shelf of your own"
            raise BadInput("is exactly known, so that it has no room", key=key, given=name, cure=cure)
    _check_draws(simulated, tables)


def _check_draws(simulated: Simulated, tables: CaseFitTables) -> None:
    """What was thought before is of free numbers, and draws are as many as the way to these needs."""
    if unused := sorted(tables.numbers.keys() - set(tables.free)):
        raise BadInput("is not free", key=f"numbers.{unused[0]}", given=unused[0], allowed=tables.free)
    if (tables.posterior is not None or tables.within is not None) and tables.draws == 0:
        key = "within" if tables.posterior is None else "posterior"
        cure = f"or leave {key} out: least squares with all else at its best value"
        what = "a posterior is of all else as well, and so is what lies within it"
        raise BadInput(what, key="draws", given=0, allowed=f"{_fewest(simulated)} and more", cure=cure)
    if tables.draws and tables.draws < _fewest(simulated):
        raise BadInput(
            "are too few for all that is drawn",
            key="draws",
            given=tables.draws,
            allowed=f"{_fewest(simulated)} and more",
            cure="or leave it out",
        )
