"""Clarity challenge listeners in JSON: an audiogram of each ear."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import cast

import numpy as np

from otosome.laboratory.columns import possible
from otosome.laboratory.file import LARGEST_TREE, Export, Refused
from otosome.laboratory.levels import Level, doubtful
from otosome.laboratory.tables import Tables, readings

EARS = {"left": "audiogram_levels_l", "right": "audiogram_levels_r"}
FREQUENCIES = "audiogram_cfs"
HIGHEST = 50_000.0  # Hz


@dataclass(frozen=True)
class Clarity:
    """The layout, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a file that begins so holds listeners with audiograms."""
        return head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{") and b'"audiogram_cfs"' in head

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``readings``: a hearing level for each listener, ear and frequency."""
        rows = list[tuple[str, str, float, float]]()
        for listener, entry in _listeners(export).items():
            for ear, key in EARS.items():
                frequency, level = _pair(export, listener, entry, key)
                rows += [
                    (listener, ear, hertz, decibels) for hertz, decibels in zip(frequency, level, strict=True)
                ]
        rows, refused = _sifted(export, rows)
        if not rows:
            raise export.refusal("file", "no level", "one listener or more")
        subjects, ears, frequencies, values = zip(*rows, strict=True)
        table = readings(
            export,
            subject=subjects,
            ear=ears,
            quantity="audiogram",
            frequency=np.array(frequencies) / 1e3,
            value=np.array(values),
            unit="dB HL",
            flag="dB HL: not stated, an audiogram",
        )
        return Tables(readings=table, refused=tuple(refused))


def _sifted(
    export: Export, rows: list[tuple[str, str, float, float]]
) -> tuple[list[tuple[str, str, float, float]], list[Refused]]:
    """The rows (listener, ear, Hz, dB) that hold a level, and the others with the reason."""
    real = [possible(decibels) and 0 < hertz < HIGHEST for _, _, hertz, decibels in rows]
    cells = [
        Level(row[3], reason="" if sound else "a code, not a level")
        for row, sound in zip(rows, real, strict=True)
    ]
    doubts = doubtful(cells, [row[:2] for row in rows])
    refused = [
        export.left_out(f"{who}, {ear}, {hertz:g} Hz", decibels, cell.reason or doubt)
        for (who, ear, hertz, decibels), cell, doubt in zip(rows, cells, doubts, strict=True)
        if cell.reason or doubt
    ]
    return [
        row for row, cell, doubt in zip(rows, cells, doubts, strict=True) if not (cell.reason or doubt)
    ], refused


def _listeners(export: Export) -> dict[str, object]:
    if len(export.content) > LARGEST_TREE:
        raise export.refusal(
            "file", f"{len(export.content)} bytes of JSON", f"at most {LARGEST_TREE}", "split it"
        )
    try:
        listeners = json.loads(export.text)
    except (ValueError, RecursionError) as error:
        raise export.refusal("file", str(error)[:100], "JSON") from error
    if not isinstance(listeners, dict):
        raise export.refusal("file", type(listeners).__name__, "listeners by name")
    return listeners


def _pair(export: Export, listener: str, entry: object, key: str) -> tuple[list[float], list[float]]:
    """Frequencies and levels of an ear; refused unless both are lists of numbers of one length."""
    place = f"{listener[:60]}, {key}"
    if not isinstance(entry, dict):
        raise export.refusal(place, type(entry).__name__, "a listener's levels")
    lists = [entry.get(FREQUENCIES), entry.get(key)]
    for numbers in lists:
        if not isinstance(numbers, list) or not all(
            type(v) in (int, float) and abs(v) < 1e9 for v in numbers
        ):
            raise export.refusal(place, type(numbers).__name__, "a list of numbers")
    frequencies, levels = cast(list[list[float]], lists)
    if len(frequencies) != len(levels):
        raise export.refusal(place, f"{len(levels)} levels", f"{len(frequencies)}, as {FREQUENCIES}")
    return frequencies, levels
