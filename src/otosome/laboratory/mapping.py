"""Mapping files: what the columns of a table, or the wells of a plate, mean, said by the laboratory and not guessed.

A table that no reader knows is read by the ``[[table]]`` whose columns are its own; a plate by the ``[[plate]]`` that
names its file or measurement. ``draft`` writes one to fill in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from otosome.cards import misshapen
from otosome.errors import BadInput, at
from otosome.laboratory.assays import FLUIDS, PLAIN, UNITS, UNNAMED, quantity_word
from otosome.laboratory.columns import CLICKS, EARS, SUBJECT, Columns
from otosome.laboratory.file import Export, flags, parse, printable
from otosome.laboratory.levels import Codes, Level, level, sift
from otosome.laboratory.tables import Tables, at_rows, readings
from otosome.laboratory.voltage import factor
from otosome.units import convert, house, split

if TYPE_CHECKING:
    import pandas as pd

KIND = "mapping/1"
# Columns that say whose readings they are, by the names laboratories give them.
USUAL = {
    "subject": SUBJECT,
    "ear": ("ear", "side"),
    "group": ("group", "treatment", "genotype"),
    "time": ("timepoint", "time", "day", "week"),
    "recorded": ("date", "performed_at"),
}
ASKED = (
    '# no_response = ["NR", 99]',
    '# not_tested = ["DNT", 0]',
    '# loudest = "90 dB SPL"  # where "no response" has no level of its own',
    "# codes = []  # says that every number is a level as written",
    '# times = { baseline = "-24 h", d14 = "14 d" }',
    "# header_rows = 2  # where the names stand in two rows: they are joined by a blank",
)
LARGEST = 1_000_000
LEVELS = ("dB SPL", "dB HL", "dB nHL", "dB peSPL", "dB")
VOLTAGES = ("uV", "nV", "mV", "V")
# What a column may be read as, and the units it may be in.
QUANTITIES: dict[str, tuple[str, ...]] = {
    "abr_threshold": LEVELS,
    "audiogram": ("dB HL",),
    "audiogram.bone": ("dB HL",),
    "audiogram.soundfield": ("dB HL",),
    "dpoae": ("dB SPL",),
    "dpoae_threshold": ("dB SPL",),
    "wave1": VOLTAGES,
    "wave1_latency": ("ms",),
    "cell_count.ohc": ("", "%", "cells", "cells/mm"),
    "cell_count.ihc": ("", "%", "cells", "cells/mm"),
    "cell_count.sgn": ("", "%", "cells", "cells/mm"),
    "cell_count.synapse": ("per IHC",),
    "cell_count.ribbon": ("per IHC",),
    "concentration": tuple(dict.fromkeys(UNITS.values())),
}
IN_DECIBELS = ("abr_threshold", "audiogram", "audiogram.bone", "audiogram.soundfield", "dpoae_threshold")
PEOPLE = ("audiogram", "audiogram.bone", "audiogram.soundfield")
SPECIES = ("", "mouse", "rat", "guinea_pig", "human")
HIGHEST_OF_A_PERSON = 20.0  # kHz
HERTZ = re.compile(r"(\d+(?:\.\d+)?)\s*(k?hz)", re.IGNORECASE)


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Closed):
    """What one column holds: what is not of the whole table is another column, or a value for all rows."""

    quantity: str = ""
    unit: str = ""
    solute: str = ""
    fluid: str = ""
    frequency: str = ""
    ear: str = ""
    level: str = ""
    subject: str = ""
    group: str = ""
    time: str = ""


class Table(_Closed):
    """The meaning of every table with these columns."""

    columns: list[str]
    header_rows: int = Field(default=1, ge=1, le=4)
    species: Literal["", "mouse", "rat", "guinea_pig", "human"] = ""
    subject: str = ""
    ear: str = ""
    group: str = ""
    time: str = ""
    recorded: str = ""
    no_response: list[str | float] = []
    not_tested: list[str | float] = []
    loudest: str = ""
    codes: list[str | float] | None = None
    times: dict[str, str] = {}
    column: dict[str, Column]

    def words(self) -> Codes:
        """The codes it names; ``codes = []`` says that there is no other."""
        certain = self.codes is not None or bool(self.no_response or self.not_tested)
        return Codes(_as_text(self.no_response), _as_text(self.not_tested), certain)


class Plate(_Closed):
    """What stands in the wells: the sample and the dose of each, as the plate lies; a blank well is left out."""

    file: str = ""
    read: str = ""
    unit: str
    sample: list[list[str]]
    dose: list[list[float | str]]


class _File(_Closed):
    otosome: Literal["mapping/1"]
    table: list[Table] = []
    plate: list[Plate] = []
    animals: dict[str, str] = {}


@dataclass(frozen=True)
class Meaning:
    """A checked mapping file; ``animals`` says of an id whose it is: its animal's first id."""

    name: str = ""
    tables: tuple[Table, ...] = ()
    plates: tuple[Plate, ...] = ()
    animals: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> Meaning:
        """The mapping in a TOML file; raises BadInput naming the key."""
        export = Export.open(file)
        if len(export.content) > LARGEST:
            raise BadInput("is too large for a mapping", file=file.name, allowed=f"{LARGEST} bytes")
        return cls.parse(export.text, file.name)

    @classmethod
    def parse(cls, text: str, name: str) -> Meaning:
        """The mapping in a TOML text, of a file of this name; raises BadInput naming the key."""
        import tomllib

        try:
            stated = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise BadInput("is no TOML", file=name, given=str(error)[:100]) from error
        values = _file(stated, name)

        for number, table in enumerate(values.table, start=1):
            _check(name, f"table {number}", table)
        both = sorted(values.animals.keys() & set(values.animals.values()))
        if both:
            raise BadInput(
                "is an animal's first id and another's later one",
                file=name,
                key="animals",
                given=both[0],
                cure="name the first id of each animal on the right",
            )
        return cls(name, tuple(values.table), tuple(values.plate), values.animals)

    def renamed(self, table: pd.DataFrame) -> pd.DataFrame:
        """A table with every animal under its first id."""
        if not self.animals or not len(table):
            return table
        return table.assign(subject=[self.animals.get(str(name), name) for name in table["subject"]])

    def check_animals(self, subjects: set[str]) -> None:
        """Raise BadInput for an id that no file has."""
        for later, first in self.animals.items():
            if later not in subjects:
                raise BadInput(
                    "is in no file",
                    file=self.name,
                    key="animals",
                    given=later,
                    cure="spell it as the files do",
                )
            if not first.strip():
                raise BadInput("has no first id", file=self.name, key="animals", given=later)

    def of(self, export: Export) -> Table | None:
        """The table whose columns an export has; None where there is none."""
        for table in self.tables:
            names = names_of(export, table.header_rows)
            if names and set(names) == {_plain(name) for name in table.columns}:
                return table
        return None


