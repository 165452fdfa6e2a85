"""Concentrations of a laboratory's table beside those that a study measures: which fluid, which drug, which unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otosome.study.tables.drugs import FLUIDS
from otosome.units import convert, same_kind

if TYPE_CHECKING:
    from otosome.study import Measure, Study

# What a table calls a drug that it does not name: the one it is of.
UNNAMED = "drug"


def is_assay_of(study: Study, measure: Measure, quantity: str) -> bool:
    """Whether a quantity of a table, ``dexamethasone.perilymph``, is a study's measure of a concentration.

    A drug that the table does not name is the only one of which the study measures any.
    """
    what, _, where = quantity.partition(".")
    named = (
        [what] if what != UNNAMED else sorted({m.solute for m in study.tables.measure.values() if m.solute})
    )
    return named == [measure.solute] and FLUIDS.get(where, where) == (measure.of or "scala_tympani")


def in_ratios(study: Study, measure: str) -> bool:
    """Whether readings of a measure differ by ratios: those of a concentration, and not of a scanner's signal."""
    return study.tables.measure[measure].solute is not None and study.unit(measure) == "uM"


def written(study: Study, measure: str) -> tuple[str, float]:
    """The unit in which a measure is written, and what one of its own is in it.

    A concentration is written in ug/mL, as laboratories do, where its solute's molar mass is known.
    """
    unit, solute = study.unit(measure), study.tables.measure[measure].solute
    mass = study.best_values.get(f"solutes.{solute}.molar_mass")
    if not in_ratios(study, measure) or mass is None:
        return unit, 1.0
    return "ug/mL", convert(float(mass[0]), "ug/uL", "ug/mL")


def factor(study: Study, measure: str, stated: str) -> float | None:
    """What numbers in a table's unit are multiplied by to be in a measure's; None for a unit of another kind.

    Mass per volume becomes moles by the solute's ``molar_mass``.
    """
    unit, solute = study.unit(measure), study.tables.measure[measure].solute
    if stated == unit:
        return 1.0
    try:
        if solute is not None and same_kind(stated, "ug/uL"):
            mass = study.best_values.get(f"solutes.{solute}.molar_mass")
            return None if mass is None else convert(1.0, stated, "ug/uL") / float(mass[0])
        return convert(1.0, stated, unit) if same_kind(stated, unit) else None
    except ValueError:
        return None
