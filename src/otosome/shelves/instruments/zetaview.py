"""ZetaView text exports (8.05, 8.06): the size distribution of one run, the positions of a cell, or a zeta profile.

A size file holds the same particles twice, in linear and then in logarithmic bins behind a row of -1; only the
first is read. Its concentration is that of the diluted sample, so it is multiplied by the stated dilution here.
A profile has a zero byte behind the micro sign of each of its units.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from otosome.laboratory.file import (
    Export,
    Refused,
    flags,
    moment,
    parse,
)
from otosome.laboratory.tables import Tables, particles, readings
from otosome.units import Array, convert

if TYPE_CHECKING:
    import pandas as pd

TABLE = ("Size / nm", "Number", "Concentration / cm-3")
POSITIONS = ("Position", "Conc. (p./mL)", "Orig. Conc. (p./cm^3)", "No. of Traces", "X50 (nm)")
FEWEST_BINS, MOST_BINS = 10, 20_000
WIDEST = 1e5  # nm: a hundred times the largest particle the method follows
PROFILE, POTENTIAL, ACCURACY, WIDTH = (
    "ZP Profile",
    "Zeta Potential / mV",
    "ZP Parabola Fit Accuracy / mV",
    "ZP Distribution (SL 1/2) FWHM / mV",
)
HIGHEST = 150.0  # mV: particles lie within 100; what is fitted beyond follows too few tracks
AGAIN = "export the measurement again from the ZetaView software as text"
CHECKS = {"Particle Drift Check Result": "ok", "Cell Check Result": "good"}


@dataclass(frozen=True)
class Zetaview:
    """The instrument, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a file that begins so is one of its text exports."""
        return b"Software:\tZetaView" in head or all(name.encode("latin-1") in head for name in POSITIONS[:3])

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``particles``, a row per size bin or position used; of a profile ``readings``, its potential."""
        if PROFILE.encode() in export.content:
            return Tables(readings=_potential(export))
        if all(name in export.text for name in POSITIONS):
            return _positions(export)
        if "Size Distribution" not in export.lines():
            raise export.refusal("file", "no size distribution", "one, or positions, or a profile", AGAIN)
        return Tables(particles=_sizes(export))


def _sizes(export: Export) -> pd.DataFrame:
    lines = export.lines()
    fields = _fields(lines)
    start = lines.index("Size Distribution") + 1
    names = [cell.strip() for cell in lines[start].split("\t")] if start < len(lines) else []
    if tuple(names[:3]) != TABLE:
        raise export.refusal("Size Distribution", "\t".join(names)[:80], "\t".join(TABLE), AGAIN)
    decimal = "," if any("," in line for line in lines[start + 1 :]) else "."
    bins = _bins(export, lines, start + 1, decimal)
    dilution = _dilution(export, decimal)
    applied = 1.0 if np.isnan(dilution) else dilution
    sample, named = _sample(fields)
    return particles(
        export,
        sample=sample,
        replicate=1,
        diameter=bins[:, 0] * convert(1.0, "nm", "mm"),
        count=bins[:, 1],
        concentration=bins[:, 2] * applied * convert(1.0, "particles/mL", "particles/uL"),
        dilution_applied=dilution,
        recorded=_recorded(fields),
        flag=flags(
            named,
            "decimal comma" if decimal == "," else "",
            "Dilution: not stated" if np.isnan(dilution) else "",
            f"Dilution {dilution:g}: applied here, the export's values are of the diluted sample"
            if dilution > 1
            else "",
            *_warnings(fields),
            export.contradiction(fields.get("Date", "")),
        ),
    )


def _potential(export: Export) -> pd.DataFrame:
    """The zeta potential of a profile, as the program fits it; how well, and how wide it spreads, in the flag."""
    plain = replace(export, content=export.content.replace(b"\xb5\0", b"\xb5"))
    fields = _fields(plain.lines())
    decimal = "," if "," in fields.get(POTENTIAL, "") else "."
    value = export.number(fields.get(POTENTIAL, ""), POTENTIAL, decimal)
    traces = export.number(fields.get("Number of Traces", ""), "Number of Traces", decimal)
    if not abs(value) <= HIGHEST or not traces > 0:
        entry = f"{value:g} mV from {traces:g} traces"
        raise export.refusal(
            POTENTIAL, entry, f"within {HIGHEST:g} mV, of one trace or more", "measure again"
        )
    sample, named = _sample(fields)
    recorded = _recorded(fields)
    return readings(
        export,
        subject=sample,
        quantity="zeta_potential",
        value=value,
        unit="mV",
        recorded=recorded,
        flag=flags(
            "subject is the sample",
            named,
            "decimal comma" if decimal == "," else "",
            *(f"{key}: {fields[key]}" for key in (ACCURACY, WIDTH, "Number of Traces") if key in fields),
            *_warnings(fields),
            export.contradiction(recorded),
        ),
    )


def _fields(lines: list[str]) -> dict[str, str]:
    """Key and first value of each line before the table."""
    pairs = (line.split("\t") for line in lines[:200] if ":" in line and "\t" in line)
    return {cells[0].strip().rstrip(":"): cells[1].strip() for cells in pairs}


