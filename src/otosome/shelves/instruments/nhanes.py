"""NHANES audiometry (AUX files), as CSV or as the SAS transport file the CDC publishes.

666 is no response and 888 could not be obtained: codes, never levels. The transport file's numbers are decoded
from IBM floating point here, so that 0 dB is 0. 1 kHz is tested twice in each ear, and both readings are kept.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from otosome.laboratory.columns import Columns, possible
from otosome.laboratory.file import Export, flags
from otosome.laboratory.tables import Tables, readings
from otosome.units import Array

if TYPE_CHECKING:
    import pandas as pd

# AUX, U(sual) or R(epeat), frequency, second test at 1 kHz, ear.
TEST = re.compile(r"aux([ur])(500|1k1|1k2|1k|5c|2k|3k|4k|6k|8k)([rl])", re.ASCII)
KILOHERTZ = {
    "500": 0.5,
    "5c": 0.5,
    "1k": 1.0,
    "1k1": 1.0,
    "1k2": 1.0,
    "2k": 2.0,
    "3k": 3.0,
    "4k": 4.0,
    "6k": 6.0,
    "8k": 8.0,
}
EARS = {"r": "right", "l": "left"}
NO_RESPONSE, NOT_OBTAINED = 666, 888
XPT = b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!"
NAMES = b"HEADER RECORD*******NAMESTR HEADER RECORD!!!!!!!"
BODY = b"HEADER RECORD*******OBS     HEADER RECORD!!!!!!!"
CARD = 80
MOST_VARIABLES = 500
AGAIN = "download the file again"


@dataclass(frozen=True)
class Nhanes:
    """The survey's layout, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a file that begins so holds persons (SEQN) and audiometry (AUX...)."""
        csv = head.removeprefix(b"\xef\xbb\xbf").lstrip(b'"')[:5].upper().startswith(b"SEQN")
        return (csv or head.startswith(XPT)) and b"AUX" in head.upper()

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``readings``: a hearing level for each person, ear and frequency that was tested."""
        transport = export.content.startswith(XPT)
        columns = Columns(export, _transport(export)) if transport else Columns.of(export)
        person = columns.texts(columns.first(["seqn"]))
        tests = [(str(name), m) for name in columns.frame.columns if (m := TEST.fullmatch(str(name)))]
        if not tests:
            raise export.refusal("header", "no column like AUXU2KR", "tests of hearing", AGAIN)
        return Tables(readings=_readings(columns, person, tests), refused=tuple(columns.refused))


def _readings(
    columns: Columns, person: Sequence[str], tests: Sequence[tuple[str, re.Match[str]]]
) -> pd.DataFrame:
    """The table ``readings`` of all tests, person by person."""
    parts = [_test(columns, name, match) for name, match in tests]
    rows = np.concatenate([part[0] for part in parts])
    if rows.size == 0:
        raise columns.export.refusal("rows", "no level", "one or more", AGAIN)
    order = np.argsort(rows, kind="stable")
    spread = np.repeat(np.arange(len(tests)), [part[0].size for part in parts])[order]
    matches = [tests[i][1] for i in spread]
    censored = np.concatenate([part[2] for part in parts])[order]
    return readings(
        columns.export,
        subject=[person[row] for row in rows[order]],
        ear=[EARS[match[3]] for match in matches],
        quantity="audiogram",
        frequency=np.array([KILOHERTZ[match[2]] for match in matches]),
        value=np.concatenate([part[1] for part in parts])[order],
        unit="dB HL",
        censored=np.where(censored, "above", "none"),
        flag=[_remark(match, c) for match, c in zip(matches, censored, strict=True)],
    )


def _test(
    columns: Columns, name: str, test: re.Match[str]
) -> tuple[NDArray[np.intp], Array, NDArray[np.bool_]]:
    """Rows, levels and whether there was no response, of one ear and frequency.

    No response lies above the loudest level anybody in the file answered at this frequency, which the audiometer
    reached at least; its own limit is not in the file.
    """
    level = columns.numbers(name)
    none = level == NO_RESPONSE
    lost = level == NOT_OBTAINED
    for row in np.flatnonzero(lost):
        columns.leave_out(int(row), name.upper(), NOT_OBTAINED, "could not be obtained")
    real = np.array([bool(possible(v)) for v in level], dtype=bool)
    for row in np.flatnonzero(np.isfinite(level) & ~real & ~none & ~lost):
        columns.leave_out(int(row), name.upper(), f"{level[row]:g}", "a code that is not known")
    limit = level[real].max(initial=-np.inf)
    for row in np.flatnonzero(none) if not np.isfinite(limit) else []:
        columns.leave_out(int(row), name.upper(), NO_RESPONSE, "no response, and no level at this frequency")
    rows = np.flatnonzero(real | (none & np.isfinite(limit)))
    return rows, np.where(none, limit, level)[rows], none[rows]


def _remark(test: re.Match[str], censored: bool) -> str:
    return flags(
        "second test" if test[2] == "1k2" else "",
        "repeat set" if test[1] == "r" else "",
        "no response: above the loudest level in the file at this frequency" if censored else "",
    )


def _transport(export: Export) -> pd.DataFrame:
    """The variables of interest of a SAS transport file (version 5), as text cells like those of a CSV."""
    import pandas as pd

    body = export.content.find(BODY)
    variables = _variables(export, body)
    packed = _packed(export, body + CARD, max(position + length for _, length, position in variables))
    wanted = [v for v in variables if v[0] == "seqn" or TEST.fullmatch(v[0])]
    cells = {name: _ibm(packed[:, at : at + length]) for name, length, at in wanted}
    if packed.shape[0] == 0 or len(cells) < len(wanted):
        count = f"{packed.shape[0]} rows, {len(wanted)} variables"
        raise export.refusal("observations", count, "rows, each variable once", AGAIN)
    return pd.DataFrame(
        {name: ["" if np.isnan(v) else f"{v:.10g}" for v in column] for name, column in cells.items()}
    )


def _variables(export: Export, body: int) -> list[tuple[str, int, int]]:
    """Name, length and position of each variable in the list that stands before the observations."""
    start = export.content.find(NAMES)
    stated = export.content[start + 54 : start + 58]
    if start < 0 or body < start or not stated.isdigit() or not 1 <= int(stated) <= MOST_VARIABLES:
        raise export.refusal("header", "no list of variables", f"1 to {MOST_VARIABLES}", AGAIN)
    return [_variable(export, start + CARD + 140 * i) for i in range(int(stated))]


def _packed(export: Export, first: int, width: int) -> NDArray[np.uint8]:
    """The bytes of the observations, shape (row, byte)."""
    rows = max(len(export.content) - first, 0) // width
    if rows == 0:
        raise export.refusal("observations", "none", "one or more", AGAIN)
    packed = np.frombuffer(export.content, np.uint8, rows * width, first).reshape(rows, width)
    # The last card is filled with blanks, which may make up whole rows.
    return packed[~(packed == ord(" ")).all(axis=1)]


def _variable(export: Export, start: int) -> tuple[str, int, int]:
    """Name (lower case), length and position of a number; text variables come with their length, too."""
    packed = export.content[start : start + 140]
    if len(packed) < 140:
        raise export.refusal("header", "fewer variables than stated", "all of them", AGAIN)
    kind, _, length, _, name = struct.unpack_from(">hhhh8s", packed)
    (position,) = struct.unpack_from(">i", packed, 84)
    text = name.decode("latin-1").strip().lower()
    widest = 8 if kind == 1 else 200
    if kind not in (1, 2) or (not 2 <= length <= widest and kind == 1) or not 1 <= length <= widest:
        raise export.refusal(
            f"variable {text[:20]!r}", f"{length} bytes of kind {kind}", "2 to 8 of kind 1", AGAIN
        )
    if not 0 <= position <= MOST_VARIABLES * 200:
        raise export.refusal(f"variable {text[:20]!r}", f"position {position}", "inside a row", AGAIN)
    return (text if kind == 1 else f"text {text}"), length, position


def _ibm(packed: NDArray[np.uint8]) -> Array:
    """Numbers in IBM floating point (sign, power of 16 less 64, 56 bits of fraction); a missing one is NaN."""
    full = np.zeros((packed.shape[0], 8), np.uint8)
    full[:, : packed.shape[1]] = packed
    fraction = full[:, 1:].astype(np.uint64)
    mantissa = (fraction << (8 * np.arange(6, -1, -1, dtype=np.uint64))).sum(axis=1)
    exponent = (full[:, 0] & 0x7F).astype(int) - 64
    value = mantissa.astype(float) * 2.0**-56 * 16.0**exponent * np.where(full[:, 0] & 0x80, -1.0, 1.0)
    return np.where((mantissa == 0) & (full[:, 0] != 0), np.nan, value)
