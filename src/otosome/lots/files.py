"""The files a record names: counts with their dilution, and the wells of its assays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.laboratory.file import Export
from otosome.laboratory.reading import Distribution, instrument_of, read_particles, read_with
from otosome.lots.count import Measurement, Scatter
from otosome.lots.counted import warnings_of
from otosome.lots.plate import Plate, Reading, read_plate
from otosome.lots.record import AssayFile, LotRecord, beside
from otosome.units import Array, convert

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Counted:
    """One file of counts: its tidy table with the dilution in it, when and how it was measured.

    ``day``        as the record states it, else as the file does
    ``stored``     h
    ``undiluted``  the line to add where nothing says by what the sample was diluted, else empty
    ``use``        what it counts: the lot, or the sample before or after detergent
    ``dilution``   the factor that is in its counts, None where nothing says it;  ``says``  who states it
    """

    table: pd.DataFrame
    instrument: str
    day: str
    stored: float
    undiluted: str = ""
    use: str = "count"
    dilution: float | None = None
    says: str = ""

    @property
    def file(self) -> str:
        """Its name."""
        return str(self.table["file"].iloc[0])

    @property
    def sample(self) -> str:
        """The sample as the file names it; empty where it does not."""
        return str(self.table["sample"].iloc[0])

    @property
    def captured(self) -> str:
        """The day on which the file says it was measured; empty where it does not, or says several."""
        return captured(self.table)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the instrument warns of."""
        return warnings_of(self.table)

    @property
    def videos(self) -> list[int]:
        """Numbers of the videos that are used."""
        return sorted(int(video) for video in self.table["replicate"].unique())

    def counts(self) -> Array:
        """Particles per uL of each video, shape (video,)."""
        return np.asarray(self.table.groupby("replicate", sort=True)["concentration"].sum(), dtype=float)

    def measurement(self) -> Measurement:
        """The same as one measurement of its day."""
        return Measurement(self.day, self.counts())


@dataclass(frozen=True)
class LeftOut:
    """A file, or a video of it, that a record names and that does not count, with the reason.

    ``key``  where the record names it, such as ``count.0.file``
    """

    file: str
    place: str
    reason: str
    key: str = ""

    @property
    def words(self) -> str:
        """In a sentence."""
        return f"Left out: {': '.join(part for part in (self.file, self.place) if part)}: {self.reason}"


@dataclass(frozen=True)
class Files:
    """Everything a record's folder holds for it, with the hash of each file.

    ``plates``    of every assay in its order, or why it cannot be read
    ``left_out``  files and videos that cannot be used; the others stand without them
    """

    counts: tuple[Counted, ...]
    detergent: tuple[Counted, Counted] | None
    plates: tuple[Plate | BadInput, ...]
    inputs: dict[str, str]
    left_out: tuple[LeftOut, ...]

    @property
    def read(self) -> tuple[Counted, ...]:
        """Every file of counts, those with and without detergent among them."""
        return (*self.counts, *(self.detergent or ()))


def reason_of(error: BadInput, name: str, cured: bool = True) -> str:
    """Why a file cannot be used, without its name where that stands beside it; with what would mend it, if wanted."""
    file = None if error.file == name else error.file
    cure = error.cure if cured else None
    return str(
        BadInput(error.message, file=file, key=error.key, given=error.given, allowed=error.allowed, cure=cure)
    )


def captured(table: pd.DataFrame) -> str:
    """The day on which all rows of a table were recorded; empty where that is not stated, or not one day."""
    days = {str(recorded)[:10] for recorded in table["recorded"]}
    return days.pop() if len(days) == 1 else ""


def doubts(counts: Sequence[Counted], file: str) -> list[str]:
    """What does not fit between a record and its files of counts: samples of several names, another day."""
    names = list(dict.fromkeys(count.sample for count in counts if count.sample))
    lines = []
    if len(names) > 1:
        lines.append(
            f"The files of counts name {len(names)} samples, and {file} takes them as one lot: {', '.join(names)}."
        )
    lines += [
        f"{count.file} says that it was measured on {count.captured}; {file} says {count.day}."
        for count in counts
        if count.captured and count.day != count.captured
    ]
    return lines


