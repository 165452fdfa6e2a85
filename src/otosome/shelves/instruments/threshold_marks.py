"""Thresholds and wave I marked by hand on imported waveforms: the history beside an import."""

from __future__ import annotations

from dataclasses import dataclass

from otosome.laboratory import marks
from otosome.laboratory.file import Export
from otosome.laboratory.tables import Tables


@dataclass(frozen=True)
class ThresholdMarks:
    """The layout, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a file that begins so is a history of marks."""
        return marks.recognises(head)

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``marks``: what the leading reader marked and did not take back."""
        return marks.tables(export)