def _file(stated: object, name: str) -> _File:
    try:
        return _File.model_validate(stated)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        message, cure = misshapen(first["type"], key, first["input"]) or (first["msg"], "")
        raise BadInput(
            message,
            file=name,
            key=key,
            given=str(first["input"])[:60],
            cure=f"{cure}; " * bool(cure) + "otosome new mapping FILE writes one to fill in",
        ) from error


def mapping_text(stated: Mapping[str, object], name: str) -> str:
    """A mapping file's text from its tables, plates and animals as plain values; raises BadInput naming the key."""
    import tomli_w

    values = _file({"otosome": KIND, **stated}, name)
    text = tomli_w.dumps(values.model_dump(exclude_none=True, exclude_defaults=True))
    Meaning.parse(text, name)
    return text


def _as_text(codes: Sequence[str | float]) -> frozenset[str]:
    return frozenset(f"{code:g}" if isinstance(code, float) else str(code).strip().lower() for code in codes)


def _plain(name: str) -> str:
    return " ".join(name.split()).lower()


def _check(file: str, place: str, table: Table) -> None:
    """Refuse a table without anything to read, or a column it does not have."""
    names = {_plain(name) for name in table.columns}
    used = {"subject": table.subject, "group": table.group, "time": table.time, "recorded": table.recorded}
    for key, name in {**used, **{f"column.{name}": name for name in table.column}}.items():
        if name and _plain(name) not in names:
            raise BadInput(
                "is no column of the table",
                file=file,
                key=f"{place}.{key}",
                given=name,
                allowed=table.columns,
            )
    read = {name: column for name, column in table.column.items() if column.quantity}
    if not read:
        cure = "write under [table.column] of each column that is to be read what it holds"
        raise BadInput(
            "has no column with a quantity",
            file=file,
            key=f"{place}.column",
            allowed=list(QUANTITIES),
            cure=cure,
        )
    for name, column in read.items():
        with at(file, f"{place}.column.{name}"):
            _check_column(column, table.species)


