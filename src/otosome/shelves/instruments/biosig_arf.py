"""TDT BioSig binary averages (.arf), little endian: groups of records, each an averaged waveform in volts.

The header's tables of positions, the counts and the lengths may lie; each is held against the size of the file
before it is used. RZ processors write 8-byte times and RP processors 4-byte ones: the layout is the one in which
every record stands where the header says.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from otosome.laboratory.columns import tone
from otosome.laboratory.file import (
    Export,
    Refused,
    doubles,
    flags,
    unix_moment,
)
from otosome.laboratory.tables import Tables, rows_of, waveforms
from otosome.units import Array

MOST_GROUPS, MOST_RECORDS, MOST_SAMPLES = 200, 2000, 100_000
FIRST = 6 + 4 * MOST_GROUPS + 4 * MOST_RECORDS + 4
NAMES = ("freq", "level", "duration")
CURSORS = 360
LOUDEST = 0.1  # V: no scalp response is near it
AGAIN = "copy the file again from BioSig"


@dataclass(frozen=True)
class Layout:
    """How one processor family packs a group and a record."""

    group: struct.Struct
    record: struct.Struct


# Number, first record, records, four texts, begin, end, two files, ten names, ten units, period and the rest.
RZ = Layout(
    struct.Struct("<hhh16s16s16s50sqq100s100s150s50sfihi92s"), struct.Struct("<hhqhhB1sHfffffhhhqq10f")
)
RP = Layout(
    struct.Struct("<hhh16s16s16s50sII100s100s150s50sfihi92s"), struct.Struct("<hhIhhB1shfffffhhhII10f")
)


@dataclass(frozen=True)
class BiosigArf:
    """The instrument, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether the header's counts and its first positions are those of such a file."""
        if len(head) < 4096:
            return False
        _, groups, records = struct.unpack_from("<hhh", head)
        if not (1 <= groups <= MOST_GROUPS and 1 <= records <= MOST_RECORDS):
            return False
        seek = struct.unpack_from(f"<{MOST_GROUPS}i", head, 6)
        first = struct.unpack_from("<i", head, 6 + 4 * MOST_GROUPS)[0]
        return FIRST - 4 <= seek[0] <= FIRST + 4 and not any(seek[groups:]) and first > seek[0]

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``waveforms``: a row per record, samples in uV."""
        if len(export.content) < FIRST:
            raise export.refusal("header", f"{len(export.content)} bytes", f"{FIRST} or more", AGAIN)
        _, groups, records = struct.unpack_from("<hhh", export.content)
        if not (1 <= groups <= MOST_GROUPS and 1 <= records <= MOST_RECORDS):
            entry = f"{groups} groups, {records} records"
            raise export.refusal("header", entry, f"1 to {MOST_GROUPS}, 1 to {MOST_RECORDS}", AGAIN)
        seek = struct.unpack_from(f"<{groups}i", export.content, 6)
        layout = _layout(export, seek[0])
        rows, refused = list[dict[str, object]](), list[Refused]()
        for number, start in enumerate(seek):
            _group(export, layout, number, start, rows, refused)
        if len(rows) + len(refused) != records:
            raise export.refusal(
                "header", f"{records} records", f"the {len(rows)} that the groups hold", AGAIN
            )
        if not rows:
            raise export.refusal("records", "none with a response", "one or more", AGAIN)
        columns = rows_of(rows)
        samples: list[Array] = columns.pop("samples")  # type: ignore[assignment]
        table = waveforms(export, samples, "V", unit="dB", **columns)
        return Tables(waveforms=table, refused=tuple(refused))


def _layout(export: Export, start: int) -> Layout:
    """The layout in which the first record begins where the header says it does."""
    first = struct.unpack_from("<i", export.content, 6 + 4 * MOST_GROUPS)[0]
    for layout in (RZ, RP):
        if start + layout.group.size == first:
            return layout
    entry = f"a first record at byte {first}"
    raise export.refusal(
        "header", entry, f"{start + RZ.group.size} (RZ) or {start + RP.group.size} (RP)", AGAIN
    )


def _group(
    export: Export,
    layout: Layout,
    number: int,
    start: int,
    rows: list[dict[str, object]],
    refused: list[Refused],
) -> None:
    values = _unpack(export, layout.group, start, f"group {number}")
    subject, memo, names = _text(values[3]), _text(values[6]), _names(values[11])
    units = [_text(values[12][i : i + 5]).lower() for i in range(0, 50, 5)]
    if not 0 <= values[2] <= MOST_RECORDS:
        raise export.refusal(f"group {number}", f"{values[2]} records", f"0 to {MOST_RECORDS}", AGAIN)
    offset = start + layout.group.size
    for index in range(values[2]):
        place = f"group {number}, record {index}"
        record = _unpack(export, layout.record, offset, place)
        points, variables = record[7], dict(zip(names, record[18:28], strict=False))
        offset += layout.record.size + CURSORS
        if not 1 <= points <= MOST_SAMPLES or offset + 4 * points > len(export.content):
            raise export.refusal(place, f"{points} samples", f"1 to {MOST_SAMPLES}, inside the file", AGAIN)
        samples = doubles(export.content, "<f4", points, offset)
        offset += 4 * points
        reason = _reason(samples, record[10], variables)
        if reason:
            refused.append(export.left_out(place, f"{points} samples", reason))
        else:
            rows.append(
                _row(export, subject, memo, record, dict(zip(names, units, strict=False)), variables, samples)
            )


def _reason(samples: Array, period: float, variables: dict[str, float]) -> str:
    if not np.isfinite(samples).all() or np.abs(samples).max() > LOUDEST:
        return "samples that are no voltages"
    if not samples.any():
        return "all samples zero"
    if not 0.1 < period < 1e4:
        return "no sampling period"
    return "" if "level" in variables and np.isfinite(variables["level"]) else "no variable named Level"


def _row(
    export: Export,
    subject: str,
    memo: str,
    record: tuple[Any, ...],
    units: dict[str, str],
    variables: dict[str, float],
    samples: Array,
) -> dict[str, object]:
    hertz = variables.get("freq", 0.0) * (1e3 if units.get("freq") == "khz" else 1.0)
    duration = variables.get("duration", np.nan)
    kilohertz, click = tone(hertz, duration)
    recorded = unix_moment(record[16])
    return {
        "subject": subject,
        "group": "",
        "frequency": kilohertz,
        "level": round(float(variables["level"]), 3),
        "rate": 1e3 / record[10],
        "onset": 0.0 - record[8],
        "sweeps": float(record[14]) if record[14] > 0 else np.nan,
        "samples": samples,
        "recorded": recorded,
        "flag": flags(
            click,
            "level in dB, reference not stated",
            f"memo: {memo}" if memo else "",
            export.contradiction(recorded),
        ),
    }


def _unpack(export: Export, form: struct.Struct, start: int, place: str) -> tuple[Any, ...]:
    if start < FIRST or start + form.size > len(export.content):
        raise export.refusal(place, f"byte {start}", f"{FIRST} to {len(export.content) - form.size}", AGAIN)
    return form.unpack_from(export.content, start)


def _names(packed: bytes) -> list[str]:
    return [_text(packed[i : i + 15]).lower() for i in range(0, 150, 15)]


def _text(packed: bytes) -> str:
    return packed.split(b"\0", 1)[0].decode("latin-1").strip()
