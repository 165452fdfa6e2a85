"""TDT BioSigRZ and BioSigRP text exports: groups of records, each an averaged waveform, a sample a line.

The export states no unit of its samples: BioSig writes volts, and they are held against what a scalp shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from otosome.laboratory.columns import EARS, tone
from otosome.laboratory.file import Export, Refused, flags
from otosome.laboratory.tables import Tables, rows_of, waveforms
from otosome.laboratory.voltage import one_unit
from otosome.units import Array

if TYPE_CHECKING:
    import pandas as pd

GROUP, RECORD = "group header", "record number"
KEY = re.compile(r"\s*([A-Za-z][^:=]{0,40}?)\s*[:=]\s*(.*?)\s*")
MEASURE = re.compile(r"([-+\d.eE]+)\s*([^\s\d].*)?")
HERTZ = {"hz": 1.0, "khz": 1e3, "": 1.0}
MOST_RECORDS, MOST_SAMPLES = 2000, 20_000
AGAIN = "export the records again from BioSig"


@dataclass
class Record:
    """A record: what its own and its group's lines state, and its samples as written."""

    stated: dict[str, str]
    samples: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class BiosigAscii:
    """The export, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a file that begins so is one of its text exports."""
        lines = [line.strip().lower() for line in head.removeprefix(b"\xef\xbb\xbf").splitlines()[:40]]
        group = any(b"group header" in line for line in lines[:5])
        marks = (b"sgi", b"siggen", b"records:") if group else (b"aqu. duration",)
        alone = any(
            line.startswith(b"record number") for line in lines[:5]
        )  # records without their group's lines
        return (group or alone) and any(line.startswith(marks) for line in lines)

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``waveforms``: a row a record, samples in uV."""
        refused, rows = list[Refused](), list[tuple[Record, Array, float]]()
        for number, record in enumerate(_records(export), start=1):
            place = f"record {record.stated.get(RECORD, str(number))}"
            samples, level, reason = _samples(record), _measure(record, "level")[0], ""
            if samples is None or str(samples.size) != record.stated.get("no. points", str(samples.size)):
                reason = "other samples than 'No. Points' states"
            elif not np.isfinite(level):
                reason = "no variable named Level"
            elif not samples.any():
                reason = "all samples zero"
            elif not _measure(record, "aqu. duration")[0] > 0:
                reason = "no acquisition duration"
            if reason or samples is None:
                refused.append(export.left_out(place, f"{len(record.samples)} samples", reason))
            else:
                rows.append((record, samples, level))
        if not rows:
            raise export.refusal("records", "none with a level and samples", "one or more", AGAIN)
        return Tables(waveforms=_table(export, rows), refused=tuple(refused))


def _table(export: Export, records: list[tuple[Record, Array, float]]) -> pd.DataFrame:
    units = [record.stated.get("units", record.stated.get("unit", "V")) for record, _, _ in records]
    voltage = one_unit(export, units, "Units", AGAIN)
    rows = [_row(*record) for record in records]
    return waveforms(export, [samples for _, samples, _ in records], voltage, **rows_of(rows))


def _row(record: Record, samples: Array, level: float) -> dict[str, object]:
    lines = record.stated
    kilohertz, click = tone(_hertz(record), _measure(record, "duration")[0])
    sides = [EARS.get(lines.get(f"reference #{n}", "").lower(), "") for n in (1, 2)]
    return {
        "subject": lines.get("subject id", ""),
        "ear": sides[0] or sides[1],
        "frequency": kilohertz,
        "level": level,
        "unit": "dB",
        "rate": samples.size / _measure(record, "aqu. duration")[0],
        "onset": 0.0 - np.nan_to_num(_measure(record, "onset delay")[0]),
        "sweeps": _measure(record, "no. averages")[0],
        "flag": flags(
            click,
            "level in dB, reference not stated",
            "" if {"units", "unit"} & lines.keys() else "volt: not stated, as BioSig writes",
            "ear from the reference" if any(sides) else "",
            f"memo: {lines['memo']}" if lines.get("memo") else "",
        ),
    }


def _records(export: Export) -> Iterator[Record]:
    """Records in order, each with the lines of its group; a line that is a number alone is a sample."""
    group, record, count = dict[str, str](), None, 0
    for line in export.lines():
        if GROUP in line.lower():
            if record is not None:
                yield record
            group, record = {}, None
        elif match := KEY.fullmatch(line):
            key, value = match[1].lower(), match[2]
            if key == RECORD:
                count += 1
                if count > MOST_RECORDS:
                    raise export.refusal("records", f"more than {MOST_RECORDS}", f"at most {MOST_RECORDS}")
                if record is not None:
                    yield record
                record = Record({**group, RECORD: value})
            elif record is None:
                group[key] = value
            else:
                record.stated[key] = value
        elif record is not None and line.strip() and len(record.samples) <= MOST_SAMPLES:
            record.samples += line.split()
    if record is not None:
        yield record


def _samples(record: Record) -> Array | None:
    """The samples of a record as written; None where one is no finite number."""
    try:
        values = np.array([float(text) for text in record.samples if "_" not in text])
    except ValueError:
        return None
    return values if 1 <= values.size <= MOST_SAMPLES and np.isfinite(values).all() else None


def _measure(record: Record, key: str) -> tuple[float, str]:
    """A number and the unit behind it; NaN where the record has none."""
    match = MEASURE.fullmatch(record.stated.get(key, ""))
    try:
        return (float(match[1]), (match[2] or "").strip()) if match else (np.nan, "")
    except ValueError:
        return np.nan, ""


def _hertz(record: Record) -> float:
    for key in ("freq", "frequency"):
        value, unit = _measure(record, key)
        if np.isfinite(value):
            return value * HERTZ.get(unit.lower(), np.nan)
    return np.nan
