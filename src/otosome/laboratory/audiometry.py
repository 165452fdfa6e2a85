"""Thresholds that an audiometer's file holds one by one: a person's ear, pathway, frequency and hearing level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from otosome.laboratory.columns import possible
from otosome.laboratory.file import Export, Refused, flags
from otosome.laboratory.levels import Level, doubtful
from otosome.laboratory.tables import Tables, readings, rows_of

PATHWAYS = {"air": "audiogram", "bone": "audiogram.bone", "soundfield": "audiogram.soundfield"}
LOWEST, HIGHEST = 50.0, 30_000.0  # Hz of a tone that an audiometer gives
CURE = "look at it in the audiometer's program, and write the audiogram as a table with a mapping where it is a level"
ANONYMOUS = "name dropped; the subject stands for this file"


@dataclass(frozen=True)
class Tone:
    """One tone of an audiogram as a file states it.

    ``ear``       left, right or blank;  ``pathway``  a key of ``PATHWAYS``
    ``hertz``, ``level``  NaN where not stated;  ``answered``  whether it was heard, as the file says
    ``person``    number of the person in the file, from 1;  ``recorded``  ISO day, blank where not stated
    """

    ear: str
    pathway: str
    hertz: float
    level: float
    answered: bool = True
    person: int = 1
    recorded: str = ""
    flag: str = ""


def audiogram(export: Export, tones: Sequence[Tone], refused: Sequence[Refused], cure: str) -> Tables:
    """Tones as the table ``readings``: no response is censored at its level, codes are listed; nobody's name.

    raises  BadInput where no tone has a level
    """
    listed, rows = [*refused], list[dict[str, object]]()
    several = len({tone.person for tone in tones}) > 1
    for tone, doubt in zip(tones, _doubts(tones), strict=True):
        reason = _reason(tone) or doubt
        if reason:
            place = f"{tone.ear or 'no ear'}, {tone.hertz:g} Hz"
            listed.append(export.left_out(place, f"{tone.level:g}", reason))
        else:
            rows.append(_row(export, tone, several))
    if not rows:
        first = f"; {listed[0].place}: {listed[0].reason}" if listed else ""
        raise export.refusal("audiogram", f"no threshold{first}", "one or more", cure)
    return Tables(readings=readings(export, **rows_of(rows)), refused=tuple(listed))


def _row(export: Export, tone: Tone, several: bool) -> dict[str, object]:
    """A tone as a reading; ``several``  whether the file holds more than one person"""
    own = f"person-{export.sha256[:8]}"
    return {
        "subject": f"{own}-{tone.person}" if several else own,
        "ear": tone.ear,
        "quantity": PATHWAYS[tone.pathway],
        "frequency": tone.hertz / 1e3,
        "value": tone.level,
        "unit": "dB HL",
        "censored": "none" if tone.answered else "above",
        "recorded": tone.recorded,
        "flag": flags(tone.flag, ANONYMOUS, export.contradiction(tone.recorded)),
    }


def _doubts(tones: Sequence[Tone]) -> list[str]:
    """Why the level of each tone is asked about beside the others; empty where it is not."""
    levels = [Level(tone.level, "none" if tone.answered else "above", _reason(tone)) for tone in tones]
    doubts = doubtful(levels, [(tone.person, tone.ear, tone.pathway) for tone in tones])
    return [f"{doubt}: {CURE}" if doubt else "" for doubt in doubts]


def _reason(tone: Tone) -> str:
    """Why a tone is no reading; empty where it is one."""
    if not LOWEST <= tone.hertz <= HIGHEST:
        return "no frequency of a tone"
    if not np.isfinite(tone.level):
        return "not tested, or no level stated" if tone.answered else "no response, and no level stated"
    return "" if possible(tone.level) else "a code, not a level"
