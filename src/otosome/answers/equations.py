"""The equations a study is simulated by, with its numbers: of what is done to the ear, of cells, and of thresholds."""

from __future__ import annotations

from dataclasses import dataclass

from otosome.forward import plan
from otosome.model.equations import CELLS, DRUG, MECHANISM, NEURONS, STRESS, STRIA, THRESHOLDS, Equation
from otosome.model.injury import KINDS
from otosome.study import Study


@dataclass(frozen=True)
class Quantity:
    """A number of a study: full name, what it is, its best value in ``unit``, and 5 and 95 % of what is not known.

    ``symbol``  as the equations of its part have it
    """

    symbol: str
    name: str
    meaning: str
    value: float
    low: float
    high: float
    unit: str


@dataclass(frozen=True)
class Part:
    """Equations that belong together, and the numbers in them.

    ``note``  what they do not say, in a sentence; empty where there is nothing
    """

    title: str
    equations: list[Equation]
    numbers: list[Quantity]
    note: str = ""


@dataclass(frozen=True)
class Equations:
    """The equations of a study, part by part."""

    title: str
    parts: list[Part]


def equations(study: Study) -> Equations:
    """The equations a study is simulated by, and every number in them."""
    arms = plan(study).arms
    insults = dict.fromkeys(insult.entry for arm in arms for insult in arm.insults)
    treated = any(arm.lot is not None for arm in arms)
    mechanisms = list(study.mechanisms) if treated else []
    parts = [
        *(_entry(study, "insults", name) for name in insults),
        *(_entry(study, "mechanisms", name, MECHANISM) for name in mechanisms),
        *(_entry(study, "effects", name, DRUG) for name in study.effects),
        *_carried(study),
        Part(
            "Stress", list(STRESS), _numbers(study, f"species.{study.tables.species}", {"stress_clearance"})
        ),
        Part(
            f"Cells of a kind: {', '.join(KINDS)}",
            list(CELLS),
            [
                number
                for kind in KINDS
                for number in _numbers(study, f"cells.{kind}", _names(CELLS), f"{kind}.")
            ],
        ),
        Part(
            "Neurons without a connection",
            list(NEURONS),
            _numbers(study, "cells.sgn", _names(NEURONS)),
            "connected is the share of inner hair cells alive and of synapses intact or injured, against those at "
            "first; what starves adds to the loss of neurons",
        ),
        Part("Stria vascularis", list(STRIA), _numbers(study, "cells.stria", _names(STRIA))),
        Part(
            "Thresholds",
            list(THRESHOLDS),
            [
                number
                for kind in ("ohc", "ihc", "stria")
                for number in _numbers(study, f"cells.{kind}", _names(THRESHOLDS), f"{kind}.", plain=False)
            ],
        ),
    ]
    return Equations(study.tables.title or study.name, parts)


def _entry(study: Study, shelf: str, name: str, shared: tuple[Equation, ...] = ()) -> Part:
    """What an entry's own formula says of it; one of a person's own may state none."""
    entry = study.catalog.get(shelf, name)
    own = list(getattr(entry.formula, "EQUATIONS", shared))
    note = "" if own else f"its formula is code, and states no equations: {entry.card.file}"
    stem = f"{shelf}.{name}"
    keys = {number.removeprefix(f"{stem}.") for number in study.parameters if number.startswith(f"{stem}.")}
    return Part(f"{shelf.removesuffix('s').capitalize()} {name}", own, _numbers(study, stem, keys), note)


def _carried(study: Study) -> list[Part]:
    """What is carried through fluids and tissues is no equation of one place."""
    solutes = sorted({name.split(".")[1] for name in study.parameters if name.startswith("solutes.")})
    if not solutes:
        return []
    note = (
        f"{', '.join(solutes)}: diffusion along the scalae, flow, and exchange between fluids and tissues, in some "
        "forty compartments; docs/model.md states them"
    )
    numbers = [n for solute in solutes for n in _numbers(study, f"solutes.{solute}", None, f"{solute}.")]
    return [Part("What is carried", [], numbers, note)]


def _names(equations: tuple[Equation, ...]) -> set[str]:
    """Every name on a right side."""
    text = " ".join(equation.right for equation in equations)
    return set("".join(letter if letter.isalnum() or letter in "._" else " " for letter in text).split())


def _numbers(
    study: Study, stem: str, keys: set[str] | None, prefix: str = "", plain: bool = True
) -> list[Quantity]:
    """The numbers of an entry that equations name; all of them without ``keys``.

    ``prefix``  of their symbols;  ``plain``  whether equations name them without it
    """
    rows = []
    for name, p in study.parameters.items():
        key = name.removeprefix(f"{stem}.")
        if name.startswith(f"{stem}.") and (keys is None or (key if plain else prefix + key) in keys):
            rows.append(Quantity(prefix + key, name, p.meaning, p.value, p.low, p.high, p.unit))
    return rows
