"""Levels as laboratories write them: numbers, limits (``110+``, ``>100``, ``NR 110``), words and codes.

A limit is censored at its level. A word or a code is no response, not tested, or asked about; none becomes a level.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from otosome.laboratory.columns import UNCLEAR, Columns, possible
from otosome.laboratory.file import parse

SILENT = ("nr", "no response", "no resp", "noresponse", "not heard", "no threshold", "inf", "absent")
UNTESTED = (
    "dnt",
    "cnt",
    "nt",
    "n/t",
    "nd",
    "not tested",
    "did not test",
    "could not test",
    "not done",
    "-",
    "--",
    "x",
    "*",
)
# Numbers that stand for no response or not tested in clinics' and programs' sheets.
CODES = (-999.0, -99.0, 77.0, 88.0, 99.0, 111.0, 130.0, 135.0, 140.0, 666.0, 777.0, 888.0, 999.0, 9999.0)
STEP = 5.0  # dB in which thresholds are sought
FEW, MOST_OF = (
    2,
    0.9,
)  # values beside which one that is no multiple stands out, and the share of them that are multiples
SILENCE = 3  # levels of an ear that are nought and no other
# Numbers that stand for no level in some programs and are a level in others: asked about where no other is as soft.
SOFT_CODES, SOFT = (-1.0, -10.0), 5.0
FAR = 30.0  # dB by which nought lies below the rest of its ear before it is asked about
_NUMBER = r"([+-]?\d+(?:[.,]\d+)?)"
_SILENT = "|".join(re.escape(word) for word in sorted(SILENT, key=len, reverse=True))
_ABOVE = (
    re.compile(rf"(?:>=|>|\u2265|\u2193|\u2198)\s*{_NUMBER}(?:\s*db.*)?"),
    re.compile(rf"{_NUMBER}\s*(?:db\s*)?(?:\+|>|\u2193|\u2198|/?\s*\(?(?:{_SILENT})\)?)"),
    re.compile(rf"(?:{_SILENT})\s*[@:(]?\s*(?:at|to|up to)?\s*{_NUMBER}\s*(?:db.*)?\)?"),
)
_DECIBELS = re.compile(rf"{_NUMBER}\s*db")
_BELOW = re.compile(rf"(?:<=|<|\u2264)\s*{_NUMBER}(?:\s*db.*)?")
CURE = "say in a mapping what it means: no_response, not_tested, or codes = [] for levels as written"


@dataclass(frozen=True)
class Level:
    """A level as written: its value in dB, ``none``, ``above`` or ``below``, and why there is none (else empty)."""

    value: float
    censored: str = "none"
    reason: str = ""


@dataclass(frozen=True)
class Codes:
    """What a laboratory writes for no response and for not tested; ``certain`` where it says that there is no other."""

    no_response: frozenset[str] = frozenset()
    not_tested: frozenset[str] = frozenset()
    certain: bool = False


def level(text: str, decimal: str = ".", codes: Codes | None = None, loudest: float = np.nan) -> Level:
    """What one cell says.

    ``loudest``  dB of the loudest stimulus given, where "no response" has no level of its own; NaN where not known
    """
    word = text.strip().lower()
    codes = codes or Codes()
    if _among(word, codes.not_tested) or word in UNTESTED:
        return Level(np.nan, reason="not tested" if word else "")
    if _among(word, codes.no_response) or word in SILENT:
        return _silent(loudest)
    if word == "-inf":
        return Level(np.nan, "below", "a response at every level, and the softest is not stated")
    number, side = _limit(word)
    value = (
        parse(text.strip(), decimal) if side == "none" and number == word else parse(number.replace(",", "."))
    )
    if value is None:
        return Level(np.nan, reason="is neither a level nor a word for none")
    if np.isnan(value):
        return Level(np.nan, reason="no threshold, and no mark that there was no response")
    if not possible(value):
        return Level(np.nan, reason="a code, not a level")
    return Level(value, side)


def limited(cells: Sequence[Level], sides: Sequence[str]) -> list[Level]:
    """Levels with what the table's own column says beside them, ``Columns.sides``."""
    return [
        replace(cell, reason=cell.reason or "beside a word that is neither yes nor no")
        if side == UNCLEAR
        else replace(cell, censored=side)
        if side and cell.censored == "none" and not cell.reason
        else cell
        for cell, side in zip(cells, sides, strict=True)
    ]


