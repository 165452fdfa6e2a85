"""Flow cytometry standard files (FCS 2.0 to 3.1), as nano-flow cytometers write them: how many events, in what volume.

Channels are light, not size: without a calibration no diameter is read from them.
"""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import dataclass

import numpy as np

from otosome.laboratory.file import Export, flags
from otosome.laboratory.tables import Tables, particles
from otosome.units import convert

VERSIONS = (b"FCS2.0", b"FCS3.0", b"FCS3.1")
HEADER = 58
LARGEST_TEXT = 2_000_000
MOST_CHANNELS = 500
AGAIN = "export the measurement again as FCS 3.1"
VOLUME = "vol"  # nL, FCS 3.1


@dataclass(frozen=True)
class Fcs:
    """The format, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a file that begins so says it is one."""
        return head.startswith(VERSIONS)

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``particles``: one row, events counted and, where the volume is stated, their concentration."""
        remark = _stated(export)
        events, channels = (_whole(export, remark, key) for key in ("tot", "par"))
        _fits(export, remark, events, channels)
        volume = export.number(remark.get(VOLUME, ""), "$VOL")
        if volume <= 0:
            raise export.refusal("$VOL", str(volume), "nanolitres, above 0", AGAIN)
        sample = next((remark[key] for key in ("smno", "src", "cells") if remark.get(key, "").strip()), "")
        return Tables(
            particles=particles(
                export,
                sample=sample,
                replicate=1,
                count=float(events),
                concentration=events / (volume * convert(1.0, "nL", "uL")),
                flag=flags(
                    "events of all channels and gates: no diameter without a calibration",
                    "$VOL: not stated" if np.isnan(volume) else "",
                    "Dilution: not stated",
                    "" if sample else "no sample named",
                ),
            )
        )


def _stated(export: Export) -> dict[str, str]:
    """The keywords of the TEXT segment, which must lie inside the file."""
    from flowio import FlowData
    from flowio.exceptions import FlowIOException

    places = export.content[10:HEADER].decode("latin-1")
    places = [places[i : i + 8].strip() for i in range(0, 32, 8)]  # type: ignore[assignment]
    if not all(p.isascii() and p.isdigit() for p in places):
        raise export.refusal("header", repr(places)[:80], "positions in the file", AGAIN)
    start, stop = int(places[0]), int(places[1])
    if not HEADER <= start < stop < min(len(export.content), start + LARGEST_TEXT):
        raise export.refusal("header", f"text from {start} to {stop}", "inside the file", AGAIN)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            text = FlowData(io.BytesIO(export.content), ignore_offset_discrepancy=True, only_text=True).text
    except (FlowIOException, ValueError, LookupError, EOFError, AttributeError, TypeError, re.error) as error:
        raise export.refusal("text", str(error)[:100], "keywords of a single data set", AGAIN) from error
    return {str(key).lower().lstrip("$"): str(value) for key, value in text.items()}


def _whole(export: Export, remark: dict[str, str], key: str) -> int:
    text = remark.get(key, "").strip()
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise export.refusal(f"${key.upper()}", text[:40], "a whole number", AGAIN)
    return int(text)


def _fits(export: Export, remark: dict[str, str], events: int, channels: int) -> None:
    """Refuse a count of events that the data segment cannot hold."""
    if not (1 <= channels <= MOST_CHANNELS and events >= 1):
        raise export.refusal("$PAR, $TOT", f"{channels}, {events}", f"1 to {MOST_CHANNELS}, 1 or more", AGAIN)
    bits = sum(_whole(export, remark, f"p{i}b") for i in range(1, channels + 1))
    start, stop = int(export.content[26:34]), int(export.content[34:42])
    if not (start and stop):  # a file too large for its header says it in the text
        start, stop = _whole(export, remark, "begindata"), _whole(export, remark, "enddata")
    room = min(stop, len(export.content) - 1) - start + 1
    if start < HEADER or events * bits // 8 > room:
        entry = f"{events} events of {bits // 8} bytes in {room} bytes"
        raise export.refusal("$TOT", entry, "events that the file holds", AGAIN)
