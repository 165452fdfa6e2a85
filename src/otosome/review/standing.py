"""Whether a result still stands: what the evidence it rests on says now, and how far its headline moves.

A result keeps, for every number and curve, its source, that source's standing and a hash of the value. The same
question is asked of the shelves as they are now; what differs is named, and the best-value ear's benefit is
computed with what was known then and now.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from otosome.answers.contrast import best_benefit, contrast
from otosome.answers.sources import sources
from otosome.catalog import SHIPPED, Catalog
from otosome.errors import BadInput
from otosome.study import Study, loads
from otosome.study.tables.pins import Number, StatedCurve
from otosome.units import Json

if TYPE_CHECKING:
    import xarray as xr


_ENDS = ("median", "low", "high")


def asked_now(stored: xr.Dataset, shelves: tuple[Path, ...] = (), folder: Path | None = None) -> Study:
    """The question a result answered, with the shelves' numbers of now; only what a person pinned stays pinned.

    Retracted sources are let in, so that what rests on them can be named.
    """
    return asked_again(stored.attrs["study"], stored.attrs["name"], Catalog.of_study(folder, shelves))


def asked_again(text: str, name: str, catalog: Catalog) -> Study:
    """A study from its explicit text, with the shelves' numbers of now; retracted sources are let in."""
    return _pinned(_study_of(text, name, catalog), lambda _, pinned: not pinned.shelf)


def asked_then(stored: xr.Dataset, shelves: tuple[Path, ...] = (), folder: Path | None = None) -> Study:
    """The question a result answered, with every number as it was."""
    study = _study_of(stored.attrs["study"], stored.attrs["name"], Catalog.of_study(folder, shelves))
    now = _pinned(study, lambda name, pinned: not pinned.shelf)
    return _pinned(study, lambda name, _: name in now.parameters or name in now.curves)


def _study_of(text: str, name: str, catalog: Catalog) -> Study:
    every = tuple({f.stem for root in (SHIPPED, *catalog.roots) for f in (root / "sources").glob("*.toml")})
    return loads(text, name, catalog=catalog, allow_retracted=every, check=False)


def _pinned(study: Study, keep: Callable[[str, Number | StatedCurve], bool]) -> Study:
    """The study with those of its pinned numbers and curves that are kept."""
    pins = {
        table: {name: pin for name, pin in getattr(study.tables, table).items() if keep(name, pin)}
        for table in ("numbers", "curves")
    }
    return replace(study, tables=study.tables.model_copy(update=pins))


def changed(then: list[Json], now: list[Json]) -> list[Json]:
    """What differs between two lists of sourced numbers (as ``sources`` gives them), a row per number.

    returns  parameter, what (value, source, standing, gone, new), then, now, source, standing
    """
    before, after = ({row["parameter"]: row for row in rows} for rows in (then, now))
    rows = [_differs(name, before.get(name), after.get(name)) for name in {**before, **after}]
    return [row for row in rows if row is not None]


def _differs(name: str, then: Json | None, now: Json | None) -> Json | None:
    if then is None or now is None:
        here = then or now or {}
        return _row(name, "new" if then is None else "gone", then, now, here)
    for what, key in (("source", "source"), ("standing", "standing"), ("value", "hash")):
        if then.get(key) != now.get(key):
            return _row(name, what, then, now, now)
    return None


def _row(
    name: str,
    what: str,
    then: Json | None,
    now: Json | None,
    here: Json,
) -> Json:
    return {
        "parameter": name,
        "what": what,
        "then": _in_words(then),
        "now": _in_words(now),
        "source": here.get("source"),
        "standing": here.get("standing", ""),
    }


def _in_words(row: Json | None) -> str:
    if row is None:
        return ""
    if row["value"] is None:
        text = f"{row['given']} ({row['hash']}), {row['basis']}"
    else:
        text = f"{row['value']:.4g} ({row['low']:.4g} to {row['high']:.4g}) {row['unit']}, {row['basis']}"
    return f"{text}, {row['source']} {row['standing']}" if row.get("source") else text


def check(stored: xr.Dataset, shelves: tuple[Path, ...] = (), folder: Path | None = None) -> Json:
    """Whether a result still stands.

    ``stored``   a result read back
    ``shelves``  folders of one's own shelves;  ``folder``  the result's, whose own shelves it was made with
    returns      stands (bool), changed (rows), then and now (the best-value ear's benefit, None where nothing is
                 compared), unit, and refused: the retracted sources that would stop it from being run now
    """
    now = asked_now(stored, shelves, folder)
    rows = changed(json.loads(stored.attrs["sources"]), [asdict(row) for row in sources(now)])
    refused = sorted({row["source"] for row in rows if row["standing"] == "retracted"})
    verdict: Json = {
        "stands": not rows,
        "changed": rows,
        "refused": refused,
        "then": None,
        "now": None,
        "unit": "",
    }
    comparison = now.tables.compare
    if comparison is None:
        return verdict
    headline = json.loads(stored.attrs["headline"])
    row = (
        _other_headline(asked_then(stored, shelves, folder), stored, headline)
        if "measure" in headline
        else None
    )
    if row is not None:
        verdict = {**verdict, "stands": False, "changed": [*rows, row]}
    then_value = best_benefit(asked_then(stored, shelves, folder), comparison)
    now_value = best_benefit(now, comparison) if rows else then_value
    return {**verdict, "then": then_value, "now": now_value, "unit": headline.get("unit", "")}


def _other_headline(study: Study, stored: xr.Dataset, headline: Json) -> Json | None:
    """The row that says that a headline is not what the stored ears give; None where it is."""
    arms = (headline["measure"], headline["of"], headline["against"])
    again = contrast(study, stored, *arms).benefit
    pair = (headline["benefit"]["exact"], asdict(again.exact))
    then, now = (np.array([exact[end] for end in _ENDS]) for exact in pair)
    if headline["benefit"]["text"] == again.text and np.allclose(then, now, rtol=1e-9, atol=1e-12):
        return None
    return {
        "parameter": "headline",
        "what": "altered",
        "then": headline["benefit"]["text"],
        "now": again.text,
        "source": None,
        "standing": "",
    }


def between(old: xr.Dataset, new: xr.Dataset) -> Json:
    """What evidence changed between two results of one study, and how their headlines moved.

    returns  changed (rows), and then and now: the headlines' benefit with its interval (None without one)
    raises   BadInput where they compare different things
    """
    headlines = [json.loads(result.attrs["headline"]) for result in (old, new)]
    compared = [[headline.get(key) for key in ("of", "against", "measure")] for headline in headlines]
    if compared[0] != compared[1]:
        raise BadInput(
            "are results of different studies", key="compare", given=compared[1], allowed=[str(compared[0])]
        )
    rows = changed(json.loads(old.attrs["sources"]), json.loads(new.attrs["sources"]))
    then, now = (headline.get("benefit") for headline in headlines)
    return {"changed": rows, "then": then, "now": now, "unit": headlines[1].get("unit", "")}
