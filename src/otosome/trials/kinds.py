"""What a design's file may state, as types with bounds, and what every design states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from otosome.errors import BadInput
from otosome.roles import Options
from otosome.units import Quantity, bounded

# A difference, or a spread, of what is measured: levels in dB, fractions in per cent.
Difference = Annotated[Quantity, bounded("dB", "%", least=-1e4, most=1e4)]
Spread = Annotated[Quantity, bounded("dB", "%", least=1e-6, most=1e4)]
Share = Annotated[Quantity, bounded("%", least=0.0, most=1.0)]
Loss = Annotated[Quantity, bounded("%", least=0.0, most=0.9)]
Tone = Annotated[Quantity, bounded("kHz", least=1e-3, most=1e3)]
Span = Annotated[Quantity, bounded("h", least=0.0, most=50 * 8766.0)]
Correlation = Annotated[Quantity, bounded("%", least=0.0, most=0.999)]
# Below the least of these the noncentral t is no longer computed.
Alpha = Annotated[float, Field(ge=1e-6, lt=0.5)]
Power = Annotated[float, Field(gt=0.0, lt=1.0)]
# A true benefit: its 5 %, its best value, its 95 %.
Belief = tuple[Difference, Difference, Difference]
NO_LOSS = Quantity("0 %")


@dataclass(frozen=True, kw_only=True)
class DesignBase(Options):
    """What every design states: ``alpha``, two-sided, and the ``power`` wanted."""

    alpha: Alpha = 0.05
    power: Power = 0.8

    def check(self) -> None:
        """Refuse what single keys do not show; raises BadInput."""
        if self.power <= self.alpha:
            raise BadInput("is reached by chance alone", key="power", given=self.power, allowed="above alpha")


def same_unit(unit: str, quantities: Mapping[str, Quantity | None]) -> None:
    """Refuse a quantity of another kind than the difference; ``unit`` is dB, or "" of a fraction."""
    for key, quantity in quantities.items():
        if quantity is not None and quantity.unit != unit:
            raise BadInput(
                "is of another kind than the difference", key=key, given=quantity.text, allowed=unit or "%"
            )


def not_zero(key: str, quantity: Quantity) -> None:
    """Refuse a difference that is none."""
    if float(quantity) == 0.0:
        raise BadInput(
            "no size finds a difference that is not there", key=key, given=quantity.text, allowed="not 0"
        )


def only_with(design: DesignBase, choice: str, keys: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse a key that this choice lacks, and one that is of another choice.

    ``keys``  by choice; where a choice does not name a key it must not be stated
    """
    for other, names in keys.items():
        for name in names:
            stated = getattr(design, name) is not None
            if other == choice and not stated:
                raise BadInput(f"{choice} needs it", key=name)
            if other != choice and stated and name not in keys[choice]:
                raise BadInput(f"{choice} has no use for it", key=name, allowed=list(keys[choice]))
