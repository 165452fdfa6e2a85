"""Draws of a fit, in a table beside its file: what they say of one number given all others that are drawn.

A study draws each number from its own standard normal deviate and, where a fit found several of them together, from
those of others. Two fits that rest on one number each have draws of it, which cannot be joined row by row; what joins
them is each fitted number *given* the rest. So a shelf states a number's own range and the fit it comes from, and its
shares of others' deviates are the regression in the draws of that fit.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from otosome.errors import BadInput, at
from otosome.files import content
from otosome.units import Array

SHIPPED = Path(__file__).parents[1] / "shelves"
# The folder of fits on a shelf, and the largest table that is read.
FITS, LARGEST = "fits", 1_000_000
# Shares below it are chance of a few hundred draws.
FAINTEST = 0.03
# Draws that are stored: this many, or so many for each number where these are more.
_DRAWS, _PER_NUMBER = 200, 4
# Digits of a draw that count, and of a share.
_DIGITS, _SHARE_DIGITS = 4, 3
_Z95 = 1.6448536269514722
_HEAD = (
    "copy it anew from the result of the fit: a line that begins with #, a line # free: ratio, plain, a line of names, "
    "free ones first, and draws, with commas between and points in numbers, where a spreadsheet may save semicolons"
)
# Scales of free numbers: of one above zero its logarithm is drawn.
RATIO, PLAIN = "ratio", "plain"
Shares = Mapping[str, tuple[tuple[str, float], ...]]


@dataclass(frozen=True)
class Joint:
    """Draws of numbers that a fit freed, with the deviates of all else that it found them to hang on.

    ``origin``  what they are draws of, in a line, for a person
    ``free``    full names of numbers that were free, each with its scale, "ratio" or "plain"
    ``beside``  full names of the others
    ``draws``   (draw, number): of free ones values in house units, of the others own standard normal deviates
    """

    origin: str
    free: Mapping[str, str]
    beside: tuple[str, ...]
    draws: Array

    @property
    def shares(self) -> Shares:
        """By free number the shares of others' own deviates in its own: of all else, and of free ones before it."""
        slopes, root, spread = self._regressed[1:]
        names = tuple(self.free)
        return {
            name: _shares(self.beside, slopes[k] / spread[k]) + _shares(names[:k], root[k] / spread[k])
            for k, name in enumerate(names)
        }

    @property
    def ends(self) -> Mapping[str, tuple[float, float, float]]:
        """By free number 5, 50 and 95 % in house units, where all else is drawn as its shelf has it."""
        middle, _, _, spread = self._regressed
        ends = middle[:, None] + _Z95 * spread[:, None] * np.array([-1.0, 0.0, 1.0])
        return {
            name: tuple(np.exp(own) if scale == RATIO else own)
            for (name, scale), own in zip(self.free.items(), ends.tolist(), strict=True)
        }

    @cached_property
    def _regressed(self) -> tuple[Array, Array, Array, Array]:
        """Free numbers on their scales, ``middle + slopes d + root e`` of deviates d and luck e; and their spread."""
        whole, own = np.split(self.draws, [len(self.free)], axis=1)
        ratio = np.array([scale == RATIO for scale in self.free.values()])
        middle, slopes, left = _plane(np.where(ratio, np.log(np.where(ratio, whole, 1.0)), whole), own)
        root = np.linalg.cholesky(np.atleast_2d(left.T @ left / len(left)))
        return middle, slopes, root, _spread(slopes, root)

    @property
    def text(self) -> str:
        """The table: two lines of what it is, a line of names, free ones first, and the draws."""
        lines = io.StringIO(newline="")
        lines.write(f"# {self.origin}\n# free: {', '.join(self.free.values())}\n")
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow([*self.free, *self.beside])
        writer.writerows([f"{value:.{_DIGITS}g}" for value in row] for row in self.draws)
        return lines.getvalue()


