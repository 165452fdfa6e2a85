"""MATLAB files of averaged responses: structs, arrays of structs or plain variables with data, level, rate and unit.

Fields are read by what their names say, and axes by their lengths, never by their order.
"""

from __future__ import annotations

from dataclasses import dataclass

from otosome.laboratory.file import Export
from otosome.laboratory.matlab import AGAIN, MAGIC, variables
from otosome.laboratory.records import recordings, tables
from otosome.laboratory.tables import Tables


@dataclass(frozen=True)
class MatlabRecords:
    """The layout, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a file that begins so is one of MATLAB's, of version 5 to 7."""
        return head.startswith(MAGIC)

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``waveforms``: a row per recording, samples in uV."""
        return tables(export, list(recordings(variables(export))), AGAIN)
