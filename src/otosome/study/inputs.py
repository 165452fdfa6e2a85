"""Files that a study names, or that take the place of what it names -> values the study holds itself."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath
from typing import get_args

from otosome.cards import Card, make_card
from otosome.errors import BadInput, at
from otosome.files import sha256
from otosome.study.reading import table_of
from otosome.study.study import Study
from otosome.study.tables import DrugUse, PopulationUse, Tables
from otosome.study.tables.drugs import FLUIDS, Fluid, Point
from otosome.units import Quantity

# How the note begins that a study used a lot its own specification refuses.
REFUSED = "Run despite its quality, with the refused lot"
_PINS = ("numbers", "curves")


@dataclass(frozen=True)
class Inputs:
    """Where the files of a study are, and what takes the place of those it names.

    ``folder``     the study's own, out of which it names no file; None for a study that was not read from a file
    ``batch``      the file of a lot, for every batch that holds vesicles
    ``audiogram``  the file of the population's audiograms
    ``despite_quality``  whether a lot that its own specification refuses may be used all the same
    """

    folder: Path | None = None
    batch: Path | None = None
    audiogram: Path | None = None
    despite_quality: bool = False

    def file(self, name: str, absent: str, cure: str, allowed: list[str] | None = None) -> Path:
        """The file a study names, beside it or in a folder below; raises BadInput for any other.

        ``absent``  what to say of one that is not there
        """
        file = self.place(name, cure, allowed)
        if not file.is_file():
            raise BadInput(absent, given=name, allowed=allowed, cure=cure)
        return file

    def place(self, name: str, cure: str, allowed: list[str] | None = None) -> Path:
        """Where a file or folder is that a study names, in the study's own folder; raises BadInput for any other."""
        if self.folder is None:
            raise BadInput(
                "names a file, and a study that was not read from a file has no folder",
                given=name,
                allowed=allowed,
                cure="say which folder: Study.of(..., folder=...)",
            )
        # A study written on Windows may part folders by "\".
        written = PureWindowsPath(name)
        if written.drive or written.root:
            raise BadInput("is not a path from the study's folder", given=name, cure=cure)
        file = (self.folder / written.as_posix()).resolve()
        if not file.is_relative_to(self.folder.resolve()):
            raise BadInput("lies outside the study's folder", given=name, cure=cure)
        return file


def with_inputs(study: Study, inputs: Inputs) -> Study:
    """The study with what its files hold; raises BadInput for a file that cannot be used, or a refused lot."""
    _check_readings(study, inputs)
    study = _with_batches(_with_points(_with_people(study, inputs), inputs), inputs)
    return _with_quality(study, inputs.despite_quality)


def of_one_person(study: Study, use: Mapping[str, object]) -> Study:
    """A study of one person in the place of its people, without what it pinned of these or took them in by."""
    population = table_of(PopulationUse, use, study.name)
    tables = study.tables.model_copy(
        update={"population": population, "enrolment": None, **_without_pins(study.tables, ("populations.",))}
    )
    if study.tables.enrolment is None:
        return replace(study, tables=tables)
    note = "The study is of one person, so its enrolment by a reading chooses nobody."
    return replace(study, tables=tables, notes=(*study.notes, note))


def _without_pins(tables: Tables, beginnings: tuple[str, ...]) -> dict[str, object]:
    """What a study pins, but for numbers and curves whose names begin so."""
    return {
        table: {name: pin for name, pin in getattr(tables, table).items() if not name.startswith(beginnings)}
        for table in _PINS
    }


def _check_readings(study: Study, inputs: Inputs) -> None:
    """The readings that are laid over its runs are there, beside its file; one that has no file is not run by it."""
    if study.tables.readings is None or inputs.folder is None:
        return
    with at(None, "readings"):
        place = inputs.place(study.tables.readings, "copy it beside the study")
        if not place.exists():
            cure = "copy it beside the study, or take the key away"
            raise BadInput(
                "is no table and no import beside the study", given=study.tables.readings, cure=cure
            )


# ---------------------------------------------------------------- people