def _silent(loudest: float) -> Level:
    if np.isfinite(loudest):
        return Level(float(loudest), "above")
    return Level(np.nan, "above", "no response, and the table does not say what levels were tested")


def _limit(word: str) -> tuple[str, str]:
    """The number of a limit, and its side; of a plain level the cell without its unit."""
    for forms, side in ((_ABOVE, "above"), ((_BELOW,), "below"), ((_DECIBELS,), "none")):
        for form in forms:
            if match := form.fullmatch(word):
                return match[1], side
    return word, "none"


def _among(word: str, codes: frozenset[str]) -> bool:
    value = parse(word) if word else None
    return word in codes or (value is not None and any(parse(code) == value for code in codes))


def doubtful(levels: Sequence[Level], ears: Sequence[Hashable]) -> list[str]:
    """Why each level is asked about, empty where it is not: a code, off the steps of all others, too far below others.

    ``ears``  which ear of whom each is of
    """
    plain = np.array(
        [cell.value if cell.censored == "none" and not cell.reason else np.nan for cell in levels]
    )
    known = np.isfinite(plain)
    steps = int((plain[known] % STEP == 0).sum())
    off = steps >= FEW and steps >= MOST_OF * (known.sum() - 1)
    of_ear = dict[Hashable, list[float]]()
    for value, ear in zip(plain, ears, strict=True):
        if not np.isnan(value):
            of_ear.setdefault(ear, []).append(float(value))
    about = {ear: _nought(same) for ear, same in of_ear.items()}
    others = plain[known & ~np.isin(plain, SOFT_CODES)]
    alone = bool(others.size) and float(others.min()) >= SOFT
    return [
        _doubt(float(value), off, about.get(ear, ""), alone) for value, ear in zip(plain, ears, strict=True)
    ]


def coded(value: float) -> str:
    """Why a number that stands alone in the place of a threshold is none; empty where it may be one."""
    if np.isfinite(value) and possible(value) and value not in (*CODES, *SOFT_CODES):
        return ""
    return "a code, not a level"


def _nought(same: Sequence[float]) -> str:
    """Why 0 dB is asked about in an ear with these levels; empty where it is not."""
    heard = [level for level in same if level > 0]
    if heard and min(heard) >= FAR:
        return f"0 dB in an ear of {min(heard):g} dB and more: 0 is 'not tested' in some sheets"
    if len(same) >= SILENCE and not any(same):
        return "0 dB at all of an ear's frequencies: 0 is 'not tested' in some sheets"
    return ""


def _doubt(value: float, off: bool, nought: str, alone: bool) -> str:
    """Why a level is asked about; empty where it is not.

    ``off``    whether all others are multiples of the step;  ``nought``  why 0 dB is asked about in its ear
    ``alone``  whether no level but the soft codes is below ``SOFT``
    """
    if np.isnan(value):
        return ""
    if value in CODES:
        return f"{value:g} is a code in many sheets"
    if value in SOFT_CODES and alone:
        return f"{value:g} is a code in some sheets, and no other level is below {SOFT:g} dB"
    if value % STEP and off:
        return f"{value:g} is no multiple of {STEP:g} dB, and the other levels are"
    return nought if value == 0.0 else ""


def sift(
    columns: Columns,
    cells: Mapping[str, Sequence[Level]],
    ears: Mapping[str, Sequence[Hashable]],
    sure: bool,
    blanks: bool = True,
) -> dict[str, list[Level]]:
    """The levels of a table's columns that may be read; the others have no value, and are listed with the reason.

    ``cells``, ``ears``  by column: what each cell says, and which ear of whom it is of; all columns are judged together
    ``sure``             whether every number is a level as written;  ``blanks``  whether a blank cell is listed
    """
    flat = [cell for name in cells for cell in cells[name]]
    whose = [ear for name in cells for ear in ears[name]]
    doubts = iter([""] * len(flat) if sure else doubtful(flat, whose))
    return {
        name: [_sifted(columns, name, row, cell, next(doubts), blanks) for row, cell in enumerate(own)]
        for name, own in cells.items()
    }


def _sifted(columns: Columns, name: str, row: int, cell: Level, doubt: str, blanks: bool) -> Level:
    """A level, without a value and listed where there is a reason."""
    text = columns.texts(name)[row]
    reason = cell.reason or (f"{doubt}: {CURE}" if doubt else "")
    if reason and (blanks or text):
        columns.leave_out(row, name, text or "a blank", reason)
    return Level(np.nan, cell.censored, reason) if reason else cell
