"""A result's numbers as a file that explains itself, in groups; and read back.

``/ears``      of each ear: number, world, how exactly it was computed, and what reached it
``/cells``     of each place: the cells, and what of vesicles and protein arrived there
``/measures``  true values of what the study measures
``/readings``  the same as an instrument reads it, a row a reading
``/sources``   every number the study rests on, with its paper or the reason it was assumed
``/window``    the best-value ear treated on each of many days

What is no number (the headline, what moves it, notes) stands in ``answer.json`` beside the file, the study as it was
run in ``study.toml``, and every number drawn for each ear in ``ears.parquet``.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from otosome.errors import BadInput
from otosome.forward import is_large
from otosome.results.netcdf import Piece, of_ears, write_large
from otosome.results.readings import count, read_readings
from otosome.units import Array, labels

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from otosome.forward.unread import Key

DATA, ANSWER, STUDY, EARS = "result.nc", "answer.json", "study.toml", "ears.parquet"
# Draws of a fit to cases; and of a fit the folder that is a shelf, with its entry.
DRAWS, ENTRY = "draws.csv", "entry"
# What an answer about designs rests on besides its files.
GROUNDS = "grounds.json"
# What of a result's attributes is short, and stands in the file itself.
_SHORT = ("name", "version", "seed", "species", "ears")
_NEEDED = ("name", "seed", "study", "headline", "sources", "notes")
_LARGEST = 200_000_000
# The groups that belong to the ears; the tables of readings and sources stand beside them.
GROUPS = ("ears", "cells", "measures", "window")
# Unit and meaning of what does not state them itself.
_MEANINGS = {
    "arm": ("", "arm of the study"),
    "subject": ("", "number of the ear"),
    "world": ("", "which draw of everything unknown the ear lives in"),
    "lot": ("", "which lot of its world the ear is treated with"),
    "run": ("", "which exposure run the ear was in"),
    "person": ("", "whose ear it is"),
    "weight": ("", "importance weight of the ear"),
    "time": ("h", "time from the study's zero"),
    "frequency": ("kHz", "frequency"),
    "place": ("", "0 base to 1 apex"),
    "cell": ("", "kind of cell, or synapse"),
    "where": ("", "where vesicles signal"),
    "sample": ("", "sample of perilymph"),
    "sampled_at": ("h", "end of sampling"),
    "halved": ("", "the compared measure with the efficacy halved"),
    "doubled": ("", "the compared measure with the efficacy doubled"),
    "cells": ("", "fraction of cells counted at the end"),
    "arrived": ("", "fraction of cells when the person came"),
    "spare": ("dB", "what the last outer hair cells still hold"),
    "vesicles": ("particles/uL", "highest concentration of vesicles in the organ of Corti"),
    "protein": ("ug/uL", "highest concentration of protein in the organ of Corti"),
    "plasma": ("particles h/uL", "vesicles in blood, over time"),
    "signal": ("", "strongest receptor signal of any mechanism, 0 to 1"),
    "time_error": ("", "error of the steps of time, share of the peak"),
    "mass_balance_error": ("", "mass-balance error, share of the dose"),
    "window_dose": ("h", "time of the treatment"),
    "window_time": ("h", "time from the study's zero"),
    "window_frequency": ("kHz", "frequency"),
    "window_cells": ("", "fraction of outer hair cells counted"),
    "window_vesicles": ("particles/uL", "vesicles in the organ of Corti"),
    "window_shift": ("dB", "threshold shift at the end"),
    "window_vehicle_shift": ("dB", "threshold shift at the end with vehicle"),
    "place_frequency": ("kHz", "best frequency of the place"),
    "place_distance": ("mm", "distance of the place from the base"),
}


def described(result: xr.Dataset) -> xr.Dataset:
    """The result with unit and ``long_name`` on every variable; what a variable says of itself stays."""
    whole = result.copy()
    for name in whole.variables:
        variable = whole[name]
        unit, meaning = _MEANINGS.get(str(name), ("", str(name).replace("_", " ")))
        if str(name).startswith("other_"):
            meaning = f"{_label(whole, str(name).removeprefix('other_'))} of the other ear"
        if str(name).startswith("sampled_"):
            meaning = f"{str(name).removeprefix('sampled_').replace('_', ' ')} in the sample of perilymph"
        attrs = {**labels(unit), "long_name": meaning, **variable.attrs}
        # A result of an earlier version has no units of CF.
        variable.attrs = {**attrs, **labels(attrs["unit"])}
    return whole


def _label(result: xr.Dataset, name: str) -> str:
    return str(result[name].attrs.get("long_name", name)) if name in result else name


def group_of(result: xr.Dataset, name: str) -> str:
    """The group in which a variable stands."""
    dims = set(map(str, result[name].dims))
    if name.startswith("window_"):
        return "window"
    if "endpoint" in result[name].attrs or {"time", "frequency"} <= dims:
        return "measures"
    return "cells" if "place" in dims else "ears"


def grouped(result: xr.Dataset) -> dict[str, xr.Dataset]:
    """The variables of a result by the group of a file they stand in."""
    whole = described(result)
    by_group: dict[str, list[str]] = {}
    for name in map(str, whole.data_vars):
        by_group.setdefault(group_of(whole, name), []).append(name)
    return {name: _attributeless(whole[names]) for name, names in by_group.items()}


def _heads(
    result: xr.Dataset, groups: Mapping[str, xr.Dataset], readings: pd.DataFrame
) -> dict[str, xr.Dataset]:
    """The groups of a file with a single ear and a single reading; ``/`` is the file itself."""
    import pandas as pd
    import xarray as xr

    short = {name: result.attrs[name] for name in _SHORT if name in result.attrs}
    return {
        "/": xr.Dataset(attrs={"title": "A result of otosome", **short}),
        **{name: group.isel(subject=slice(0, 1), missing_dims="ignore") for name, group in groups.items()},
        "readings": _table(readings[:1], "reading"),
        "sources": _table(pd.DataFrame(json.loads(result.attrs["sources"])), "source"),
    }


def _attributeless(part: xr.Dataset) -> xr.Dataset:
    return part.drop_attrs(deep=False)


def _table(table: pd.DataFrame, row: str) -> xr.Dataset:
    """A table's columns as variables along ``row``; a cell without text is empty."""
    import xarray as xr
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    variables = {}
    for name in map(str, table.columns):
        column = table[name]
        numbers = is_numeric_dtype(column) or is_bool_dtype(column)
        values = column.to_numpy() if numbers else column.fillna("").astype(str).to_numpy(dtype=object)
        unit = _COLUMN_UNITS.get(name, "")
        variables[name] = ((row,), values, {**labels(unit), "long_name": name.replace("_", " ")})
    return xr.Dataset(variables)


