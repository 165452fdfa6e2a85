"""House units as types, and the one place where a unit in a file becomes a plain number.

House units: mm, mm2, uL (= mm3), h, umol/L, pmol, ug, particles, kHz, dB, kg of body, K, Pa h.
A formula sees plain arrays in these units; the types below say which.

A level (dB, dB SPL, dB HL, dB nHL) is a label compared by name and never converted. Gram and kilogram
weigh a body, microgram and milligram weigh a substance: a dose in mg/kg is therefore not a fraction. Per mole and per
volume (g/mol, g/L) they weigh a substance, as nobody states how much body is in a litre.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

Array = NDArray[np.float64]
# An object as JSON holds it: text, numbers, truths, lists and further objects by name.
Json = dict[str, Any]


def labels(unit: str) -> dict[str, str]:
    """The attributes that say an array's unit: ``unit`` in otosome's words, ``units`` as CF has it, for plots."""
    return {"unit": unit, "units": unit or "1"}


@dataclass(frozen=True)
class Unit:
    """The unit an annotated array is in."""

    text: str


Plain = Annotated[Array, Unit("")]
Fraction = Annotated[Array, Unit("")]
Hours = Annotated[Array, Unit("h")]
PerHour = Annotated[Array, Unit("1/h")]
Millimetres = Annotated[Array, Unit("mm")]
SquareMillimetres = Annotated[Array, Unit("mm2")]
SquareMillimetresPerHour = Annotated[Array, Unit("mm2/h")]
MillimetresPerHour = Annotated[Array, Unit("mm/h")]
Microlitres = Annotated[Array, Unit("uL")]
MicrolitresPerHour = Annotated[Array, Unit("uL/h")]
MicrolitresPerKilogram = Annotated[Array, Unit("uL/kg")]
Micromolar = Annotated[Array, Unit("uM")]
Picomoles = Annotated[Array, Unit("pmol")]
Micrograms = Annotated[Array, Unit("ug")]
Particles = Annotated[Array, Unit("particles")]
ParticlesPerMicrolitre = Annotated[Array, Unit("particles/uL")]
ParticlesPerMicrogram = Annotated[Array, Unit("particles/ug")]
Kilohertz = Annotated[Array, Unit("kHz")]
Decibels = Annotated[Array, Unit("dB")]
DecibelsSPL = Annotated[Array, Unit("dB SPL")]
DecibelsHL = Annotated[Array, Unit("dB HL")]
Signal = Annotated[Array, Unit("au")]
SignalPerMicromolar = Annotated[Array, Unit("au/uM")]
Kilograms = Annotated[Array, Unit("kg")]
Kelvin = Annotated[Array, Unit("K")]
PascalHours = Annotated[Array, Unit("Pa h")]
# A place along a scala, 0 base to 1 apex.
Place = Annotated[float, Field(ge=0.0, le=1.0)]

LEVELS = ("dB", "dB SPL", "dB HL", "dB nHL")

# Atom -> (factor to the house unit, dimensions). Volume is length cubed, molar is amount per volume.
_L, _T, _N, _M, _P, _F, _B, _S, _K, _Q, _C, _E, _U, _A = (
    "length", "time", "substance", "mass", "particles", "frequency", "body", "surface", "temperature",
    "pressure", "cells", "endotoxin", "dalton", "signal",
)  # fmt: skip
_ATOMS: dict[str, tuple[float, dict[str, int]]] = {
    "nm": (1e-6, {_L: 1}), "um": (1e-3, {_L: 1}), "mm": (1.0, {_L: 1}), "cm": (10.0, {_L: 1}),
    "nL": (1e-3, {_L: 3}), "uL": (1.0, {_L: 3}), "mL": (1e3, {_L: 3}), "dL": (1e5, {_L: 3}), "L": (1e6, {_L: 3}),
    "s": (1 / 3600, {_T: 1}), "min": (1 / 60, {_T: 1}), "h": (1.0, {_T: 1}), "d": (24.0, {_T: 1}),
    "week": (168.0, {_T: 1}), "year": (8766.0, {_T: 1}),
    "fmol": (1e-3, {_N: 1}), "pmol": (1.0, {_N: 1}), "nmol": (1e3, {_N: 1}), "umol": (1e6, {_N: 1}),
    "mmol": (1e9, {_N: 1}), "mol": (1e12, {_N: 1}), "pM": (1e-6, {_N: 1, _L: -3}), "nM": (1e-3, {_N: 1, _L: -3}),
    "uM": (1.0, {_N: 1, _L: -3}), "mM": (1e3, {_N: 1, _L: -3}),
    "pg": (1e-6, {_M: 1}), "ng": (1e-3, {_M: 1}), "ug": (1.0, {_M: 1}), "mg": (1e3, {_M: 1}),
    "g": (1e-3, {_B: 1}), "kg": (1.0, {_B: 1}), "m2": (1.0, {_S: 1}),
    "particles": (1.0, {_P: 1}), "particle": (1.0, {_P: 1}), "copies": (1.0, {}), "cells": (1.0, {_C: 1}),
    "Hz": (1e-3, {_F: 1}), "kHz": (1.0, {_F: 1}),
    "K": (1.0, {_K: 1}), "EU": (1.0, {_E: 1}), "kDa": (1.0, {_U: 1}),
    "Pa": (1.0, {_Q: 1}), "mPa": (1e-3, {_Q: 1}), "kPa": (1e3, {_Q: 1}),
    # What a scanner or reader shows, in units of its own: two of them cannot be compared.
    "au": (1.0, {_A: 1}),
    "%": (0.01, {}), "percent": (0.01, {}), "1": (1.0, {}),
}  # fmt: skip
_HOUSE_VOLUME = {_L: 3}
# What weighs a body, and what it weighs of a substance, ug.
_GRAMS = {"g": 1e6, "kg": 1e9}
_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)\s*(.*?)\s*", re.ASCII)
_TERM = re.compile(r"([A-Za-z%]+|1)(?:\^?([2-3]))?", re.ASCII)
_LONGEST = 40


def known() -> list[str]:
    """The units a file may use, alone or combined with `/`, a space and powers 2 and 3."""
    return [*_ATOMS, *LEVELS]


@lru_cache(maxsize=1024)
def _scale(unit: str) -> tuple[float, tuple[tuple[str, int], ...]]:
    """Factor to house units and dimensions of a unit; raises ValueError for what is not on the list."""
    if len(unit) > _LONGEST:
        raise ValueError(f"unit of {len(unit)} characters; the longest allowed has {_LONGEST}")
    factor, dimensions = 1.0, dict[str, int]()
    for position, part in enumerate(unit.split("/")):
        if not part.strip() and "/" in unit:
            raise ValueError(f"unit {unit!r} lacks something before or after '/'; write 1/h, not /h")
        for text in part.split():
            atom, power = _atom(text, unit)
            sign = power if position == 0 else -power
            own, kinds = _ATOMS[atom]
            if position == 0 and atom in _GRAMS and _of_a_substance(unit):
                own, kinds = _GRAMS[atom], {_M: 1}
            factor *= own**sign
            for name, exponent in kinds.items():
                dimensions[name] = dimensions.get(name, 0) + sign * exponent
    return factor, tuple(sorted((n, e) for n, e in dimensions.items() if e))


def _of_a_substance(unit: str) -> bool:
    """Whether grams are per mole or per volume and nothing else, so that they weigh no body."""
    below = [word for part in unit.split("/")[1:] for word in part.split()]
    kinds = [_ATOMS[_atom(word, unit)[0]][1] for word in below]
    return len(kinds) == 1 and kinds[0] in ({_N: 1}, _HOUSE_VOLUME)


def _atom(text: str, unit: str) -> tuple[str, int]:
    if text in _ATOMS:
        return text, 1
    match = _TERM.fullmatch(text)
    if match is None or match[1] not in _ATOMS:
        raise ValueError(f"unit {unit!r} is not known; known are {', '.join(known())}")
    return match[1], int(match[2] or 1)


def split(text: str) -> tuple[float, str]:
    """Number and unit of a quantity such as ``"12 mg/kg"``; raises ValueError unless finite."""
    match = _NUMBER.fullmatch(text) if len(text) < 2 * _LONGEST else None
    if match is None:
        raise ValueError(f"{text[:_LONGEST]!r} is not a number with a unit, such as '12 mg/kg'")
    value = float(match[1])
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is not finite")
    return value, match[2]


def as_written(unit: str) -> str:
    """A unit of a laboratory's table in the letters known here: ``\u00b5g/ml`` and ``mcg/mL`` are ``ug/mL``."""
    plain = re.sub("[\u00b5\u03bc]", "u", unit.strip())
    return re.sub(r"\b([num]?)l\b", r"\1L", re.sub(r"\bmcg\b", "ug", plain))