def _check_column(column: Column, species: str) -> None:
    """Refuse a quantity that is none, a unit that it is not in, and an animal's audiogram."""
    if column.quantity not in QUANTITIES:
        raise BadInput("is no quantity", key="quantity", given=column.quantity, allowed=list(QUANTITIES))
    if column.unit not in QUANTITIES[column.quantity]:
        allowed = [unit or "(none)" for unit in QUANTITIES[column.quantity]]
        raise BadInput(
            f"is no unit of {column.quantity}", key="unit", given=column.unit or "nothing", allowed=allowed
        )
    _check_assay(column)
    if column.quantity in PEOPLE and species not in ("", "human"):
        raise BadInput(
            "an animal has no audiogram in dB HL", key="quantity", given=species, allowed=["abr_threshold"]
        )


def _check_assay(column: Column) -> None:
    """A concentration says of which fluid it is, and nothing else says a fluid or a drug."""
    if column.quantity == "concentration" and not column.fluid:
        cure = 'write a column that says it, or a word for all rows: fluid = "perilymph"'
        raise BadInput("is of a fluid", key="fluid", given="nothing", allowed=list(FLUIDS), cure=cure)
    for key in ("solute", "fluid"):
        if column.quantity != "concentration" and getattr(column, key):
            raise BadInput("is of a concentration alone", key=key, given=getattr(column, key))


def names_of(export: Export, rows: int = 1) -> list[str]:
    """The names of a table's columns, over one header row or several; a cell that was merged names those after it."""
    try:
        cells = export.rows("," if export.sheet else export.separator)
    except BadInput:
        return []
    head = [row for row in cells if any(row)][:rows]
    wide = max((len(row) for row in head), default=0)
    lines = [[*row, *[""] * (wide - len(row))] for row in head]
    for line in lines[:-1]:
        for i in range(1, wide):
            line[i] = line[i] or line[i - 1]
    names = [_plain(" ".join(line[i] for line in lines if line[i])) for i in range(wide)]
    while names and not names[-1]:
        names.pop()
    return names


def mapped(export: Export, table: Table, name: str) -> Tables:
    """A table as its mapping says; raises BadInput where nothing in it can be read.

    ``name``  of the mapping file
    """
    columns = _columns(export, table)
    read = {_plain(key): column for key, column in table.column.items() if column.quantity}
    about = {key: _about(columns, table, column, set(read)) for key, column in read.items()}
    levels = _levels(columns, table, read, about)
    parts = [
        part
        for key, column in read.items()
        if (part := _column(columns, key, column, about[key], levels[key]))["value"]
    ]
    if not parts:
        raise columns.nothing("no value", "one or more, by the mapping")
    merged = {key: [value for part in parts for value in part[key]] for key in parts[0]}
    flag = [flags(str(remark), f"by the mapping {name}") for remark in merged.pop("flag")]
    return Tables(readings=readings(export, **merged, flag=flag), refused=tuple(columns.refused))


