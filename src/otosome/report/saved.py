"""Each figure of a page as a file of its own: the picture as SVG, and the numbers it is drawn from as CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from otosome.files import tamed
from otosome.units import Array

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

COLUMNS = ("panel", "series", "kind", "x", "y", "value")
FOLDER = "figures"
_FIGURE = re.compile(r"<svg\b[^>]*>.*?</svg>", re.DOTALL)
_NUMBERS = re.compile(r"<desc>(.*?)\n(.*?)</desc>", re.DOTALL)
_LONGEST = 60
Point = tuple[float, float, float | None]


def save_page(text: str, file: Path) -> None:
    """Write a page, and into ``figures`` beside it each of its pictures with its numbers, which the page leaves out."""
    names = set[str]()
    for picture in _FIGURE.findall(text):
        numbers = _NUMBERS.search(picture)
        if numbers is not None:
            stem = _free(unescape(numbers[1]), names)
            folder = file.parent / FOLDER
            folder.mkdir(exist_ok=True)
            _write(folder / f"{stem}.svg", standalone(picture))
            _write(folder / f"{stem}.csv", unescape(numbers[2]))
    _write(file, without_numbers(text))


def without_numbers(text: str) -> str:
    """A page, or a picture, without the numbers of its pictures."""
    return _NUMBERS.sub("", text)


def standalone(svg: str) -> str:
    """A page's picture as a file of its own, without its numbers."""
    plain = without_numbers(svg)
    return (
        plain if "xmlns=" in plain else plain.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    )


def numbers_of(figure: Figure, name: str) -> str:
    """The name of a figure on the first line, and its numbers as CSV: what ``save_page`` looks for in its ``desc``."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for axes in figure.axes:
        panel = tamed(_panel(axes))
        for number, artist in enumerate(_drawn(axes), start=1):
            label = str(artist.get_label())
            series = tamed(f"{number}" if label.startswith("_") or not label else label)
            kind = type(artist).__name__
            rows.writerows(
                [panel, series, kind, f"{x:.6g}", f"{y:.6g}", "" if value is None else f"{value:.6g}"]
                for x, y, value in _points(artist)
            )
    return f"{' '.join(name.split())}\n{text.getvalue()}"


def _panel(axes: Axes) -> str:
    title, across, up = axes.get_title(), axes.get_xlabel(), axes.get_ylabel()
    return " ".join(part for part in (title, up, f"over {across}" if across else "") if part)


def _drawn(axes: Axes) -> Iterator[Artist]:
    """What is drawn from data: nothing that only rules or marks the panel."""
    from matplotlib.collections import PathCollection

    for artist in (*axes.lines, *axes.collections, *axes.patches):
        placed = isinstance(artist, PathCollection) and artist.get_offset_transform() == axes.transData
        if placed or artist.get_transform() == axes.transData:
            yield artist
    yield from axes.images


def _points(artist: Artist) -> Iterator[Point]:
    """The points of a line, of marks, of the outline of an area, or of an image with their values."""
    from matplotlib.collections import Collection, PathCollection
    from matplotlib.image import AxesImage
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    if isinstance(artist, AxesImage):
        yield from _image(artist)
        return
    if isinstance(artist, Line2D):
        parts = [artist.get_xydata()]
    elif isinstance(artist, PathCollection):
        parts = [artist.get_offsets()]
    elif isinstance(artist, Collection):
        parts = [path.vertices for path in artist.get_paths()]
    elif isinstance(artist, Patch):
        parts = [artist.get_path().vertices]
    else:
        parts = []
    for part in parts:
        yield from ((float(x), float(y), None) for x, y in np.asarray(part))


def _image(image: AxesImage) -> Iterator[Point]:
    """The middle of each pixel and its value; of an image in colours none."""
    values: Array = np.ma.filled(np.ma.asarray(image.get_array(), float), np.nan)
    if values.ndim != 2:
        return
    left, right, bottom, top = image.get_extent()
    rows, columns = values.shape
    up = np.linspace(bottom, top, 2 * rows + 1)[1::2]
    across = np.linspace(left, right, 2 * columns + 1)[1::2]
    for y, row in zip(up[::-1] if image.origin == "upper" else up, values, strict=True):
        yield from ((float(x), float(y), float(value)) for x, value in zip(across, row, strict=True))


def _free(name: str, names: set[str]) -> str:
    """A file's stem from a figure's name, of letters, digits and underscores, that no other figure of the page has."""
    stem = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:_LONGEST] or "figure"
    number, free = 1, stem
    while free in names:
        number += 1
        free = f"{stem}_{number}"
    names.add(free)
    return free


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8", newline="\n")