def stored(
    origin: str,
    free: Mapping[str, str],
    beside: Sequence[str],
    plane: tuple[Array, Array, Array],
    own: Array,
    luck: Array,
) -> Joint:
    """Few draws of free numbers, and of others that have a share in them, whose regression is that of all draws.

    Rows are taken evenly, and their luck made free of correlation, so that a regression in them gives the plane again.

    ``plane``  middle (free,), slopes (free, other) and root (free, free), of the free numbers on their scales
    ``own``    deviates of all else (draw, other);  ``luck``  of the free numbers (draw, free), about standard normal
    """
    middle, slopes, root = plane
    shares = slopes / _spread(slopes, root)[:, None]
    bears = np.flatnonzero(np.any(np.abs(shares) >= FAINTEST, axis=0)).tolist()
    needed = max(_DRAWS, _PER_NUMBER * (len(free) + len(bears)))
    rows = np.unique(np.linspace(0, len(own) - 1, min(needed, len(own))).round().astype(np.int64))
    own = own[rows][:, bears]
    left = _plane(luck[rows], own)[2]
    even = np.linalg.solve(np.linalg.cholesky(left.T @ left / len(left)), left.T).T
    whole = middle + own @ slopes[:, bears].T + even @ root.T
    ratio = np.array([scale == RATIO for scale in free.values()])
    values = np.where(ratio, np.exp(np.where(ratio, whole, 0.0)), whole)
    return Joint(origin, dict(free), tuple(beside[k] for k in bears), np.hstack([values, own]))


def shelf_name(text: str) -> str:
    """A name that an entry of a shelf may have: letters, digits and underscores."""
    return "".join(letter if letter.isalnum() else "_" for letter in text)


def row_of(values: Mapping[str, object], name: str, fits: Path) -> dict[str, object]:
    """A number's row as a shelf states it, linked as the draws of the fit say that it names; raises BadInput.

    ``name``  full name of the number;  ``fits``  the folder of fits on its shelves, before those of the package
    """
    fit = values.get("fit")
    if fit is None:
        return dict(values)
    if not isinstance(fit, str) or not fit or fit != shelf_name(fit):
        raise _no_name(fit)
    if "linked" in values:
        cure = "take linked out, or fit where you have no draws of it"
        raise BadInput("the draws of the fit say what the number is linked to", key="linked", cure=cure)
    places = [folder / f"{fit}.csv" for folder in (fits, SHIPPED / FITS)]
    place = next((place for place in places if place.is_file()), None)
    if place is None:
        stems = {file.stem for folder in (fits, SHIPPED / FITS) for file in folder.glob("*.csv")}
        allowed = sorted(stem for stem in stems if stem == shelf_name(stem))
        cure = f"put the draws of the fit beside it, as {FITS}/{fit}.csv"
        raise BadInput("has no draws", key="fit", given=fit, allowed=allowed, cure=cure)
    shares = read(place).shares
    name = _original(name, shares)
    if name not in shares:
        cure = "a number of the package keeps its name: state it in [numbers] of a strain of your own or of a study"
        raise BadInput("did not free the number", key="fit", given=fit, allowed=sorted(shares), cure=cure)
    return {**values, "linked": dict(shares[name])}


def _original(name: str, shares: Shares) -> str:
    """The number that a fit freed: of this name or, for a copy of an entry, the one of its shelf with that key."""
    shelf, _, key = name.split(".", 2)
    alike = [free for free in shares if free.split(".", 2)[::2] == [shelf, key]]
    return name if name in shares or len(alike) != 1 else alike[0]


def _no_name(fit: object) -> BadInput:
    """The refusal of what names no fit, with the name that would."""
    name = shelf_name(Path(fit).name.removesuffix(".csv")) if isinstance(fit, str) else ""
    cure = 'write fit = "noise_mouse"'
    if name:
        cure = f'letters, digits and underscores: name the draws {FITS}/{name}.csv, and write fit = "{name}"'
    return BadInput("is the name of a fit", key="fit", given=fit, cure=cure)