# Columns of readings that have one unit throughout.
_COLUMN_UNITS = {"time": "h", "frequency": "kHz", "level": "dB SPL"}


def write_data(result: xr.Dataset, readings: Path, folder: Path) -> None:
    """Write the numbers, the answer and the study as it was run into a folder.

    ``readings``  the file of ``write_readings``
    """
    groups = grouped(result)
    heads = _heads(result, groups, next(read_readings(readings)))
    lengths = {"subject": result.sizes["subject"], "reading": count(readings)}
    pieces = {name: of_ears(group, "subject") for name, group in groups.items() if "subject" in group.sizes}
    write_large(folder / DATA, heads, lengths, {**pieces, "readings": _readings(readings)})
    answer = {name: json.loads(text) for name, text in result.attrs.items() if name not in (*_SHORT, "study")}
    (folder / ANSWER).write_text(
        json.dumps(answer, indent=1, ensure_ascii=False), encoding="utf-8", newline="\n"
    )
    (folder / STUDY).write_text(result.attrs["study"], encoding="utf-8", newline="\n")


def _readings(file: Path) -> Iterator[Piece]:
    """The readings as values of the variables of their group."""
    start = 0
    for table in read_readings(file):
        rows = slice(start, start + len(table))
        yield rows, {str(name): column.to_numpy() for name, column in _table(table, "reading").items()}
        start = rows.stop


