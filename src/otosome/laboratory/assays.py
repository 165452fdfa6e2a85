"""How laboratories head a table of concentrations: units behind a name, the drug as a column, fluid, place, volume."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import numpy as np

from otosome.laboratory.columns import SUBJECT, Columns
from otosome.laboratory.file import parse

SUBSTANCE = ("solute", "substance", "drug", "analyte")
WHERE = (
    *("compartment", "fluid", "tissue", "matrix", "sample", "sample_type", "sample type", "specimen"),
    "sample_matrix",
)
# Units of concentration as headers in small letters spell them; what is a length elsewhere is molar here.
UNITS = {
    "um": "uM",
    "nm": "nM",
    "mm": "mM",
    "umol/l": "uM",
    "nmol/l": "nM",
    "mmol/l": "mM",
    "ug/ml": "ug/mL",
    "mcg/ml": "ug/mL",
    "ng/ml": "ng/mL",
    "mg/ml": "mg/mL",
    "pg/ml": "pg/mL",
    "mg/l": "mg/L",
    "ug/l": "ug/L",
    "ng/l": "ng/L",
    "ng/ul": "ng/uL",
    "ug/ul": "ug/uL",
}
# What a table calls a drug that it does not name: the one it is of.
UNNAMED = "drug"
# The plain header that a refusal names.
PLAIN = "animal, time_h, compartment, concentration_ug_ml"
FLUIDS = ("perilymph", "plasma", "serum", "csf", "blood")
_BARE = ("concentration", "conc", "conc.", "level", "value", "result", "measured", "amount", "c")
_LENGTHS = ("thickness", "length", "width", "diameter", "size", "depth", "distance", "height", "radius")
_TIMES = {
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "time_h"),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), "time_min"),
    **dict.fromkeys(("d", "day", "days"), "time_d"),
}
_WHEN = ("time", "t", "timepoint", "time point", "time_point", "sampling time", "sampling_time")
_VOLUMES = ("volume", "vol", "sample volume", "sample_volume", "sampled volume", "sampled_volume")
_BRACKETS = re.compile(r"(.+?)[\s_]*[(\[]\s*([^()\[\]]+?)\s*[)\]]")
# The sign for micro, of either kind, and as it looks where a file in UTF-8 is recognised byte by byte.
_MICRO = re.compile("\u00e2\u00b5|\u00ee\u00bc|\u00b5|\u03bc")
_BEHIND = re.compile(r"[\s_]+(?:concentration|conc\.?|level)")
_TURN = ("turn", "place", "site", "position", "location")
# Turns by their names, 0 base to 1 apex.
TURNS = {
    **dict.fromkeys(("basal", "base", "basal turn", "round window"), 0.1),
    **dict.fromkeys(("middle", "mid", "middle turn", "second", "second turn"), 0.5),
    **dict.fromkeys(("apical", "apex", "apical turn"), 0.9),
}
# How a flag says what volume was drawn, and from which turn.
DRAWN = re.compile(r"sample of (?P<volume>[0-9.e+-]+ uL)")
AT_THE_BASE = "drawn at the base"


@dataclass(frozen=True)
class Layout:
    """Which column holds concentrations, of which drug (empty for one that is not named) and in which unit.

    ``unit``   empty where a column ``unit`` says it;  ``names``  what columns are called here, by their own names
    """

    column: str
    solute: str = ""
    unit: str = ""
    names: dict[str, str] = field(default_factory=dict)


def layout(names: Collection[str]) -> Layout | None:
    """How a table with these columns, in small letters, holds concentrations; None where it holds none, or several."""
    own = set(names)
    if own.isdisjoint(SUBJECT) or own.isdisjoint(WHERE):
        return None
    calls = {name: canonical for name in names if (canonical := _canonical(name))}
    amounts = [
        Layout(name, _drug(what), UNITS[unit], calls)
        for name, (what, unit) in zip(names, map(_parted, names), strict=True)
        if unit in UNITS and _may_be(what)
    ]
    plain = [each for each in amounts if not each.solute]
    if "concentration" in own and not own.isdisjoint(("unit", *SUBSTANCE)):
        plain.append(Layout("concentration", "", "", calls))
    chosen = plain or amounts
    return chosen[0] if len(chosen) == 1 else None


def looks_assayed(names: Iterable[str], text: str) -> bool:
    """Whether a table that no reader knows seems to hold concentrations: by a unit in its header, or a fluid in it."""
    units = any(unit in UNITS and "/" in unit for _, unit in map(_parted, names))
    return units or any(re.search(rf"\b{fluid}\b", text.lower()) for fluid in FLUIDS)


def sites(columns: Columns) -> tuple[list[float], list[str]]:
    """Where along the ear each sample is of, NaN where it is not said, and flags: the place, and the volume drawn."""
    name = next((name for name in _TURN if name in columns), "")
    places, about = list[float](), list[str]()
    volumes = _volumes(columns)
    for text, volume in zip(columns.texts(name) if name else columns.texts(""), volumes, strict=True):
        number = parse(text, columns.decimal)
        known = TURNS.get(text.lower(), np.nan if number is None or not 0.0 <= number <= 1.0 else number)
        remarks = [AT_THE_BASE] if TURNS.get(text.lower()) == TURNS["base"] else []
        remarks += [f"{name} given as {text[:40]}: not read"] if text and np.isnan(known) else []
        remarks += [f"sample of {volume:g} uL"] if volume > 0 else []
        places.append(float(known))
        about.append("; ".join(remarks))
    return places, about


def _volumes(columns: Columns) -> list[float]:
    """Volume of each sample, uL; of a table that states doses too, ``volume_ul`` may be theirs and is not read."""
    of_doses = "dose" in columns or "amt" in columns
    names = ("sample_volume_ul",) if of_doses else ("sample_volume_ul", "volume_ul")
    name = next((name for name in names if name in columns), "")
    return list(columns.numbers(name)) if name else [np.nan] * len(columns.frame)


def _parted(name: str) -> tuple[str, str]:
    """What a column is of and its unit: ``otocaine (ug/ml)``, ``otocaine_ug_ml``; no unit where its name has none."""
    plain = _MICRO.sub("u", name)
    match = _BRACKETS.fullmatch(plain)
    if match:
        return match[1], match[2].replace(" ", "")
    for unit in sorted((*UNITS, *_TIMES, "ul"), key=len, reverse=True):
        ending = f"_{unit.replace('/', '_')}"
        if plain.endswith(ending) and len(plain) > len(ending):
            return plain.removesuffix(ending), unit
    return plain, ""


def _canonical(name: str) -> str:
    """The name by which columns of time and volume are known here; empty for others."""
    what, unit = _parted(name)
    if what in _WHEN:
        return _TIMES.get(unit, "")
    if what in _VOLUMES and unit == "ul":
        return "sample_volume_ul" if "sample" in what else "volume_ul"
    return ""


def _drug(what: str) -> str:
    """The drug that a column is named by; empty for a plain word such as conc."""
    stem = _BEHIND.sub("", what)
    return "" if stem in _BARE else stem


def _may_be(what: str) -> bool:
    """Whether what is in ``um`` or ``mm`` can be a concentration."""
    return not any(word in re.split(r"[\s_]+", what) for word in _LENGTHS)


def quantity_word(text: str) -> str:
    """A drug or a fluid as quantities of tables have it: ``Scala vestibuli`` is ``scala_vestibuli``."""
    return "_".join("".join(c if c.isalnum() else " " for c in text.lower()).split())[:40]
