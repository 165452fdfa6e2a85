"""The delivery ledger: where all that is given goes, what limits it, and which measurement would narrow it most."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from otosome.answers.numbers import interval, number, share, significant
from otosome.ears import Ears
from otosome.errors import BadInput
from otosome.evidence import Parameter
from otosome.forward import Carried, Cochleae, Fate, best, draw, plan, through
from otosome.model.transport import Transported
from otosome.study import Arm, Study
from otosome.trials.answer import DesignAnswer
from otosome.trials.plan import Estimand, Line, Part, Plan
from otosome.units import Array

VESICLES = "vesicles"
# What becomes of what is given, by the compartments and fates of transport that it is the sum of.
DESTINATIONS: Mapping[str, tuple[str, ...]] = {
    "into cells of the organ of Corti": ("organ_of_corti_inside", "degraded_organ_of_corti"),
    "into cells of the lateral wall": ("lateral_wall_inside", "degraded_lateral_wall"),
    "into cells of Rosenthal's canal": ("rosenthals_canal_inside", "degraded_rosenthals_canal"),
    "left the middle ear, swallowed": ("cleared_middle_ear",),
    "left with cerebrospinal fluid": ("cleared_cerebrospinal_fluid",),
    "taken from blood by the body": ("eliminated",),
    "broken down in fluids": ("reacted",),
    "spilt, or never reached the body": ("lost",),
    "out through a vent, or in a sample": ("vented", "sampled"),
}
STILL = "still in fluids and tissues"
# Shelves whose numbers decide where a dose goes, and how many of them are shown.
_CARRYING, _SHOWN = ("solutes", "routes", "species", "batches"), 8
_LEAST = 1e-300


@dataclass(frozen=True)
class Narrowing:
    """A number at its 5 and 95 %, what of a dose meets its target there, and the cheapest way to measure it.

    ``part``         of all squared movement of the logarithm, 0 to 1
    ``measurement``  entry of the shelf, empty where none measures it
    """

    parameter: Parameter
    at_low: float
    at_high: float
    part: float
    measurement: str


def ledger(
    study: Study, subjects: int, seed: int, workers: int, prior: Ears | None = None
) -> tuple[DesignAnswer, list[dict[str, object]]]:
    """Where what an arm is given goes, as a plan, and its rows; raises BadInput for a study that gives nothing.

    ``prior``  draws of a fit, whose numbers the study states
    """
    arm = arm_of(study)
    shares = destinations(study, arm, subjects, seed, workers, prior)
    narrowed = {solute: narrowings(study, arm, solute, workers) for solute in shares}
    parts = [part for solute in shares for part in _parts(study, solute, shares[solute], narrowed[solute])]
    rows = [_row(solute, place, values) for solute in shares for place, values in shares[solute].items()]
    first = next(iter(shares))
    whole = Plan(
        _headline(study, arm, first, shares[first], narrowed[first]),
        {"ears": subjects},
        tuple(parts),
        (),
        Estimand(
            population=f"ears of the study {study.tables.title or study.name}",
            treatments=f"what the arm “{arm.name}” is given",
            variable="share of all that is given until the end of the study",
            intercurrent="none is simulated",
            summary="median, 5 and 95 % over ears, all that is not known included",
        ),
        "Every dose is followed to the end of the study, and its parts sum to what was given. For each number that is "
        "not known the exposure of the target, its concentration over time for each unit of the dose, is computed at "
        "the number's 5 and 95 % with all others at their best value; the part is of all squared movement of its "
        "logarithm.",
    )
    title = f"Delivery ledger: {study.tables.title or study.name}"
    return DesignAnswer(study.name, title, "ledger", whole, study.notes), rows


def arm_of(study: Study) -> Arm:
    """The compared arm if it is given something, else the first that is; raises BadInput where none is."""
    compared = study.tables.compare
    arms = [*([study.arm(compared.of)] if compared is not None else []), *study.tables.arm]
    for arm in arms:
        if arm.treatments or arm.drugs or any(study.tables.device[n].batch is not None for n in arm.devices):
            return arm
    raise BadInput("gives neither vesicles nor a drug to follow", file=study.name, key="arm")


def _solutions(fate: Fate) -> dict[str, Transported]:
    """Solutions of transport by what was given."""
    own = {} if fate.vesicles is None else {VESICLES: fate.vesicles}
    named = {drug.drug.solute for drug in fate.arm.drugs if drug.table == "drug"}
    return own | {solute: run for solute, run in fate.drugs.items() if solute in named}


def destinations(
    study: Study, arm: Arm, subjects: int, seed: int, workers: int, prior: Ears | None = None
) -> dict[str, dict[str, Array]]:
    """Share of what was given by solute and destination, each (ear,); the shares of a solute sum to one."""
    chain = plan(study, [arm.name])

    def work(ears: Cochleae) -> dict[str, Array]:
        return {
            f"{solute}/{place}": values
            for solute, run in _solutions(Fate(ears, chain.arms[0])).items()
            for place, values in gone(run).items()
        }

    ears = draw(study, subjects, seed=seed, world=min(2, subjects), prior=prior)
    by_solute: dict[str, dict[str, Array]] = {}
    for key, values in through(chain, ears, work, workers).items():
        solute, _, place = key.partition("/")
        by_solute.setdefault(solute, {})[place] = values
    return by_solute


def gone(run: Transported) -> dict[str, Array]:
    """Share of a dose by destination, each (ear,), all size classes together."""
    dose = run.dose.sum(axis=0)
    amounts = {name: values.sum(axis=0) for name, values in run.ledger.items()}
    known = {
        place: sum((amounts.pop(name) for name in names if name in amounts), np.zeros_like(dose))
        for place, names in DESTINATIONS.items()
    }
    known[STILL] = sum(amounts.values(), np.zeros_like(dose))
    return {
        place: np.divide(values, dose, out=np.zeros_like(dose), where=dose > 0)
        for place, values in known.items()
    }


def target_of(solute: str) -> str:
    """Where what is given is to go: vesicles to the organ of Corti, a drug to the fluid it is measured in."""
    return "organ_of_corti" if solute == VESICLES else "scala_tympani"


def narrowings(study: Study, arm: Arm, solute: str, workers: int) -> list[Narrowing]:
    """Numbers by how far they move what of a dose meets its target, those that move it most first."""
    chain = plan(study, [arm.name], growth=1.3)
    unknown = [p for p in study.parameters.values() if p.low < p.high and p.name.split(".")[0] in _CARRYING]
    table = {name: np.repeat(column, 2 * len(unknown)) for name, column in best(study).items()}
    for place, parameter in enumerate(unknown):
        table[parameter.name][2 * place : 2 * place + 2] = parameter.ends()
    reached = through(chain, table, _exposure(solute), workers, carried=Carried())["exposure"]
    ends = np.maximum(reached.reshape(-1, 2), _LEAST)
    moved = np.log(ends[:, 1] / ends[:, 0]) ** 2
    parts = moved / moved.sum() if moved.sum() > 0 else moved
    cheapest = measurements(study)
    rows = [
        Narrowing(p, float(low), float(high), float(part), cheapest.get(p.name.rpartition(".")[2], ""))
        for p, (low, high), part in zip(unknown, ends, parts, strict=True)
    ]
    return sorted(rows, key=lambda row: -row.part)[:_SHOWN]


def _exposure(solute: str) -> Callable[[Cochleae], dict[str, Array]]:
    def work(ears: Cochleae) -> dict[str, Array]:
        run = _solutions(Fate(ears, ears.plan.arms[0]))[solute]
        values = run.concentration[target_of(solute)].sum(axis=0).mean(axis=-1)
        pieces = 0.5 * (values[:, 1:] + values[:, :-1]) * np.diff(ears.plan.knots)
        return {"exposure": pieces.sum(axis=1) / run.dose.sum(axis=0)}

    return work


def measurements(study: Study) -> dict[str, str]:
    """The cheapest entry of the shelf that measures a number, by the number's key: fewest days, then fewest animals."""
    entries = [study.catalog.get("measurements", name) for name in study.catalog.names("measurements")]
    order = sorted(entries, key=lambda entry: (entry.options.days, entry.options.animals), reverse=True)
    return {key: entry.name for entry in order for key in entry.options.numbers}