def same_kind(unit: str, other: str) -> bool:
    """Whether two units measure the same thing (a level only itself)."""
    if unit in LEVELS or other in LEVELS:
        return unit == other
    return _scale(unit)[1] == _scale(other)[1]


def house(unit: str) -> str:
    """The house unit for what this unit measures, e.g. ``"mm2/h"`` for ``"cm2/s"``."""
    if unit in LEVELS:
        return unit
    dimensions = dict(_scale(unit)[1])
    if dimensions.get(_L) == 3:
        dimensions.pop(_L)
        dimensions["volume"] = 1
    elif dimensions.get(_L) == -3:
        dimensions.pop(_L)
        dimensions["volume"] = -1
    elif dimensions == {_L: 3, _T: -1}:
        dimensions = {"volume": 1, _T: -1}
    if dimensions.get(_N) == 1 and dimensions.get("volume") == -1:
        del dimensions[_N], dimensions["volume"]
        dimensions["molar"] = 1
    names = {
        _L: "mm",
        _T: "h",
        _N: "pmol",
        _M: "ug",
        _P: "particles",
        _F: "kHz",
        _B: "kg",
        _S: "m2",
        _K: "K",
        _Q: "Pa",
        _C: "cells",
        _E: "EU",
        _U: "kDa",
        _A: "au",
        "volume": "uL",
        "molar": "uM",
    }
    above = [_power(names[n], e) for n, e in dimensions.items() if e > 0]
    below = [_power(names[n], -e) for n, e in dimensions.items() if e < 0]
    return "/".join([" ".join(above) or ("1" if below else ""), *below])


