"""Size distributions in CSV, typed from a paper or exported from any instrument: a row a size bin.

Both units stand in the header, as in ``diameter (nm), concentration (particles/mL)``; a concentration is that of its
bin and not per nm.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from otosome.laboratory.columns import Columns
from otosome.laboratory.file import Export, flags, header
from otosome.laboratory.tables import Tables, at_rows, particles
from otosome.units import convert

_MICRO = "[u\u00b5\u03bc]"
DIAMETER = re.compile(
    rf"(?:particle |mean )?(?:diameter|size|bin(?: cent(?:er|re))?)[ _]*[(\[/]?\s*(nm|{_MICRO}m)[)\]]?"
)
_PER = rf"(?:/\s*|per[ _])(ml|{_MICRO}l|cm3|cm\^3)|(ml|{_MICRO}l|cm)\^?-[13]"
CONCENTRATION = re.compile(
    r"(?:(?:particle |mean )?conc(?:\.|entration)?|particles|count)[ _]*"
    rf"[(\[]?(?:particles|p\.?|#|1)?[ _]*(?:{_PER})[)\]]?"
)
WIDEST = 1e5  # nm: a hundred times the largest particle that any method follows


@dataclass(frozen=True)
class SizeTable:
    """The layout, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a table that begins so has one diameter and one concentration, each with its unit."""
        return all(len(_columns(header(head), form)) == 1 for form in (DIAMETER, CONCENTRATION))

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``particles``, a row per bin of each ``sample`` and ``replicate`` (1 where none is stated)."""
        columns = Columns.of(export)
        size, amount = (
            _column(columns, *kind) for kind in ((DIAMETER, "nm"), (CONCENTRATION, "particles/mL"))
        )
        diameter = columns.numbers(size) * convert(1.0, _length(size), "nm")
        concentration = columns.numbers(amount) * convert(1.0, f"particles/{_volume(amount)}", "particles/uL")
        samples, replicates = (
            columns.texts("sample", "lot", "sample_name"),
            columns.texts("replicate", "video", "run"),
        )
        rows = list[int]()
        bins = set[tuple[str, str, float]]()
        for row in np.flatnonzero(np.isfinite(diameter) & np.isfinite(concentration)):
            place = (samples[row], replicates[row], float(diameter[row]))
            if not 0 < diameter[row] <= WIDEST:
                columns.leave_out(int(row), size, f"{diameter[row]:g} nm", f"lies outside 0 to {WIDEST:g} nm")
            elif concentration[row] < 0:
                columns.leave_out(int(row), amount, f"{concentration[row]:g}", "is below zero")
            elif place in bins:
                columns.leave_out(int(row), size, f"{diameter[row]:g} nm", "stands twice")
            else:
                bins.add(place)
                rows.append(int(row))
        if not rows or not concentration[rows].sum() > 0:
            raise columns.nothing("no bin with particles in it")
        numbers = {name: n for n, name in enumerate(dict.fromkeys(replicates[row] for row in rows), start=1)}
        table = particles(
            export,
            **at_rows(rows, sample=samples, replicate=[numbers.get(name, 0) for name in replicates]),
            diameter=diameter[rows] * convert(1.0, "nm", "mm"),
            concentration=concentration[rows],
            flag=flags("Dilution: not stated", "decimal comma" if columns.decimal == "," else ""),
        )
        return Tables(particles=table, refused=tuple(columns.refused))


def _columns(names: set[str] | list[str], form: re.Pattern[str]) -> list[str]:
    return [name for name in names if form.fullmatch(name)]


def _column(columns: Columns, form: re.Pattern[str], unit: str) -> str:
    """The one column of a form; raises BadInput where there is none, or several."""
    names = list(map(str, columns.frame.columns))
    fitting = _columns(names, form)
    if len(fitting) != 1:
        raise columns.export.refusal("header", ", ".join(names)[:200], f"one column in {unit}, or the like")
    return fitting[0]


def _length(name: str) -> str:
    match = DIAMETER.fullmatch(name)
    assert match is not None  # the column was chosen by it
    return "nm" if match[1] == "nm" else "um"


def _volume(name: str) -> str:
    """The volume of a column's concentration; a cubic centimetre is a millilitre."""
    match = CONCENTRATION.fullmatch(name)
    assert match is not None  # the column was chosen by it
    unit = match[1] or match[2]
    return "mL" if unit in ("ml", "cm", "cm3", "cm^3") else "uL"
