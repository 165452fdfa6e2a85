"""A drug of one's own begun: its solute with every number borrowed and how sure each is, and a study that gives it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.evidence import Parameter
from otosome.units import convert

_STUDY = Path(__file__).parent / "templates" / "drug.toml"
# Small, uncharged, and measured in perilymph of several species: the first to borrow from.
_NEAREST = "dexamethasone"
# What helps whoever does not know a number.
_ADVICE = {
    "molar_mass": "on every data sheet; without it no dose in mass",
    "diffusion": "D = 1.01e-5 (molar mass / 136.2)^-0.35 cm2/s if nothing was measured",
    "dispersion": "leave it unless mixing along the scalae was measured",
    "round_window_permeability": "of the guinea pig; others by their own window_factor. Most local doses hang on it",
    "oval_window_permeability": "of the guinea pig; hardly ever measured",
    "exchange_scale": "1 as a small ion, 6 as cisplatin, which crosses membranes; sets its half-life in perilymph",
    "blood_partition": "perilymph over plasma at steady state: small where protein binds it or it is charged",
    "plasma_volume": "from its pharmacokinetics in blood, per body mass",
    "plasma_clearance": "ln 2 over its half-life in blood",
    "loss": "chemical, in fluids: ln 2 over its half-life at 37 degrees",
    "middle_ear_absorbed": "0 where blood after a local dose is of no interest",
    "uptake_capacity": "0 unless cells take it up and can be filled",
}
# Numbers in which drugs differ most: a drug of which nothing is known has them a decade to either side.
_WIDE = (
    "round_window_permeability",
    "oval_window_permeability",
    "exchange_scale",
    "blood_partition",
    "plasma_volume",
    "plasma_clearance",
)
# House units as the field writes them.
_WRITTEN = {"mm2/h": "cm2/s", "mm/h": "cm/s", "uL/kg": "mL/kg", "ug/pmol": "ug/umol"}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")


def check_name(name: str, catalog: Catalog) -> None:
    """A name that a file, a table and a column can have, and that no solute of the shelf has."""
    if _NAME.match(name) is None:
        raise BadInput(
            "is no name for a drug",
            key="new drug",
            given=name,
            allowed="small letters, digits and _: my_drug",
        )
    if name in catalog.names("solutes"):
        cure = f'it is on the shelf: write solute = "{name}" in a study, or name yours otherwise'
        raise BadInput("is a solute already", key="new drug", given=name, cure=cure)


def drug_study(name: str, file: str) -> str:
    """A study that gives a drug of one's own to a guinea pig at the round window, and follows it for a day."""
    title = name.replace("_", " ").capitalize()
    return _STUDY.read_text(encoding="utf-8").format(name=name, file=file, title=title)


def solute_text(name: str, catalog: Catalog) -> str:
    """A solute with every number it needs, all borrowed, and each saying so and how sure it is.

    Numbers that other species have of their own are left out: there are none where it is borrowed from.
    """
    card = catalog.get("solutes", _NEAREST).card
    numbers = {key: _borrowed(key, by_species[""]) for key, by_species in card.parameters.items()}
    ranked = sorted(numbers.items(), key=lambda item: -_factor(item[1]))
    lines = [
        f'about = "{name}: every number is borrowed from {_NEAREST} until you replace it."',
        "# Replace what you know: value, low and high (5 and 95 %), basis (measured, secondary, computed or assumed)",
        "# and source (sources/KEY.toml: title, link, standing) or because. Species of their own: [diffusion.mouse].",
        "#",
        "# How sure each default is, least sure first (a factor either way):",
        *(f"#   {key:<28}{_sure(key, number)}" for key, number in ranked),
    ]
    for key, number in numbers.items():
        lines += ["", *_number(key, number)]
    return "\n".join(lines) + "\n"


def _borrowed(key: str, number: Parameter) -> Parameter:
    """A number of the nearest solute, as little known as that of a drug of which nothing was measured."""
    if key not in _WIDE:
        return number
    return replace(
        number, low=min(number.low, number.value / 10.0), high=max(number.high, number.value * 10.0)
    )


def _number(key: str, number: Parameter) -> Iterator[str]:
    """The lines of one number: what it is, what helps, its default and that it is borrowed."""
    if key in _ADVICE:
        yield f"# {_ADVICE[key]}"
    yield f"[{key}]"
    yield f'meaning = "{number.meaning}"'
    words = ("value",) if number.shape == "fixed" else ("value", "low", "high")
    unit = _WRITTEN.get(number.unit, number.unit)
    for word in words:
        value = convert(getattr(number, word), number.unit, unit) if unit else getattr(number, word)
        yield f'{word} = "{f"{value:.6g} {unit}".strip()}"'
    if number.shape == "uniform":
        yield 'shape = "uniform"'
    yield 'basis = "assumed"'
    beyond = ", a decade to either side" if key in _WIDE else ""
    yield f'because = "Borrowed from {_NEAREST}{beyond}: replace it."'


def _factor(number: Parameter) -> float:
    """Half of the way from low to high, as a factor; infinite where the low end is nothing."""
    if number.shape == "fixed":
        return 0.0
    return math.sqrt(number.high / number.low) if number.low > 0.0 else math.inf


def _sure(key: str, number: Parameter) -> str:
    """How sure a default is, in words."""
    if key == "molar_mass":
        return f"that of {_NEAREST}: every drug has its own"
    factor = _factor(number)
    unit = f" {number.unit}" if number.unit else ""
    if factor == 0.0:
        return "fixed"
    if math.isinf(factor):
        return f"from {number.low:g} to {number.high:.3g}{unit}"
    return f"x {factor:.2g}"