def _parts(
    study: Study, solute: str, shares: Mapping[str, Array], narrowed: list[Narrowing]
) -> tuple[Part, Part]:
    where = target_of(solute).replace("organ_of_corti", "organ of Corti").replace("_", " ")
    places = sorted((p for p in shares if shares[p].max() > 0), key=lambda p: -float(np.median(shares[p])))
    lines = tuple(_share(place, shares[place]) for place in places)
    rows = tuple(_line(study, row) for row in narrowed if row.part > 0)
    words = "vesicles go" if solute == VESICLES else f"{solute.replace('_', ' ')} goes"
    return Part(f"Where {words}", lines), Part(f"What would narrow how much meets the {where}", rows)


def _share(place: str, values: Array) -> Line:
    own = significant(100.0 * values, "%")
    return Line(place, own.median, "%", own.text)


def _line(study: Study, row: Narrowing) -> Line:
    factor = max(row.at_high, row.at_low) / min(row.at_high, row.at_low)
    p = row.parameter
    measured = "no measurement on the shelf"
    if row.measurement:
        entry = study.catalog.get("measurements", row.measurement)
        days, animals = entry.options.days, entry.options.animals
        measured = f"{entry.card.about.rstrip('.')} ({animals} animals, {days:g} days, assumed)"
    text = (
        f"{share(row.part).text} of the movement, {number(factor, 2)}-fold from {number(p.low, 2)} to "
        f"{number(p.high, 2)} {p.unit} ({p.basis}); cheapest: {measured}"
    )
    return Line(f"{p.meaning} ({p.name})", row.part, "", text)


def _headline(
    study: Study, arm: Arm, solute: str, shares: Mapping[str, Array], narrowed: list[Narrowing]
) -> str:
    target = "into cells of the organ of Corti" if solute == VESICLES else STILL
    limits = max((p for p in shares if p != target), key=lambda p: float(np.median(shares[p])))
    routes = sorted({study.tables.treatment[n].route for n in arm.treatments})
    routes = routes or sorted({study.tables.drug[n].route for n in arm.drugs}) or ["a device"]
    first = (
        narrowed[0].parameter.meaning if narrowed and narrowed[0].part > 0 else "no number that is not known"
    )
    return (
        f"Of {solute.replace('_', ' ')} given by {', '.join(routes).replace('_', ' ')} to a "
        f"{study.tables.species.replace('_', ' ')}, "
        f"{significant(100.0 * shares[target], '%').text} end {target}. The most, "
        f"{interval(100.0 * shares[limits], '%').text}, end otherwise: {limits}. What would narrow it most: {first}."
    )


def _row(solute: str, place: str, values: Array) -> dict[str, object]:
    low, median, high = (float(q) for q in np.quantile(values, [0.05, 0.5, 0.95]))
    return {"solute": solute, "place": place, "low": low, "median": median, "high": high}