def _with_people(study: Study, inputs: Inputs) -> Study:
    """Take the audiograms of a study's people into the study."""
    use = study.tables.population
    if use is None or use.audiogram is None or use.readings is not None:
        return study
    from otosome.study.people import as_far_as_read, with_readings

    cure = "copy it beside the study, or give it with --audiogram"
    with at(None, "population.audiogram"):
        file = inputs.audiogram or inputs.file(use.audiogram, "is no file beside the study", cure)
    population, notes, unreadable = with_readings(use, file, study.catalog)
    tables = study.tables.model_copy(update={"population": population})
    digests = {**study.inputs, str(file): sha256(file)}
    study = replace(study, unreadable=unreadable, tables=tables, inputs=digests)
    try:
        with at(file.name):
            unread = study.unread
    except BadInput as error:
        raise as_far_as_read(error, file.name, unreadable) from error
    if unread:
        notes.append(
            f"Not used of {file.name}: {', '.join(unread)}. No measure of the study has that name, and no "
            "endpoint of that name can do without more words."
        )
    return replace(study, notes=(*study.notes, *notes))


# ---------------------------------------------------------------- drugs

# What a table calls a drug that it does not name.
_UNNAMED = "drug"


def _with_points(study: Study, inputs: Inputs) -> Study:
    """Take what was measured of a study's drugs into the study."""
    drugs, digests = dict(study.tables.drug), dict(study.inputs)
    for name, use in drugs.items():
        if use.measured is None or use.points:
            continue
        with at(None, f"drug.{name}.measured"):
            file = inputs.file(use.measured, "is no file beside the study", "copy it beside the study")
            drugs[name] = use.model_copy(update={"points": _points(study, use, file)})
        digests[str(file)] = sha256(file)
    return replace(study, tables=study.tables.model_copy(update={"drug": drugs}), inputs=digests)


def _points(study: Study, use: DrugUse, file: Path) -> list[Point]:
    """The concentrations of a table that are of the drug, or of what it becomes."""
    from otosome.laboratory.reading import read

    table = read(file, study.catalog).readings
    points = []
    for row in table.itertuples() if table is not None else ():
        what, _, where = f"{row.quantity!s}".partition(".")
        if row.unit not in ("uM", "ug/uL") or what not in (_UNNAMED, *study.carried(use.solute)):
            continue
        point = {
            "time": Quantity(f"{float(str(row.time))!r} h"),
            "value": Quantity(f"{float(str(row.value))!r} {row.unit!s}"),
            "censored": str(row.censored),
            "solute": _analyte(study, use, what, file),
            "probe": _probe(study, where, file),
            "animal": str(row.subject),
        }
        if row.unit == "ug/uL":
            _check_weighed(study, str(point["solute"]), file)
        points.append(Point.model_validate(point))
    if not points:
        raise BadInput(f"holds no concentration of {use.solute}", file=file.name, given=use.measured)
    return points


def _analyte(study: Study, use: DrugUse, what: str, file: Path) -> str:
    """What was assayed; a prodrug and what it becomes are told apart by the table itself."""
    carried = study.carried(use.solute)
    if what == _UNNAMED and len(carried) > 1:
        cure = f"add a column solute: {' or '.join(carried)}"
        raise BadInput(
            f"does not say what was assayed of {use.solute}", file=file.name, key="solute", cure=cure
        )
    return carried[0] if what == _UNNAMED else what


def _probe(study: Study, where: str, file: Path) -> str:
    """The probe of that name, or the first of that fluid; raises BadInput where none follows it."""
    fluid = FLUIDS.get(where, where)
    for name, probe in study.probes.items():
        if where == name or where.replace("_", " ") == name or fluid == probe.of:
            return name
    raise BadInput(
        "is no fluid or place where the drug is followed",
        file=file.name,
        key="compartment",
        given=where,
        allowed=[*dict.fromkeys([*study.probes, *(probe.of for probe in study.probes.values())]), *FLUIDS],
        cure=f'follow it: [probe.NAME] of = "{fluid}"' if fluid in get_args(Fluid) else None,
    )


def _check_weighed(study: Study, solute: str, file: Path) -> None:
    """What was weighed is compared with what was simulated in moles by its molar mass."""
    if "molar_mass" not in study.catalog.get("solutes", solute).card.parameters:
        cure = f"state molar_mass in solutes/{solute}.toml, or the concentrations in uM"
        raise BadInput(f"is in mass, and {solute} has no molar_mass", file=file.name, cure=cure)


