"""The files a record names: counts with their dilution, and the wells of its assays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.laboratory.file import Export
from otosome.laboratory.reading import read_particles
from otosome.lots.count import Measurement, Scatter
from otosome.lots.plate import Plate, read_plate
from otosome.lots.record import LotRecord, beside
from otosome.units import Array

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Counted:
    """One file of counts: its tidy table with the dilution in it, when and how it was measured.

    ``undiluted``  the line to add where nothing says by what the sample was diluted, else empty
    """

    table: pd.DataFrame
    instrument: str
    day: str
    stored: float
    undiluted: str

    def counts(self) -> Array:
        """Particles per uL of each video, shape (video,)."""
        return np.asarray(self.table.groupby("replicate", sort=True)["concentration"].sum(), dtype=float)

    def measurement(self) -> Measurement:
        """The same as one measurement of its day."""
        return Measurement(self.day, self.counts())


@dataclass(frozen=True)
class Files:
    """Everything a record's folder holds for it, with the hash of each file."""

    counts: tuple[Counted, ...]
    detergent: tuple[Counted, Counted] | None
    plates: tuple[Plate, ...]
    inputs: dict[str, str]


def read_files(record: LotRecord, folder: Path, file: str, catalog: Catalog) -> Files:
    """Read every file a record names; raises BadInput for one that cannot be used, or is named twice."""
    seen: dict[str, str] = {}
    inputs: dict[str, str] = {}

    def opened(name: str, key: str) -> Export:
        found = beside(folder, name, key, file)
        export = Export.open(found)
        if export.sha256 in seen:
            raise BadInput(
                f"is the same file as {seen[export.sha256]}",
                file=file,
                key=key,
                given=name,
                cure="one measurement counts once: name it once",
            )
        seen[export.sha256] = key
        inputs[str(found)] = export.sha256
        return export

    def counted(name: str, key: str, dilution: float | None, day: str = "", stored: float = 0.0) -> Counted:
        table, instrument = read_particles(opened(name, key), catalog)
        return _diluted(table, instrument, day, stored, dilution, file, key)

    counts = tuple(
        counted(one.file, f"count.{n}.file", one.dilution, one.day or "", one.stored)
        for n, one in enumerate(record.count)
    )
    told = record.detergent
    pair = None
    if told is not None:
        pair = (
            counted(told.before, "detergent.before", told.dilution_before),
            counted(told.after, "detergent.after", told.dilution_after),
        )
    plates = tuple(
        read_plate(opened(one.file, f"assay.{n}.file").content, one.file)
        for n, one in enumerate(record.assay)
    )
    return Files(counts, pair, plates, inputs)


def _diluted(
    table: pd.DataFrame, instrument: str, day: str, stored: float, dilution: float | None, file: str, key: str
) -> Counted:
    counted = table.groupby("replicate")["concentration"].sum()
    if not (np.isfinite(counted) & (counted > 0)).all():
        raise BadInput("counts no particle in a video", file=file, key=key, given=str(table["file"].iloc[0]))
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
        return Counted(table, instrument, day, stored, "")
    if dilution is None:
        line = "dilution = 1000.0  # your own factor, 1.0 for none"
        where = "[[count]]" if key.startswith("count") else "[detergent]"
        name = (
            line
            if key.startswith("count")
            else line.replace("dilution", key.replace("detergent.", "dilution_"), 1)
        )
        said = f"{table['file'].iloc[0]} does not record its dilution; add to its {where}: {name}"
        return Counted(table, instrument, day, stored, said)
    product = table.assign(concentration=table["concentration"] * dilution, dilution_applied=dilution)
    return Counted(product, instrument, day, stored, "")


def scatter(counts: tuple[Counted, ...], catalog: Catalog) -> tuple[Scatter, str]:
    """How far an instrument's counts differ within and between days, and the source that says so.

    raises  BadInput for files of several instruments, or one whose shelf entry does not state the ranges
    """
    names = sorted({one.instrument for one in counts})
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