def read_files(record: LotRecord, folder: Path, file: str, catalog: Catalog) -> Files:
    """Read every file a record names; one that is not what it should be is left out and named.

    raises  BadInput for a file of counts that is missing, lies elsewhere or is named twice, or whose dilution is stated
            twice
    """
    reader = _Reader(record, folder, file, catalog)
    counts = [
        reader.counted(f"count.{n}.file", entry.file, entry.dilution, entry.day or "", entry.stored)
        for n, entry in enumerate(record.count)
    ]
    control = record.detergent
    pair = None
    if control is not None:
        before = reader.counted("detergent.before", control.before, control.dilution_before)
        after = reader.counted("detergent.after", control.after, control.dilution_after)
        pair = (before, after) if before is not None and after is not None else None
    plates = tuple(reader.plate(f"assay.{n}", entry) for n, entry in enumerate(record.assay))
    fresh = tuple(entry for entry in counts if entry is not None)
    return Files(fresh, pair, plates, reader.inputs, tuple(reader.left_out))


@dataclass
class _Reader:
    """Reads a record's files one by one, and keeps their hashes and what was left out."""

    record: LotRecord
    folder: Path
    file: str
    catalog: Catalog
    inputs: dict[str, str] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    _keys: dict[str, str] = field(default_factory=dict)

    def opened(self, key: str, name: str) -> Export:
        """A file that is named once; raises BadInput, also where it is missing, empty or too large."""
        place = beside(self.folder, name, key, self.file, self.record.folders)
        export = Export.open(place)
        if export.sha256 in self._keys:
            raise _Twice(
                f"is the same file as {self._keys[export.sha256]}",
                file=self.file,
                key=key,
                given=name,
                cure="one measurement counts once: name it once",
            )
        self._keys[export.sha256] = key
        self.inputs[str(place)] = export.sha256
        return export

    def counted(
        self, key: str, name: str, dilution: float | None, day: str = "", stored: float = 0.0
    ) -> Counted | None:
        """A file of counts; None, and noted, where it is none."""
        place = beside(self.folder, name, key, self.file, self.record.folders)
        try:
            export = self.opened(key, name)
            distribution = read_particles(export, self.catalog)
            _check_counts(distribution.table)
        except _Twice:
            raise
        except BadInput as error:
            self.left_out.append(LeftOut(place.name, "", reason_of(error, place.name), key))
            return None
        self.left_out += [
            LeftOut(part.file, part.place, f"{part.reason} ({part.given})", key)
            for part in distribution.refused
        ]
        return _diluted(distribution, day, stored, dilution, self.file, key)

    def plate(self, key: str, run: AssayFile) -> Plate | BadInput:
        """The wells of a run; why there are none, and noted, where there are none."""
        try:
            export = self.opened(f"{key}.file", run.file)
            layout = None if run.layout is None else self.layout(f"{key}.layout", run.layout)
            columns = {str(key): name for key, name in run.columns.items()}
            responses = read_responses(export, run.read or "", self.catalog)
            return read_plate(export, Reading(columns, run.unit, responses, layout))
        except BadInput as error:
            name = Path(run.file).name
            self.left_out.append(LeftOut(name, "", reason_of(error, name), f"{key}.file"))
            return error

    def layout(self, key: str, name: str) -> Export:
        """The samples and doses of a plate's wells; several plates may share them."""
        place = beside(self.folder, name, key, self.file, self.record.folders)
        export = Export.open(place)
        self.inputs[str(place)] = export.sha256
        return export


class _Twice(BadInput):
    """A file that a record names twice: its measurement would count twice."""


def read_responses(export: Export, read: str, catalog: Catalog) -> dict[str, float] | None:
    """The responses in a plate reader's export by well; None for a file that is no such export.

    ``read``  which measurement, empty where there is one
    raises    BadInput where there are several measurements or plates and none is named
    """
    name = instrument_of(export, catalog)
    wells = None if name is None else read_with(export, name, catalog).wells
    if wells is None:
        return None
    reads = [str(reading) for reading in wells["read"].unique()]
    if read and read not in reads:
        raise BadInput("has no such measurement", file=export.name, key="read", given=read, allowed=reads)
    if not read and len(reads) > 1:
        raise BadInput(
            "has several measurements",
            file=export.name,
            key="read",
            allowed=reads,
            cure=f'read = "{reads[0]}"',
        )
    own = wells[wells["read"] == (read or reads[0])]
    if own["well"].duplicated().any():
        raise BadInput(
            "has several plates",
            file=export.name,
            given=list(own["plate"].unique()),
            cure="export each plate as a file",
        )
    return {str(well): float(value) for well, value in zip(own["well"], own["value"], strict=True)}


