"""What of a drug in plasma gets into perilymph and endolymph, by pk:C16 (gentamicin, rat).

Each figure is met by one number in the ear of best values: plasma by what is lost from it, perilymph over plasma by
the partition between them, endolymph over perilymph by its own. All three are proportional, so there is nothing to
search. The range is the figure's own error with all else held, the 10 % that were allowed, as no spread was read: what
else is not known is drawn beside it, and so is in what is simulated.
"""

from __future__ import annotations

import sys

import numpy as np

from otosome.catalog import Catalog, get
from otosome.review.qualification.bench import Bench, Terms
from otosome.review.qualification.case import cases
from tools.calibrations.weigh import Z95, rounded, show, write

ALLOWED = 0.10
USED = "used, hence no evidence. The range is the figure's error with all else held"
Text = dict[str, str]


def simulated(name: str) -> dict[str, float]:
    """A case's rows in the ear of best values, house units."""
    bench = Bench(Terms(Catalog()), get("cases", name), 1, drawn=False)
    return {row: float(values[0]) for row, values in bench.replicate().items()}


def gentamicin() -> dict[str, Text]:
    """Clearance from plasma and both partitions, in the rat."""
    found, figure = (
        simulated("pk_c16"),
        {case.id: case.value for case in cases(get("cases", "pk_c16"))},
    )

    def off(row: str, over: str = "") -> float:
        """What a published figure, or the quotient of two, is of the simulated one."""
        # mg/L in ug/uL: a thousandth, which cancels in a quotient.
        wanted, got = (figure[row] or 0.0) * 1e-3, found[row]
        return wanted / got if not over else off(row) / off(over)

    quotients = {
        "plasma_clearance": 1.0 / off("pk:C16"),
        "blood_partition": off("pk:C16.perilymph", "pk:C16"),
        "media_partition": off("pk:C16.endolymph", "pk:C16.perilymph"),
    }
    said = {
        "locator": "tools/calibrations/blood.py; abstract: 25.8 ug/mL in plasma, 5.1 in perilymph and 1.2 in endolymph "
        "after six days of 15 ug/min",
        "because": f"Calibrated on pk:C16; {USED}; 10 % are allowed, as no spread was read.",
    }
    return {
        f"solutes.gentamicin.{key}.rat": row(
            "gentamicin", key, "rat", quotient, ALLOWED, "tran_ba_huy_1981", said
        )
        for key, quotient in quotients.items()
    }


def row(solute: str, key: str, species: str, quotient: float, error: float, source: str, said: Text) -> Text:
    """A row of a shelf: the best value times ``quotient``, and 5 and 95 % from the error of its logarithm."""
    known = get("solutes", solute).card.parameter(key, species)
    factor = float(np.exp(Z95 * error))
    ends = {"value": 1.0, "low": 1.0 / factor, "high": factor}
    numbers = {k: f"{rounded(known.value * quotient * f)} {known.unit}".strip() for k, f in ends.items()}
    return {**numbers, "shape": "lognormal", "basis": "computed", "source": source, **said}


def main() -> None:
    """Calibrate, print, and with ``--write`` put the rows on their shelves."""
    proposed = gentamicin()
    print(show(proposed))
    if "--write" in sys.argv[1:]:
        write(proposed)


if __name__ == "__main__":
    main()