# ---------------------------------------------------------------- lots

_Giver = tuple[str, str]


def _with_batches(study: Study, inputs: Inputs) -> Study:
    """Take the lots that a study names by file into the study."""
    names, batches = _batches(study.tables), dict(study.tables.batch)
    notes, digests = list(study.notes), dict(study.inputs)
    for giver, name in list(names.items()):
        with at(None, ".".join((*giver, "batch"))):
            file = _file_of_batch(study, name, inputs)
        if file is None:
            continue
        from otosome.lots.reading import read_lot

        lot = read_lot(file, study.catalog)
        names[giver] = _free_name(study, lot.name, lot.values, batches)
        batches[names[giver]] = dict(lot.values)
        notes += [note for note in lot.notes if note not in notes]
        digests[str(file)] = sha256(file)
    tables = _with_names(study.tables, names).model_copy(update={"batch": batches})
    return replace(study, tables=tables, notes=tuple(notes), inputs=digests)


def _with_names(tables: Tables, names: Mapping[_Giver, str]) -> Tables:
    """The tables with these batches given, and without what was pinned of batches that are given no more."""
    gone = set(_batches(tables).values()) - set(names.values())
    givers = {
        table: {
            name: use.model_copy(update={"batch": names.get((table, name))})
            for name, use in getattr(tables, table).items()
        }
        for table in ("treatment", "device")
    }
    pins = _without_pins(tables, tuple(f"batches.{name}." for name in gone))
    return tables.model_copy(update={**givers, **pins})


def _batches(tables: Tables) -> dict[_Giver, str]:
    """The batch that each treatment, and each device that releases one, names: by table and name."""
    names = {("treatment", name): treatment.batch for name, treatment in tables.treatment.items()}
    released = {
        ("device", name): device.batch for name, device in tables.device.items() if device.batch is not None
    }
    return names | released


def _file_of_batch(study: Study, name: str, inputs: Inputs) -> Path | None:
    """The file a batch is read from; None where the study or the shelf holds it.

    A file in the place of every batch is in no vehicle's: no measured lot can stand for what holds nothing.
    """
    shelf = study.catalog.names("batches")
    if name in study.tables.batch or name in shelf:
        return None if inputs.batch is None or _is_vehicle(study.batch(name).card) else inputs.batch
    absent = "is neither a batch of the shelf nor a file beside the study"
    file = inputs.file(name, absent, "copy it beside the study, or give it with --batch", shelf)
    if inputs.batch is None:
        return file
    from otosome.lots.reading import read_lot

    lot = read_lot(file, study.catalog)
    return file if _is_vehicle(make_card(lot.values, "batches", lot.name, file.name)) else inputs.batch


def _is_vehicle(batch: Card) -> bool:
    """Whether a batch holds no particles."""
    particles = batch.parameters.get("particles")
    return particles is not None and all(p.value == 0 for p in particles.values())


def _free_name(
    study: Study, name: str, values: Mapping[str, object], batches: Mapping[str, Mapping[str, object]]
) -> str:
    """A name under which a batch stands for no other one: its own, or its own and a number."""
    shelf = study.catalog.names("batches")
    names = (name if n == 1 else f"{name}_{n}" for n in itertools.count(1))
    return next(free for free in names if batches.get(free, values) == values and free not in shelf)


def _with_quality(study: Study, despite: bool) -> Study:
    """Refuse a batch that its own specification refuses, or say first that it was used all the same."""
    notes = []
    for giver, batch in _batches(study.tables).items():
        options = study.batch(batch).options
        decision, reason = options.decision, options.reason
        if decision == "refuse" and not despite:
            raise BadInput(
                f"its own specification refuses this lot ({reason})",
                key=".".join((*giver, "batch")),
                given=batch,
                cure="use another lot, or run it all the same with --despite-quality",
            )
        if decision == "refuse":
            notes.append(f"{REFUSED} {batch}: {reason}.")
        elif decision == "cannot decide":
            notes.append(f"Lot {batch} is neither released nor refused: {reason}.")
    return replace(study, notes=(*dict.fromkeys(notes), *study.notes))
