"""Permeability of the guinea pig's round window to TMPA, weighed by pk:C03.

The round window lay under 2 mM for 90 min. Perilymph then held 330 uM (SE 52, 8 ears) at 1.4 mm from the
base and 15 uM (SD 33, 5 ears, so SE 15) at 7.5 mm; in the authors' own fit the steady base is some 40 times the
apex, read as 20 to 80 (5 to 95 %; the base is 1.4 mm, the apex the last place, and steady is 48 h). There is
one flow along the scala. The window's length is the shelf's 0.5 to 2 mm: it is drawn, like all else that is
not known of the ear and the tracer, and so is in the width of the result.

The permeabilities of the other solutes follow by their rule, the ratio of diffusion coefficients; their dispersions
by its inverse, since fluid that mixes all solutes alike is a larger multiple of a slower diffusion, and up to its
square, as where a solute is mixed by spreading across the flow (Taylor 1953), but no further than a vesicle's. To
vesicles, a hundred times slower, neither is carried. What the case says of flow (next to nothing) is printed and not
written: flow has evidence of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from otosome.catalog import get
from otosome.evidence import Parameter
from otosome.model.transport import (
    Anatomy,
    Flow,
    Grid,
    schedule,
    solve,
)
from otosome.units import (
    Array,
    convert,
    quantity,
    split,
)
from tools.calibrations.weigh import (
    Posterior,
    Row,
    as_drawn,
    link,
    met,
    near,
    prior,
    rounded,
    row,
    show,
    weigh,
    write,
)

SPECIES = "guinea_pig"
WINDOW = "solutes.tmpa.round_window_permeability"
FLOW = f"species.{SPECIES}.axial_flow"
DISPERSION = "solutes.tmpa.dispersion"
# 5 and 95 % of what was thought before: two decades, and for dispersion four, from nothing to far beyond diffusion.
FREE = {DISPERSION: ("0.01 ", "100 "), WINDOW: ("2e-6 cm/s", "2e-4 cm/s")}
# The high end of a vesicle's dispersion, which nothing bounds.
MOST = 100.0
PLACES = Grid(36, 2.5, 6)
DOSE, STEADY = 1.5, 48.0
# Solutes whose permeability is the tracer's, by diffusion; of large ones only the high end is: the tracer's value
# or, of vesicles, its own high end, times the ratio of a protein and of a 50-nm vesicle.
SMALL = ("cisplatin", "dexamethasone", "gadolinium", "gentamicin", "iohexol", "methylprednisolone")
LARGE = {"protein": ("value", 0.115), "dextran": ("value", 0.115), "vesicle": ("high", 0.013)}
STILL = ("body_mass", "stress_clearance", "place_spread", "middle_ear_half_time", "scala_media_area")


def priors() -> dict[str, Parameter]:
    """Every number that decides where the tracer goes, with its prior."""
    cards = (get("species", SPECIES).card, get("solutes", "tmpa").card)
    names = [f"{c.shelf}.{c.stem}.{key}" for c in cards for key in c.parameters if key not in STILL]
    known = {name: prior(name, SPECIES) for name in names}
    drawn = {name: p for name, p in known.items() if p.shape != "fixed"}
    return drawn | {name: prior(name, SPECIES, *ends) for name, ends in FREE.items()}


def figures(table: Mapping[str, Array]) -> dict[str, Array]:
    """Perilymph in uM at the two electrodes after 90 min, and the steady base over the steady apex."""
    subjects = next(iter(table.values())).size
    ear, tracer = get("species", SPECIES), get("solutes", "tmpa")
    known = {p.name: p.value for e in (ear, tracer) for p in e.parameters(SPECIES).values()}
    full = {name: np.full(subjects, value) for name, value in known.items()} | dict(table)
    profiles = {name: ear.card.profile(name, SPECIES) for name in ear.card.profiles}
    diffusion = tracer.columns(full, SPECIES)["diffusion"]
    anatomy = Anatomy.build(ear.columns(full, SPECIES), profiles, PLACES, diffusion)
    # So much fluid that it neither empties nor is cleared: an irrigation.
    anatomy = replace(anatomy, middle_ear_half_time=np.full(subjects, np.inf))
    volume = np.full(subjects, 1e6)
    irrigation = Flow("middle_ear", 0.0, 0.0, 2000.0 * volume[None], volume)
    knots = schedule([0.0, DOSE], STEADY, first=5e-3, growth=1.4)
    run = solve(anatomy, tracer.bind(full, SPECIES), [irrigation], knots, keep=("scala_tympani",))
    along = run.concentration["scala_tympani"][0]
    after = along[:, np.searchsorted(knots, DOSE)]
    distance = PLACES.place * anatomy.scala_tympani_length[:, None]

    def at(place: float, values: Array) -> Array:
        return np.array([np.interp(place, x, c) for x, c in zip(distance, values, strict=True)])

    ratio = at(1.4, along[:, -1]) / along[:, -1, -1]
    return {"1.4 mm": at(1.4, after), "7.5 mm": at(7.5, after), "base over apex": ratio}


def targets(table: Mapping[str, Array]) -> dict[str, Array]:
    """How well draws meet each of the three figures: log-likelihoods."""
    found = figures(table)
    ratio = near(np.log(found["base over apex"]), np.log(40.0), np.log(80.0 / 20.0) / (2 * 1.645))
    fits = {"1.4 mm": near(found["1.4 mm"], 330.0, 52.0), "7.5 mm": near(found["7.5 mm"], 15.0, 15.0)}
    return fits | {"base over apex": ratio}


def log_likelihood(table: Mapping[str, Array]) -> Array:
    """How well draws meet all of them."""
    return np.sum(list(targets(table).values()), axis=0)


def rows(posterior: Posterior) -> dict[str, Row]:
    """The rows the calibration proposes."""
    known, linked = priors(), link(posterior, list(FREE))
    said = {"source": "salt_ma_2001", "locator": "tools/calibrations/round_window.py"}
    used = "Calibrated on pk:C03; used, hence no evidence."
    impossible = (
        f"{used} The printed 1.9e-8 cm/s is impossible as a plain permeability: it would let 2.4e-12 mol through where "
        "the measured profile needs at least 2e-10 mol. Carrier salt, preservative and suction change it 2 to 15-fold "
        "(Mikulec 2008), outside this range."
    )
    mixing = f"{used} A small ion leaves little room for more than its own diffusion."
    window = row(linked, known[WINDOW], "cm/s", impossible, **said)
    mixed = row(linked, known[DISPERSION], "", mixing, **said)
    return {WINDOW: window, DISPERSION: mixed, **followers(window), **dispersed(mixed)}


def dispersed(tracer: Row) -> dict[str, Row]:
    """Dispersions of the other solutes but vesicles, by the inverse ratio of diffusion coefficients and its square."""
    found: dict[str, Row] = {}
    value, low, high = (float(tracer[key]) for key in ("value", "low", "high"))
    because = (
        "Fluid that mixes all solutes alike adds the more, against diffusion, the slower a solute diffuses; where "
        "spreading across the flow limits it, by the square (Taylor 1953). Calibrated for the tracer in guinea pigs, "
        "taken for other species as well."
    )
    diffusion = get("solutes", "tmpa").card.parameter("diffusion", SPECIES).value
    for name in (*SMALL, "protein", "dextran"):
        ratio = diffusion / get("solutes", name).card.parameter("diffusion", SPECIES).value
        found[f"solutes.{name}.dispersion"] = {
            "value": rounded(value * ratio), "low": rounded(low * ratio),
            "high": rounded(min(high * ratio**2, MOST)), "basis": "assumed", "scaled_from": "tmpa",
            "rule": f"x inverse ratio of diffusion coefficients ({ratio:.3g}); high end x its square, at most "
            f"{MOST:g}, rounded",
            "source": "salt_ma_2001", "because": because,
        }  # fmt: skip
    return found


def followers(window: Row) -> dict[str, Row]:
    """The rows that follow by the ratio of diffusion coefficients."""
    found: dict[str, Row] = {}
    tracer = get("solutes", "tmpa").card.parameter("diffusion", SPECIES).value
    for name in SMALL:
        old = get("solutes", name).card.parameter("round_window_permeability", SPECIES)
        ratio = get("solutes", name).card.parameter("diffusion", SPECIES).value / tracer
        value = scaled(str(window["value"]), ratio)
        # The range is wider than the tracer's and moves with the value.
        moved = quantity(value, old.unit) / old.value
        low, high = (_per_second(end * moved, old) for end in (old.low, old.high))
        rule = f"{window['value']} x ratio of diffusion coefficients ({ratio:.3g}), rounded"
        found[old.name] = _follows(old, rule, value, low, high)
    for name, (end, ratio) in LARGE.items():
        old = get("solutes", name).card.parameter("round_window_permeability", SPECIES)
        high = scaled(str(window[end]), ratio)
        middle = _per_second(float(np.sqrt(old.low * quantity(high, old.unit))), old)
        rule = f"high end: {window[end]} x ratio of diffusion coefficients ({ratio}); value: middle of the decades"
        found[old.name] = _follows(old, rule, middle, _per_second(old.low, old), high) | {
            "shape": "loguniform"
        }
    return found


def scaled(text: str, ratio: float) -> str:
    """A quantity times a ratio, as it stands on a shelf."""
    value, unit = split(text)
    return f"{rounded(value * ratio)} {unit}"


def _per_second(value: float, parameter: Parameter) -> str:
    return f"{rounded(convert(value, parameter.unit, 'cm/s'))} cm/s"


def _follows(old: Parameter, rule: str, value: str, low: str, high: str) -> Row:
    numbers: Row = {"value": value, "low": low, "high": high}
    linked = {"linked": dict(old.linked)} if old.linked else {}
    return {
        **numbers, "basis": "assumed", "scaled_from": "tmpa", "rule": rule, "source": "salt_ma_2001",
        "because": old.because, **linked,
    }  # fmt: skip


def main() -> None:
    """Calibrate, print, and with ``--write`` put the rows on their shelves."""
    known = priors()
    posterior = weigh(known, log_likelihood)
    proposed = rows(posterior)
    print(show(proposed))
    print(f"# {posterior.values[WINDOW].size} draws of {posterior.ancestors} ancestors")
    for name in (FLOW, f"species.{SPECIES}.round_window_extent"):
        print(f"# {name}: 5, 50 and 95 % {posterior.quantile(name).round(3)} (house units), not written")
    drawn = as_drawn(known, proposed)
    for title, table in (("as calibrated", posterior.values), ("as shelves draw the rows", drawn)):
        for name, values in figures(table).items():
            print(f"# {title}, {name}: 5, 50 and 95 %", np.quantile(values, [0.05, 0.5, 0.95]).round(1))
        print(f"# {title}, share that meets each:", {k: round(v, 2) for k, v in met(targets(table)).items()})
    if "--write" in sys.argv[1:]:
        write(proposed)


if __name__ == "__main__":
    main()
