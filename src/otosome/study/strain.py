"""A strain: the numbers and curves in which its animals differ from the mixture the shelves hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from otosome.catalog import Entry
from otosome.errors import BadInput, at
from otosome.evidence import Curve, Parameter
from otosome.roles import StrainOptions
from otosome.study.tables.pins import Number, StatedCurve


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
        with at(file):
            try:
                numbers = {name: Number(**values) for name, values in options.numbers.items()}  # type: ignore[arg-type]  # checked by the table
                curves = {name: StatedCurve(**values) for name, values in options.curves.items()}  # type: ignore[arg-type]  # as above
            except ValidationError as error:
                first = error.errors()[0]
                key = ".".join(str(part) for part in first["loc"])
                raise BadInput(first["msg"], key=key, given=first["input"]) from error
        return cls(file, numbers, curves)

    def restated(self, parameter: Parameter) -> Parameter:
        """A number as the strain has it."""
        number = self.numbers.get(parameter.name)
        return parameter if number is None else number.pinned(parameter, self.file)

    def curves(self) -> dict[str, Curve]:
        """Its curves by full name."""
        return {name: curve.curve(name, self.file) for name, curve in self.stated.items()}
