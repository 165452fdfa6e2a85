"""A strain: the numbers and curves in which its animals differ from the mixture the shelves hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from otosome.catalog import Entry
from otosome.errors import BadInput
from otosome.evidence import Curve, Parameter
from otosome.roles import StrainOptions
from otosome.study.reading import table_of
from otosome.study.tables.base import Table
from otosome.study.tables.pins import Number, StatedCurve

_Of = TypeVar("_Of", bound=Table)


@dataclass(frozen=True)
class Strain:
    """What a strain states in place of the shelves' numbers and curves, by full name.

    ``file``  of its entry
    """

    file: str
    numbers: Mapping[str, Number]
    stated: Mapping[str, StatedCurve]

    @classmethod
    def of(cls, entry: Entry[StrainOptions, object]) -> Strain:
        """A strain from its entry; raises BadInput naming file and key."""
        options, file = entry.options, entry.card.file
        numbers = {
            name: _table(Number, own, file, f"numbers.{name}") for name, own in options.numbers.items()
        }
        curves = {
            name: _table(StatedCurve, own, file, f"curves.{name}") for name, own in options.curves.items()
        }
        return cls(file, numbers, curves)

    def restated(self, parameter: Parameter) -> Parameter:
        """A number as the strain has it."""
        number = self.numbers.get(parameter.name)
        return parameter if number is None else number.pinned(parameter, self.file)

    def curves(self) -> dict[str, Curve]:
        """Its curves by full name."""
        return {name: curve.curve(name, self.file) for name, curve in self.stated.items()}


def _table(kind: type[_Of], values: Mapping[str, object], file: str, place: str) -> _Of:
    """A table of the entry; raises BadInput naming file and key."""
    try:
        return table_of(kind, values, file)
    except BadInput as error:
        error.key = f"{place}.{error.key}"
        raise