def _power(name: str, exponent: int) -> str:
    return name if exponent == 1 else f"{name}{exponent}"


def convert(value: float, unit: str, to: str) -> float:
    """The value in another unit of the same kind; raises ValueError if the kinds differ."""
    if not same_kind(unit, to):
        raise ValueError(f"unit is {unit!r}; expected one convertible to {to or 'a plain number'!r}")
    if unit in LEVELS:
        return value
    converted = value * _scale(unit)[0] / _scale(to)[0]
    if not math.isfinite(converted):
        raise ValueError(f"{value:g} {unit} is too large for {to or 'a plain number'!r}")
    return converted


def moment(hours: float) -> str:
    """A moment as a laboratory writes it: whole days as days, else hours."""
    return f"{hours / 24:g} d" if hours and hours % 24 == 0 else f"{hours:g} h"


def quantity(text: str, unit: str | None = None) -> float:
    """A quantity of a file as a plain number: in ``unit`` if given, else in the house unit.

    raises  ValueError with what was given and what is allowed
    """
    value, stated = split(text)
    return convert(value, stated, house(stated) if unit is None else unit)


class Quantity(float):
    """A quantity of a file: a float in the house unit of its kind, which keeps its text.

    ``text``  as the person wrote it, which is also how it is printed and saved: "12 mg/kg"
    ``unit``  the house unit the float is in: "ug/kg"; a level keeps its own ("dB SPL")

    Two quantities are equal where value and unit are: 100 ug are not 100 particles.

    raises  ValueError for a text that is no finite number with a known unit
    """

    __slots__ = ("text", "unit")
    text: str
    unit: str

    def __new__(cls, text: str) -> Self:
        """A quantity from its text, such as "12 mg/kg"."""
        value, stated = split(text)
        unit = house(stated)
        number = super().__new__(cls, convert(value, stated, unit))
        number.text, number.unit = text, unit
        return number

    def to(self, unit: str) -> float:
        """The number in another unit of its kind, converted from the text; raises ValueError for another kind."""
        return quantity(self.text, unit)

    def __repr__(self) -> str:
        return f"Quantity({self.text!r})"

    def __str__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        alike = not isinstance(other, Quantity) or self.unit == other.unit
        return alike and float.__eq__(self, other) is True

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return float.__hash__(self)

    def __reduce__(self) -> tuple[type[Self], tuple[str]]:
        return type(self), (self.text,)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """In a table it is read from text and saved as text."""
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(
            cls._of_table,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda quantity: quantity.text),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, str]:
        return {"type": "string"}

    @classmethod
    def _of_table(cls, value: object) -> Self:
        from pydantic_core import PydanticCustomError

        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            raise PydanticCustomError("string_type", "Input should be a valid string")
        return cls(value)


def bounded(*units: str, least: float = -math.inf, most: float = math.inf) -> AfterValidator:
    """Accept a quantity of the kind of one of these units, within bounds in its house unit."""
    kinds = {house(unit) for unit in units}

    def check(quantity: Quantity) -> Quantity:
        if quantity.unit not in kinds:
            stated = split(quantity.text)[1]
            raise ValueError(f"unit is {stated!r}; expected one convertible to {' or '.join(units)}")
        if quantity < 0 <= least:
            raise ValueError("must not be negative")
        if not least <= quantity <= most:
            raise ValueError(f"must lie from {least:g} to {most:g} {quantity.unit}")
        return quantity

    return AfterValidator(check)
