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
)
from otosome.units import Array

if TYPE_CHECKING:
    import pandas as pd

READINGS = (
    "subject", "ear", "group", "time", "quantity", "frequency", "place", "value", "unit", "level", "censored",
    "recorded", "flag", "file", "sha256",
)  # fmt: skip
PARTICLES = (
    "sample", "replicate", "diameter", "count", "concentration", "dilution_applied", "flag", "file", "sha256",
)  # fmt: skip
WAVEFORMS = (
    "subject", "ear", "group", "time", "frequency", "level", "unit", "rate", "onset", "samples", "recorded",
    "flag", "file", "sha256",
)  # fmt: skip
UNITS = {"time": "h", "frequency": "kHz", "diameter": "mm", "concentration": "particles/uL"}
WAVEFORM_UNITS = {"time": "h", "frequency": "kHz", "rate": "kHz", "onset": "ms", "samples": "uV"}
_TEXT = {"subject", "ear", "group", "quantity", "unit", "censored", "recorded", "flag", "sample"}


@dataclass(frozen=True)
class Tables:
    """What a file holds, and what of it was not read.

    ``readings``   a row per reading, columns ``READINGS``
    ``particles``  a row per size bin and replicate, columns ``PARTICLES``
    ``waveforms``  a row per averaged response, columns ``WAVEFORMS``; ``samples`` is an array in uV
    """

    readings: pd.DataFrame | None = None
    particles: pd.DataFrame | None = None
    waveforms: pd.DataFrame | None = None
    refused: tuple[Refused, ...] = ()

    @property
    def rows(self) -> int:
        """Rows of all tables together."""
        return sum(len(t) for t in (self.readings, self.particles, self.waveforms) if t is not None)


def readings(export: Export, **columns: object) -> pd.DataFrame:
    """The table ``readings`` from columns of one length, or single values for all rows."""
    return _table(export, READINGS, {"censored": "none", **columns})


def particles(export: Export, **columns: object) -> pd.DataFrame:
    """The table ``particles`` from columns of one length, or single values for all rows."""
    table = _table(export, PARTICLES, columns)
    table.attrs["units"] = {key: UNITS[key] for key in ("diameter", "concentration")}
    return table


def waveforms(export: Export, samples: Sequence[Array], **columns: object) -> pd.DataFrame:
    """The table ``waveforms``: ``samples`` in uV, an array a row; the others as in ``readings``."""
    import pandas as pd

    if not all(np.isfinite(one).all() for one in samples):
        raise export.refusal("samples", "a value that is not finite", "finite numbers")
    table = _table(export, WAVEFORMS, {"onset": 0.0, **columns}, rows=len(samples))
    table["samples"] = pd.Series(list(samples), dtype=object)
    return table


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
    for name in ("subject", "sample", "group"):
        if not isinstance(full.get(name, ""), str):
            full[name] = [label(str(one)) for one in cast(Iterable[object], full[name])]
        elif name in full:
            full[name] = label(str(full[name]))
    return pd.DataFrame(full, index=range(count))


@lru_cache(maxsize=65_536)
def label(text: str) -> str:
    """A name from a file as one short line of text."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:LONGEST_NAME]
