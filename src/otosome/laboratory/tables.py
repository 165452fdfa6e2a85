"""The tidy tables that laboratory files become, and what of a file was refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, cast

import numpy as np

from otosome.laboratory.file import (
    LONGEST_NAME,
    MOST_LINES,
    Export,
    Refused,
    flags,
)
from otosome.laboratory.voltage import believable, factor
from otosome.units import Array, moment

if TYPE_CHECKING:
    import pandas as pd

READINGS = tuple(
    (
        "subject ear group time quantity measure frequency place value unit level censored recorded flag file sha256"
    ).split()
)
PARTICLES = tuple(
    "sample replicate diameter count concentration dilution_applied recorded flag file sha256".split()
)
WAVEFORMS = tuple(
    (
        "subject ear group time frequency level unit rate onset sweeps part samples recorded flag file sha256"
    ).split()
)
# A mark is a reading of a recording in another file: ``series`` is that file's hash, ``scale`` the unit of its levels.
MARKS = (*READINGS, "series", "scale")
WELLS = ("plate", "well", "sample", "read", "value", "flag", "file", "sha256")
BEYOND = 1e9  # uV: no amplifier gives a sample of 1 kV
FEWEST_SAMPLES = 40  # that a waveform needs to show a response
UNITS = {"time": "h", "frequency": "kHz", "diameter": "mm", "concentration": "particles/uL"}
_TEXT = {
    *"subject ear group quantity measure unit censored recorded flag sample part plate well read".split(),
    *"series scale".split(),
}


@dataclass(frozen=True)
class Tables:
    """What a file holds, and what of it was not read.

    ``readings``   a row per reading, columns ``READINGS``; ``quantity`` is what was read (``abr_threshold``,
                   ``cell_count.ohc``), ``measure`` what a simulated study calls it, blank in a laboratory's table
    ``particles``  a row per size bin and replicate, columns ``PARTICLES``
    ``waveforms``  a row per averaged response, columns ``WAVEFORMS``; ``samples`` is an array in uV, ``sweeps`` how
                   many it averages; ``part`` is blank, or numbers a part of the average that stands beside it
    ``wells``      a row per well and measurement of a plate, columns ``WELLS``
    ``marks``      a row per reading marked by hand on a waveform of another file, columns ``MARKS``
    """

    readings: pd.DataFrame | None = None
    particles: pd.DataFrame | None = None
    waveforms: pd.DataFrame | None = None
    wells: pd.DataFrame | None = None
    marks: pd.DataFrame | None = None
    refused: tuple[Refused, ...] = ()

    @property
    def rows(self) -> int:
        """Rows of all tables together."""
        return sum(map(len, self.each().values()))

    def each(self) -> dict[str, pd.DataFrame]:
        """The tables there are, by name."""
        names = ("readings", "particles", "waveforms", "wells", "marks")
        return {name: table for name in names if (table := getattr(self, name)) is not None}


def readings(export: Export, **columns: object) -> pd.DataFrame:
    """The table ``readings`` from columns of one length, or single values for all rows."""
    return _table(export, READINGS, {"censored": "none", **columns})


def rows_of(rows: Sequence[Mapping[str, object]]) -> dict[str, list[object]]:
    """Rows as columns: what each holds under a name, in order; all rows hold the same names."""
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}


def at_rows(rows: Iterable[int], **columns: Sequence[object] | Array) -> dict[str, list[object]]:
    """Some rows of some columns."""
    places = list(rows)
    return {name: [values[row] for row in places] for name, values in columns.items()}


def particles(export: Export, **columns: object) -> pd.DataFrame:
    """The table ``particles`` from columns of one length, or single values for all rows."""
    table = _table(export, PARTICLES, columns)
    table.attrs["units"] = {key: UNITS[key] for key in ("diameter", "concentration")}
    return table


def waveforms(
    export: Export, samples: Sequence[Array], voltage: str, largest: float = 1.0, /, **columns: object
) -> pd.DataFrame:
    """The table ``waveforms``, converted to uV here and nowhere else; the other columns as in ``readings``.

    ``samples``  as they stand in the file, an array a row;  ``voltage``  their unit: nV, uV, mV or V
    ``largest``  times a response at the scalp that they may show, such as ``voltage.EAR``
    raises       BadInput for samples that are not finite, or that no response is as large or as small as
    """
    import pandas as pd

    scale = factor(voltage)
    assert scale is not None  # readers ask for a unit before they come here
    if not all(np.isfinite(sample).all() for sample in samples):
        raise export.refusal("samples", "a value that is not finite", "finite numbers")
    highest = max((float(np.abs(sample).max(initial=0.0)) for sample in samples), default=0.0)
    if highest > BEYOND / scale:
        raise export.refusal("samples", f"{highest:.3g} {voltage}", f"at most {BEYOND / scale:g} {voltage}")
    table = _table(export, WAVEFORMS, {"onset": 0.0, **columns}, rows=len(samples))
    converted = [sample * scale for sample in samples]
    table["samples"] = pd.Series(converted, dtype=object)
    whole = np.flatnonzero(table["part"] == "")
    level = table["level"].to_numpy(dtype=float)[whole]
    doubt = believable(export, [converted[i] for i in whole], level, voltage, largest)
    if doubt:
        table["flag"] = [flags(flag, doubt) for flag in table["flag"]]
    return table


def marks(export: Export, **columns: object) -> pd.DataFrame:
    """The table ``marks`` from columns of one length, or single values for all rows."""
    return _table(export, MARKS, columns)


def wells(export: Export, **columns: object) -> pd.DataFrame:
    """The table ``wells`` from columns of one length, or single values for all rows."""
    return _table(export, WELLS, columns)


def _table(
    export: Export, names: tuple[str, ...], columns: Mapping[str, object], rows: int | None = None
) -> pd.DataFrame:
    import pandas as pd

    lengths = [
        len(v) for v in columns.values() if not isinstance(v, str) and isinstance(v, (Sequence, np.ndarray))
    ]
    count = rows if rows is not None else max(lengths, default=1)
    if count > 8 * MOST_LINES:
        raise export.refusal("file", f"{count} rows", f"at most {8 * MOST_LINES}", "split the file")
    own = {"file": export.name, "sha256": export.sha256, "samples": None}
    full = {name: own.get(name, columns.get(name, "" if name in _TEXT else np.nan)) for name in names}
    for name in ("subject", "sample", "group", "plate", "read"):
        if not isinstance(full.get(name, ""), str):
            full[name] = [label(str(text)) for text in cast(Iterable[object], full[name])]
        elif name in full:
            full[name] = label(str(full[name]))
    return pd.DataFrame(full, index=range(count))


def when(readings: pd.DataFrame) -> list[str]:
    """When each row of a table of readings was read, in days or hours, or in the words of its file; else blank."""
    words = readings["flag"].astype(str).str.extract(r"timepoint: ([^;]*)")[0].fillna("")
    return [
        moment(hour) if np.isfinite(hour) else word
        for hour, word in zip(readings["time"].astype(float), words, strict=True)
    ]


@lru_cache(maxsize=65_536)
def label(text: str) -> str:
    """A name from a file as one short line of text."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:LONGEST_NAME]