def _check_counts(table: pd.DataFrame) -> None:
    counted = table.groupby("replicate")["concentration"].sum()
    if not (np.isfinite(counted) & (counted > 0)).all():
        raise BadInput("counts no particle in a video", file=str(table["file"].iloc[0]))


def _diluted(
    distribution: Distribution, day: str, stored: float, dilution: float | None, file: str, key: str
) -> Counted:
    """Counts of the product: with the dilution that the file records, or else that the record states."""
    table = distribution.table
    use = key.split(".")[0] if key.startswith("count") else key.split(".")[-1] + " detergent"
    of = partial(
        Counted, instrument=distribution.instrument, use=use, day=day or captured(table), stored=stored
    )
    recorded = table["dilution_applied"].notna().all()
    if recorded and dilution is not None:
        raise BadInput(
            "its file records the dilution already",
            file=file,
            key=key.replace("file", "dilution"),
            given=dilution,
            allowed=str(float(table["dilution_applied"].iloc[0])),
            cure="remove the line",
        )
    if recorded:
        return of(table, dilution=float(table["dilution_applied"].iloc[0]), says="its file")
    if dilution is None:
        is_count = key.startswith("count")
        where = "[[count]]" if is_count else "[detergent]"
        name = "dilution" if is_count else key.replace("detergent.", "dilution_")
        line = f"{name} = 1000.0  # your own factor, 1.0 for none"
        cure = f"{table['file'].iloc[0]} does not record its dilution; add to its {where}: {line}"
        return of(table, dilution=None, says="", undiluted=cure)
    product = table.assign(concentration=table["concentration"] * dilution, dilution_applied=dilution)
    return of(product, dilution=dilution, says="the record")


def scatter(counts: tuple[Counted, ...], catalog: Catalog) -> tuple[Scatter, str]:
    """How far an instrument's counts differ within and between days, and the source that says so.

    raises  BadInput for files of several instruments, or one whose shelf entry does not state the ranges
    """
    names = sorted({measurement.instrument for measurement in counts})
    if len(names) > 1:
        raise BadInput(
            "counts of several instruments cannot be averaged: each has a calibration of its own",
            key="count",
            given=names,
            cure="keep one instrument's files, and assess the others in a record of their own",
        )
    card = catalog.get("instruments", names[0]).card
    for key in ("within_day", "day_to_day"):
        if key not in card.parameters:
            raise BadInput(
                "does not say how far its counts differ",
                file=card.file,
                key=key,
                cure=f"add [{key}] with its source",
            )
    within, between = (card.parameter(key, "") for key in ("within_day", "day_to_day"))
    return Scatter((within.low, within.high), (between.low, between.high)), str(between.source)


def refuse_contradiction(counts: tuple[Counted, ...], spread: Scatter, file: str) -> None:
    """Raise BadInput where two files of one lot differ by more than four of the largest published spreads.

    Such a difference is a dilution or another sample, not an error of counting: no mean of the two is the lot's.
    """
    low, high = (
        choose(counts, key=lambda measurement: float(measurement.counts().mean())) for choose in (min, max)
    )
    logs = [np.log(measurement.counts()) for measurement in (low, high)]
    videos = sum(float(log.var(ddof=1)) / log.size for log in logs if log.size > 1)
    one_count = np.log1p(spread.within[1] ** 2) + np.log1p(spread.between[1] ** 2)
    if logs[1].mean() - logs[0].mean() > 4 * np.sqrt(2 * one_count + videos):
        values = []
        for measurement in (low, high):
            mean = convert(float(measurement.counts().mean()), "particles/uL", "particles/mL")
            values.append(f"{measurement.table['file'].iloc[0]}: {mean:.3g} particles/mL")
        raise BadInput(
            "two files of one lot contradict each other",
            file=file,
            key="count",
            given=" and ".join(values),
            cure="check their dilutions and samples, and take out the one that is wrong",
        )