def _columns(export: Export, table: Table) -> Columns:
    """The table's columns under the names of the mapping, whose header may have several rows."""
    if table.header_rows == 1:
        return Columns.of(export)
    names = names_of(export, table.header_rows)
    cells = export.table(_after_header(export, table.header_rows) - 1, names=names)
    return Columns(export, cells.frame, cells.decimal, cells.lines)


def _after_header(export: Export, rows: int) -> int:
    full = [number for number, line in enumerate(export.lines()) if line.strip(" ,;\t")]
    return full[rows - 1] + 1 if len(full) >= rows else rows


def _column(
    columns: Columns, name: str, column: Column, about: dict[str, list[object]], levels: Sequence[Level]
) -> dict[str, list[object]]:
    """The readings of one column, as columns of the table ``readings``; ``about``  whose and when they are"""
    hertz, stimulus = _frequencies(columns, column.frequency, name)
    unit, scale = _unit(column)
    rows = np.flatnonzero([np.isfinite(cell.value) for cell in levels])
    if column.quantity in PEOPLE and (np.array(hertz)[rows] > HIGHEST_OF_A_PERSON).any():
        raise columns.export.refusal(
            name, "a frequency that no person hears", "an animal's abr_threshold", "mend the mapping"
        )
    comma = "decimal comma" if columns.decimal == "," else ""
    return at_rows(
        rows,
        **about,
        quantity=_quantities(columns, column),
        frequency=hertz,
        value=[cell.value * scale for cell in levels],
        unit=[unit] * len(levels),
        level=_values(columns, column.level),
        censored=[cell.censored for cell in levels],
        flag=[flags(click, comma) for click in stimulus],
    )


def _quantities(columns: Columns, column: Column) -> list[str]:
    """What each row is of: the column's quantity, and of a concentration the drug and the fluid."""
    if column.quantity != "concentration":
        return [column.quantity] * len(columns.frame)
    solutes, fluids = (
        [quantity_word(str(text)) for text in _texts(columns, source, set())]
        for source in (column.solute, column.fluid)
    )
    return [f"{solute or UNNAMED}.{fluid}" for solute, fluid in zip(solutes, fluids, strict=True)]


def _unit(column: Column) -> tuple[str, float]:
    """The unit of the tables, and how many of it the column's unit is."""
    if column.quantity == "concentration":
        kind = house(column.unit)
        return kind, convert(1.0, column.unit, kind)
    if column.unit in VOLTAGES:
        return "uV", factor(column.unit) or 1.0
    return ("", 0.01) if column.unit == "%" else (column.unit, 1.0)


def _about(columns: Columns, table: Table, column: Column, read: set[str]) -> dict[str, list[object]]:
    """Whose and when the readings of a column are, as columns of the table ``readings``; ``read``  those with values"""
    times = _texts(columns, column.time or table.time, read)
    return {
        "subject": _texts(columns, column.subject or table.subject, read),
        "group": _texts(columns, column.group or table.group, read),
        "recorded": [str(text)[:16] for text in _texts(columns, table.recorded, read)],
        "time": [_hours(columns, table, str(word), row) for row, word in enumerate(times)],
        "ear": list(_ears(columns, column.ear or table.ear)),
    }


def _texts(columns: Columns, source: str, read: set[str]) -> list[object]:
    """A column as text, or one value for all rows; a column of readings is a value, as where an animal names it."""
    name = _plain(source)
    is_column = name in columns and name not in read
    return list(columns.texts(name)) if is_column else [source] * len(columns.frame)


def _hours(columns: Columns, table: Table, word: str, row: int) -> float:
    """Hours of a time in words, by the mapping first, else as a number with a unit."""
    meanings = {key.strip().lower(): value for key, value in table.times.items()}
    text = meanings.get(word.strip().lower(), word)
    hours = columns.span(text)
    if word and np.isnan(hours):
        columns.leave_out(
            row, _plain(table.time), word, "is no time: give it one under [table.times], such as '14 d'"
        )
    return hours


