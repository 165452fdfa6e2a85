"""Numbers of transport that one published figure each fixes: supply from blood, and what passes barriers.

The figure (a reading of a case, or a ratio of two) moves with its number while all else that is not known is
drawn. Its logarithm is regressed on the deviates of all else, and the number moved until neither its middle nor any
deviate moves the figure: so it is linked to them, and what is drawn meets the figure within its error. A figure
whose error was not printed is given 25 % (a ratio of means of six) or 30 % (a median of twelve).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from otosome.catalog import Catalog, get
from otosome.evidence import Parameter, uniforms
from otosome.review.qualification.bench import Bench, Terms
from otosome.review.qualification.case import Case, cases
from otosome.units import Array, convert, house
from tools.calibrations.weigh import FAINTEST, Z95, Row, regressed, rounded, show, write

DRAWS, SEED, ROUNDS, STEP = 240, 7, 3, 0.1


@dataclass(frozen=True)
class Aim:
    """A number, the species it is of, the rows that fix it, and the error of their logarithm where none is printed.

    ``even``  whether the number itself is normal (it enters through an exponential); else its logarithm is
    """

    number: str
    species: str
    case: str
    rows: tuple[str, ...]
    error: float
    because: str
    even: bool = False


AIMS = (
    Aim(
        "species.guinea_pig.supply_fall", "guinea_pig", "pk_c31", ("pk:C31",), 0.25,
        "Fourfold more cisplatin at the base than at the apex ten minutes after a bolus. What was aspirated was not "
        "read, and flow of blood was not measured: a fall in one constant is the simplest that gives it.", even=True,
    ),
    Aim(
        "species.human.window_factor", "human", "pk_c10", ("pk:C10",), 0.0,
        "Methylprednisolone through the eardrum of people. Whether the membrane is tighter, is covered, or is hardly "
        "wetted, one median does not tell: the factor stands for all of it.",
    ),
    Aim(
        "solutes.methylprednisolone.blood_partition", "human", "pk_c10", ("pk:C10.vein_low", "pk:C10.vein_high"), 0.0,
        "Plasma was not stated there and is this shelf's, so the number stands for it too.",
    ),
    Aim(
        "solutes.dexamethasone.middle_ear_absorbed", "human", "pk_c33", ("pk:C33.plasma",), 0.3,
        "Dexamethasone in plasma of people after it was given through the eardrum; the rest is swallowed.",
    ),
)  # fmt: skip


def parameter(aim: Aim) -> Parameter:
    """The number as its shelf has it."""
    shelf, entry, key = aim.number.split(".")
    return get(shelf, entry).card.parameter(key, aim.species)


def found(aim: Aim, values: Array) -> Array:
    """The logarithm of what is simulated over what was measured, with these values of the number; shape (draw,)."""
    entry = get("cases", aim.case)
    bench = Bench(Terms(Catalog(), DRAWS, SEED), entry, 1, pinned={aim.number: values})
    chosen = published(aim)
    made = bench.replicate(chosen)
    off = [np.log(made[case.id] / convert(case.value or 0.0, case.unit, house(case.unit))) for case in chosen]
    weight = np.array([error(aim, case) ** -2 for case in chosen])
    return np.asarray(np.average(off, axis=0, weights=weight))


def deviates(aim: Aim) -> dict[str, Array]:
    """Own deviates of all else that is drawn, by name, shape (draw,)."""
    bench = Bench(Terms(Catalog(), 2, SEED), get("cases", aim.case), 1)
    drawn = [p.name for p in bench.parameters.values() if p.shape != "fixed" and p.name != aim.number]
    return {name: ndtri(uniforms(SEED, f"{name}/world", 0, DRAWS)) for name in drawn}


def published(aim: Aim) -> list[Case]:
    """The rows that fix it."""
    return [case for case in cases(get("cases", aim.case)) if case.id in aim.rows]


def error(aim: Aim, case: Case) -> float:
    """Standard error of a figure's logarithm: from the range of its ears, else the aim's own."""
    return case.doubt if case.ranged else aim.error


def calibrated(aim: Aim) -> Row:
    """The row of a number: where its figure is met, its range, and what it is linked to."""
    known, beside = parameter(aim), deviates(aim)
    matrix = np.array(list(beside.values()))

    def at(middle: float, moved: Array) -> Array:
        scaled = middle + moved @ matrix
        return found(aim, scaled if aim.even else np.exp(scaled))

    middle, moved, rise = known.value if aim.even else float(np.log(known.value)), np.zeros(len(beside)), 1.0
    for _ in range(ROUNDS):
        plane = regressed(at(middle, moved), matrix)
        rise = (regressed(at(middle + STEP, moved), matrix)[0] - plane[0]) / STEP
        middle, moved = middle - plane[0] / rise, moved - plane[1:] / rise
    errors = np.array([error(aim, case) for case in published(aim)])
    spread = float(np.hypot(np.sum(errors**-2.0) ** -0.5 / rise, np.linalg.norm(moved)))
    ends = np.array([middle, middle - Z95 * spread, middle + Z95 * spread])
    ends = ends if aim.even else np.exp(ends)
    texts = {
        k: f"{rounded(v)} {known.unit}".strip() for k, v in zip(("value", "low", "high"), ends, strict=True)
    }
    shares = {n: round(float(m / spread), 2) for n, m in zip(beside, moved, strict=True)}
    source = published(aim)[0]
    return texts | {
        "shape": "normal" if aim.even else "lognormal", "basis": "computed", "source": source.source,
        "locator": f"tools/calibrations/passage.py; {source.locator}",
        "because": f"Calibrated on {' and '.join(aim.rows)}; used, hence no evidence. {aim.because} "
        "Linked to the numbers that move the figure.",
        "linked": {name: share for name, share in shares.items() if abs(share) >= FAINTEST},
    }  # fmt: skip


def proposed(*numbers: str) -> dict[str, Row]:
    """The rows of some numbers, of all by default."""
    chosen = [aim for aim in AIMS if not numbers or aim.number in numbers]
    return {aim.number: calibrated(aim) for aim in chosen}


def main() -> None:
    """Calibrate, print, and with ``--write`` put the rows on their shelves; once more, and they rest on each other."""
    rows = proposed(*(word for word in sys.argv[1:] if word != "--write"))
    print(show(rows))
    if "--write" in sys.argv[1:]:
        write(rows)


if __name__ == "__main__":
    main()