def read(file: Path) -> Joint:
    """Draws from a table as ``Joint.text`` has it; raises BadInput naming the file and what is wrong."""
    with at(file.name):
        return _parsed(content(file, LARGEST))


@lru_cache(maxsize=64)
def _parsed(table: bytes) -> Joint:
    """The draws of a table, by what it holds and not by its place: a fit that is run again writes another there."""
    # Excel marks the beginning of what it saves.
    lines = table.decode("utf-8-sig", errors="replace").splitlines()
    scales = _scales(lines)
    names = [name.strip() for name in lines[2].split(",")] if len(lines) > 2 else []
    full = [name for name in names if name.count(".") == 2]
    if not 1 <= len(scales) <= len(set(full)) == len(names):
        raise BadInput("is no table of draws", given=lines[:3], cure=_HEAD)
    free = dict(zip(names, scales, strict=False))
    draws = _draws(lines, len(names))
    _check(draws, names, free)
    return Joint(lines[0].strip("#, "), free, tuple(names[len(free) :]), draws)


def _draws(lines: Sequence[str], names: int) -> Array:
    """The numbers below the line of names; raises BadInput naming the line of the file that is none of numbers."""
    draws = [_draw(line, number, names) for number, line in enumerate(lines[3:], start=4) if line.strip()]
    return np.reshape(np.array(draws), (len(draws), names))


def _draw(line: str, number: int, names: int) -> list[float]:
    """One draw, a number under each name."""
    try:
        draw = [float(cell) for cell in line.split(",")]
    except ValueError:
        draw = []
    if len(draw) != names or not np.all(np.isfinite(draw)):
        cure = "copy the draws anew from the result of the fit"
        allowed = f"{names} finite number{'s' * (names > 1)}, with commas between"
        raise BadInput(
            "every draw has a number under each name",
            key=f"line {number}",
            given=line,
            allowed=allowed,
            cure=cure,
        )
    return draw


def _scales(lines: Sequence[str]) -> list[str]:
    """The scale of each free number, from the second line of a table; none where it is no such line."""
    if len(lines) < 2 or not lines[0].startswith("#") or not lines[1].startswith("# free: "):
        return []
    # A spreadsheet fills short lines up to the longest.
    scales = [scale.strip() for scale in lines[1].removeprefix("# free: ").rstrip(", ").split(",")]
    return scales if set(scales) <= {RATIO, PLAIN} else []


def _check(draws: Array, names: Sequence[str], free: Mapping[str, str]) -> None:
    """Refuse draws that no shares can be had from."""
    if len(draws) < 2 * len(names):
        raise BadInput("has too few draws", given=len(draws), allowed=f"{2 * len(names)} and more")
    for name, column in zip(names, draws.T, strict=True):
        if free.get(name) == RATIO and column.min() <= 0.0:
            raise BadInput("is a ratio, and lies above zero", key=name, given=float(column.min()))
    if np.linalg.matrix_rank((draws - draws.mean(axis=0)) / (draws.std(axis=0) + 1e-300)) < len(names):
        raise BadInput("has draws of numbers that are one number, or do not differ")


def _plane(whole: Array, own: Array) -> tuple[Array, Array, Array]:
    """Numbers (draw, number) along others' deviates (draw, other): middle, slopes (number, other), and what is left."""
    known = np.column_stack([np.ones(len(own)), own])
    plane = np.linalg.lstsq(known, whole, rcond=None)[0]
    return np.asarray(plane[0]), np.asarray(plane[1:].T), np.asarray(whole - known @ plane)


def _spread(slopes: Array, root: Array) -> Array:
    """Standard deviation of each free number by itself, (free,), where all else is standard normal."""
    return np.asarray(np.sqrt(np.sum(slopes**2, axis=1) + np.sum(root**2, axis=1)))


def _shares(names: Sequence[str], parts: Array) -> tuple[tuple[str, float], ...]:
    rounded = zip(names, (round(float(part), _SHARE_DIGITS) for part in parts), strict=False)
    return tuple((name, share) for name, share in rounded if abs(share) >= FAINTEST)