def _ears(columns: Columns, source: str) -> list[str]:
    if _plain(source) in columns:
        return [EARS.get(text.lower(), "") for text in columns.texts(_plain(source))]
    return [EARS.get(source.lower(), "")] * len(columns.frame)


def _frequencies(columns: Columns, source: str, name: str) -> tuple[list[float], list[str]]:
    """Frequency in kHz of each row and a flag for a click: of a column of frequencies, or of one value with a unit."""
    count = len(columns.frame)
    match = HERTZ.fullmatch(source.strip())
    if match:
        return [float(match[1]) * (1.0 if match[2].lower() == "khz" else 1e-3)] * count, [""] * count
    if source.lower() in CLICKS:
        return [np.nan] * count, ["click"] * count
    if _plain(source) in columns:
        values, about = columns.kilohertz_of(_plain(source))
        return list(values), about
    if not source:
        return [np.nan] * count, [""] * count
    raise columns.export.refusal(
        f"column {name}, frequency", source, "a column, '8 kHz', '500 Hz' or 'click'", "mend the mapping"
    )


def _values(columns: Columns, source: str) -> list[float]:
    """The level of the stimulus in each row: of a column, or of one value in dB."""
    count = len(columns.frame)
    if _plain(source) in columns:
        return list(columns.numbers(_plain(source)))
    return [parse(source.lower().split("db")[0].strip()) or np.nan] * count if source else [np.nan] * count


def _levels(
    columns: Columns, table: Table, read: Mapping[str, Column], about: Mapping[str, dict[str, list[object]]]
) -> dict[str, list[Level]]:
    """What each cell of the columns says; what says nothing readable is listed, and what is in doubt asked about."""
    loudest = parse(table.loudest.lower().split("db")[0].strip()) or np.nan
    codes = table.words()
    cells = {
        name: [level(text, columns.decimal, codes, loudest) for text in columns.texts(name)]
        for name, column in read.items()
        if column.quantity in IN_DECIBELS
    }
    ears = {name: list(zip(about[name]["subject"], about[name]["ear"], strict=True)) for name in cells}
    plain = {
        name: [Level(value) for value in columns.numbers(name)]
        for name, column in read.items()
        if column.quantity not in (*IN_DECIBELS, "concentration")
    }
    plain |= {
        name: _assayed(columns, name) for name, column in read.items() if column.quantity == "concentration"
    }
    return {**plain, **sift(columns, cells, ears, codes.certain, blanks=False)}


def _assayed(columns: Columns, name: str) -> list[Level]:
    """Concentrations as written: ``<0.1`` lies below the limit of quantification."""
    values = list[Level]()
    for row, text in enumerate(columns.texts(name)):
        value = parse(text.lstrip("<> "), columns.decimal)
        if value is None or value < 0:
            columns.leave_out(row, name, text, "is no concentration")
        side = {"<": "below", ">": "above"}.get(text[:1], "none")
        values.append(Level(np.nan if value is None or value < 0 else value, side))
    return values


def draft(files: Sequence[Export]) -> str:
    """A mapping to fill in, a ``[[table]]`` for each file's columns; what a header states stands in it."""
    lines = [
        f'otosome = "{KIND}"',
        "# Say what each column holds, then: otosome import PATH... --mapping THIS_FILE",
        f"# quantity: {', '.join(QUANTITIES)}; leave it empty for a column that is not to be read.",
        "# frequency, ear, level, and where a column has its own, subject, group and time: the name of another column,",
        "# or a value ('8 kHz', 'click', 'right', '80 dB SPL', 'M1', '14 d'). A concentration has a fluid,",
        f"# and may have a solute, alike ('perilymph'). A table with the columns {PLAIN} needs none.",
    ]
    return "\n".join([*lines, *(line for export in files for line in _drafted(export))]) + "\n"


