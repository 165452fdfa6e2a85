"""What is believed of a true benefit before a trial: what the shipped published experiments say, under each prior."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from otosome.catalog import Catalog
from otosome.review.priors.stored import simulated

_BELIEF = "belief_"
Text = tuple[str, str, str]


@dataclass(frozen=True)
class Beliefs:
    """What is believed of a true benefit by name: 5 %, best value and 95 %, in ``unit``, "" of fractions.

    ``note``  on what it stands, where the design does not say
    """

    values: Mapping[str, tuple[float, float, float]]
    unit: str
    note: str = ""


def shelf_beliefs(catalog: Catalog) -> dict[str, Text]:
    """5 %, best value and 95 % of a true benefit with their unit, by prior: as shipped while its experiments stand.

    Where one of them was withdrawn since, or is not to be used, the others are weighed anew.
    """
    card = catalog.get("designs", "animal_experiment").card
    shipped = {name: card.parameter(name, "") for name in card.parameters if name.startswith(_BELIEF)}
    if fallen(catalog):
        from otosome.review.priors.beliefs import beliefs

        return {
            name: (f"{low:.2g} dB", f"{best:.2g} dB", f"{high:.2g} dB")
            for name, (low, best, high) in beliefs(catalog).items()
        }
    return {
        name.removeprefix(_BELIEF): (f"{p.low:g} {p.unit}", f"{p.value:g} {p.unit}", f"{p.high:g} {p.unit}")
        for name, p in shipped.items()
    }


def fallen(catalog: Catalog) -> list[str]:
    """Experiments behind the shipped beliefs that are not to be used any more, each with the reason."""
    return [f"{each.short}: {each.why_out}" for each in simulated(catalog) if each.why_out]


def grounds(catalog: Catalog) -> str:
    """On what the beliefs stand, in words."""
    out = fallen(catalog)
    return f"weighed anew without {'; '.join(out)}" if out else "computed, published_worlds"