def read_data(folder: Path) -> xr.Dataset:
    """The numbers of a result folder, with the answer as JSON in its attributes; raises BadInput for what is none.

    What an ear has at places or hours is read when it is asked for, and no more of it than is.
    """
    import h5netcdf

    file = folder / DATA
    try:
        with h5netcdf.File(file, "r") as opened:
            earlier, groups = bool(opened.dimensions), [name for name in GROUPS if name in opened.groups]
        stored = _group(file) if earlier else _joined(file, groups)
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(f"cannot be read ({_first_line(error)})", file=str(file)) from error
    if not earlier:
        stored.attrs |= {name: json.dumps(part) for name, part in read_answer(folder / ANSWER).items()}
        stored.attrs["study"] = _text(folder / STUDY)
    missing = [name for name in _NEEDED if name not in stored.attrs]
    if missing or "subject" not in stored.sizes:
        raise BadInput("is not a result of otosome", file=str(file), key=(missing or ["subject"])[0])
    return stored


def _first_line(error: Exception) -> str:
    """The first words of a library's error; some quote a whole file."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _group(file: Path, name: str | None = None) -> xr.Dataset:
    """A group of a file; its root, which before there were groups held all, where none is named."""
    import xarray as xr

    from otosome.forward.unread import unread

    with xr.open_dataset(file, group=name, engine="h5netcdf") as opened:
        large = [each for each, variable in opened.data_vars.items() if is_large(variable.dims)]
        rest, written = opened.drop_vars(large).load(), _written(file)
        variables: dict[Hashable, Any] = dict(rest.data_vars)
        for each in large:
            part = opened[each].variable
            values = unread(part.shape, part.dtype, _Part(file, written, f"{name or ''}/{each}"))
            variables[each] = (part.dims, values, part.attrs)
        return xr.Dataset({each: variables[each] for each in opened.data_vars}, rest.coords, rest.attrs)


def lying_in(result: xr.Dataset, folder: Path) -> xr.Dataset:
    """A result that was written into a folder, with what is large of it read from there from now on."""
    from otosome.forward.unread import unread

    file, whole = folder / DATA, result.copy()
    written = _written(file)
    for name, variable in result.data_vars.items():
        if is_large(variable.dims):
            read = _Part(file, written, f"{group_of(result, str(name))}/{name}")
            values = unread(variable.shape, variable.dtype, read)
            whole[name] = (variable.dims, values, variable.attrs)
    return whole


def _written(file: Path) -> tuple[int, int]:
    """Which writing of a file this is: its size and when it was written."""
    state = file.stat()
    return state.st_size, state.st_mtime_ns


@dataclass(frozen=True)
class _Part:
    """A part of a variable in a file that is opened for as long as it is read."""

    file: Path
    written: tuple[int, int]
    name: str

    def __call__(self, key: Key) -> Array:
        """The part; raises BadInput where the file is gone or another."""
        import h5py

        try:
            if _written(self.file) != self.written:
                raise BadInput("was replaced after it was opened", file=str(self.file), cure="open it again")
            with h5py.File(self.file, "r") as opened:
                return np.asarray(opened[self.name][key])
        except (OSError, KeyError) as error:
            raise BadInput(f"cannot be read ({_first_line(error)})", file=str(self.file)) from error


def _joined(file: Path, groups: Iterable[str]) -> xr.Dataset:
    """The groups of a file that belong to its ears, as one dataset."""
    import xarray as xr

    parts = [_group(file, name) for name in groups]
    joined = xr.merge(parts, join="exact", compat="equals", combine_attrs="override")
    joined.attrs = {name: _plain(value) for name, value in _group(file).attrs.items() if name in _SHORT}
    return joined


def _plain(value: Any) -> Any:
    """A number of NumPy's as Python's own."""
    return value.item() if hasattr(value, "item") else value


def read_answer(file: Path, cure: str | None = None) -> dict[str, Any]:
    """The object a JSON file of a result holds; raises BadInput where it holds none.

    ``cure``  what to do where the file is not there
    """
    if not file.is_file():
        raise BadInput("is not there", file=str(file), cure=cure)
    try:
        answer = json.loads(_text(file))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"is not JSON ({_first_line(error)})", file=str(file)) from error
    if not isinstance(answer, dict):
        raise BadInput("is not the answer of a result", file=str(file), given=type(answer).__name__)
    return answer


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > _LARGEST:
            raise BadInput("is too large", file=str(file), allowed=f"at most {_LARGEST} bytes")
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot be read ({_first_line(error)})", file=str(file)) from error