def proposed(names: Sequence[str]) -> dict[str, str]:
    """Which columns seem to say subject, ear, group, time, date and frequency; blank where no name does."""
    about = {key: next((word for word in words if word in names), "") for key, words in USUAL.items()}
    return about | {
        "frequency": next((name for name in names if "freq" in name or name in ("khz", "hz")), "")
    }


def _drafted(export: Export) -> list[str]:
    """The lines of one table."""
    names = names_of(export)
    about = proposed(names)
    hertz = about.pop("frequency")
    lines = [
        "",
        "[[table]]",
        f"# {_quoted(export.title)}",
        f"columns = [{', '.join(map(_quoted, names))}]",
        'species = ""  # mouse, rat, guinea_pig or human',
        *(f"{key} = {_quoted(word)}" for key, word in about.items()),
        *ASKED,
    ]
    for name in names:
        if name and name not in {*about.values(), hertz}:
            lines += [
                f"[table.column.{_quoted(name)}]",
                'quantity = ""',
                'unit = ""',
                f"frequency = {_quoted(hertz)}",
            ]
    return lines


def _quoted(text: str) -> str:
    """A TOML string, whatever the text holds."""
    return json.dumps(printable(text), ensure_ascii=False)


def with_layout(wells: pd.DataFrame, plates: Sequence[Plate]) -> dict[str, pd.DataFrame]:
    """Wells with the sample and dose of their layout, a table a file and measurement as ``otosome quality`` reads it.

    raises  BadInput for a layout that has another form than its doses, or that fits no plate
    """
    import pandas as pd

    tables = dict[str, pd.DataFrame]()
    for number, plate in enumerate(plates, start=1):
        place = f"plate {number}"
        named = wells[(wells["file"] == plate.file) | (not plate.file)]
        named = named[(named["read"] == plate.read) | (not plate.read)]
        if named.empty:
            raise BadInput(
                "fits no plate that was read", key=place, given=f"{plate.file} {plate.read}".strip()
            )
        layout = _layout(plate, place)
        for (file, own, read), rows in named.groupby(["file", "plate", "read"], sort=False):
            values = [
                {
                    "well": well,
                    "sample": layout[well][0],
                    "dose": layout[well][1],
                    "unit": plate.unit,
                    "response": value,
                }
                for well, value in zip(rows["well"].astype(str), rows["value"], strict=True)
                if well in layout and layout[well][0]
            ]
            stem = "_".join("".join(c if c.isalnum() else " " for c in f"{file} {own} {read}").split())[:80]
            tables[stem] = pd.DataFrame(
                values, columns=pd.Index(["well", "sample", "dose", "unit", "response"])
            )
    return tables


def _layout(plate: Plate, place: str) -> Mapping[str, tuple[str, float]]:
    """Sample and dose of each well by its name."""
    try:
        split(f"1 {plate.unit}")
        convert(1.0, plate.unit, plate.unit)
    except ValueError as error:
        raise BadInput(str(error), key=f"{place}.unit", given=plate.unit) from error
    if [len(row) for row in plate.sample] != [len(row) for row in plate.dose]:
        raise BadInput(
            "has another form than the samples",
            key=f"{place}.dose",
            cure="write a dose for each well, '' for none",
        )
    wells = dict[str, tuple[str, float]]()
    for letter, samples, doses in zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", plate.sample, plate.dose, strict=False):
        for column, (sample, dose) in enumerate(zip(samples, doses, strict=True), start=1):
            value = dose if isinstance(dose, float) else parse(str(dose))
            if sample and not (value is not None and value > 0):
                raise BadInput(
                    "a dose lies above zero",
                    key=f"{place}.dose",
                    given=f"{letter}{column}: {dose}",
                    cure="leave its sample blank",
                )
            wells[f"{letter}{column}"] = (sample, float(value if value is not None else np.nan))
    return wells