def _recorded(fields: dict[str, str]) -> str:
    return moment(f"{fields.get('Date', '')} {fields.get('Time', '')}", "%Y-%m-%d %H:%M:%S")


def _sample(fields: dict[str, str]) -> tuple[str, str]:
    """The sample's name; where the field is blank, that of the video, and a flag."""
    if fields.get("Sample"):
        return fields["Sample"], ""
    video = re.split(r"[\\/]", fields.get("Original File", ""))[-1].removesuffix(".avi")
    return video, "Sample: blank, named by its video"


def _dilution(export: Export, decimal: str) -> float:
    match = re.search(r"Dilution:+\t([^\t\r\n]*)", export.text)
    value = export.number(match[1], "Dilution", decimal) if match else np.nan
    if value < 1:
        raise export.refusal("Dilution", str(value), "1 or more", AGAIN)
    return value


def _bins(export: Export, lines: list[str], start: int, decimal: str) -> Array:
    """Size, number and concentration of the first table, to the row of -1 that ends it."""
    rows: list[list[float]] = []
    for line, text in enumerate(lines[start : start + MOST_BINS + 1], start=start + 1):
        cells = text.split("\t")
        if cells[0].strip().startswith("-1"):
            return _believable(export, np.array(rows).reshape(-1, 3))
        if len(cells) < 3:
            break
        rows.append([export.number(cell, f"line {line}", decimal) for cell in cells[:3]])
    entry = f"{len(rows)} bins and no row of -1 behind them"
    raise export.refusal(
        "Size Distribution", entry, "a whole distribution", f"the file is cut short: {AGAIN}"
    )


def _believable(export: Export, bins: Array) -> Array:
    if bins.size == 0 or not bins[:, 1].sum() > 0:
        raise export.refusal("Size Distribution", "no particle was traced", "one or more", "measure again")
    if len(bins) < FEWEST_BINS or not np.isfinite(bins).all() or (bins < 0).any():
        raise export.refusal(
            "Size Distribution", f"{len(bins)} bins", f"{FEWEST_BINS} or more, not negative", AGAIN
        )
    if bins[0, 0] <= 0 or bins[-1, 0] > WIDEST or (np.diff(bins[:, 0]) <= 0).any():
        raise export.refusal(
            "Size Distribution", "sizes out of order", f"rising, above 0, to {WIDEST:g} nm", AGAIN
        )
    return bins


def _warnings(fields: dict[str, str]) -> list[str]:
    warnings = [
        f"{key}: {fields[key]}"
        for key, fine in CHECKS.items()
        if key in fields and fine not in fields[key].lower()
    ]
    factor = parse(fields.get("Concentration Correction Factor", "1").replace(",", "."))
    return (
        warnings
        if factor == 1
        else [*warnings, f"Concentration Correction Factor: {fields['Concentration Correction Factor']}"]
    )


def _positions(export: Export) -> Tables:
    """A row per position that the instrument used; removed ones are listed with its reason."""
    rows, refused = _used(export)
    if not rows:
        raise export.refusal("positions", "none that the instrument used", "one or more", "measure again")
    diluted, original, traces, median = np.array(rows).T
    return Tables(
        particles=particles(
            export,
            sample=re.sub(r"_?11pos.*", "", export.name),
            replicate=np.arange(1, len(rows) + 1),
            diameter=median * convert(1.0, "nm", "mm"),
            count=traces,
            concentration=original * convert(1.0, "particles/mL", "particles/uL"),
            dilution_applied=original / diluted,
            flag="median of a position, no distribution; sample from the file's name",
        ),
        refused=tuple(refused),
    )


def _used(export: Export) -> tuple[list[list[float]], list[Refused]]:
    """The numbers of each position that the instrument used, in the order of ``POSITIONS``, and the removed ones."""
    names, table, decimal = _position_table(export)
    rows, refused = list[list[float]](), list[Refused]()
    for i, position in enumerate(table["position"].astype(str)):
        removal = str(table["removal"][i]).strip() if "removal" in table else ""
        cells = [export.number(table[name][i], f"position {position}, {name}", decimal) for name in names]
        if not position.strip()[:1].isdigit():
            continue  # mean and deviations, below the positions
        if removal or np.isnan(cells).any():
            reason = removal or "a blank"
            refused.append(export.left_out(f"position {position}", reason, "not used by the instrument"))
        else:
            rows.append(cells)
    return rows, refused


def _position_table(export: Export) -> tuple[list[str], pd.DataFrame, str]:
    """The names of the columns of numbers, the table of positions, and its decimal mark."""
    lines, wanted = export.lines(), [name.lower() for name in POSITIONS]
    start = export.line_with(*wanted, among=200)
    tabs = "\t" in lines[start]
    table = export.table(start, "\t" if tabs else None).frame
    if any(name not in table for name in wanted):
        raise export.refusal(f"line {start + 1}", lines[start][:80], ", ".join(POSITIONS), AGAIN)
    return wanted[1:], table, "," if tabs and "," in "".join(lines[start + 1 :]) else "."
