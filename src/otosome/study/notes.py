"""What a reader of a study should know though nothing is wrong with it, in sentences."""

from __future__ import annotations

from dataclasses import replace

from otosome.study.study import Study
from otosome.study.tables import SampleUse
from otosome.study.tolerance import tolerated


def with_notes(study: Study) -> Study:
    """The study with what is to be said of its arms, its operations, volumes, pumps, samples and animals."""
    parts = (_alike, _cautions, _operations, _volumes, _pumps, _samples, _animals, tolerated)
    notes = dict.fromkeys(note for part in parts for note in part(study))
    return replace(study, notes=(*study.notes, *notes))


def _alike(study: Study) -> list[str]:
    """A comparison of two arms that are given the same."""
    compare = study.tables.compare
    if compare is None or not study.alike(compare.of, compare.against):
        return []
    return [
        f"The arms “{compare.of}” and “{compare.against}” are given the same here, so no simulation tells them apart "
        "and nothing is compared: state what differs between them."
    ]


def _cautions(study: Study) -> list[str]:
    """What is known of the drugs beyond the ear and not computed, where they are given for what they do to cells."""
    drugs = dict.fromkeys(use.solute for use in study.tables.drug.values() if study.measures_cells)
    cautions = {name: study.catalog.get("solutes", name).options.caution for name in drugs}
    return [f"{name}: {caution}" for name, caution in cautions.items() if caution]


def _operations(study: Study) -> list[str]:
    """The arms whose ear is opened for a treatment without the injury of opening it."""
    notes = []
    for arm in study.tables.arm:
        if any(study.is_event(use) for use in study.suffered(arm)):
            continue
        routes = [("vesicles", study.tables.treatment[name].route) for name in arm.treatments]
        if study.measures_cells:
            routes += [(study.tables.drug[name].solute, study.tables.drug[name].route) for name in arm.drugs]
        for what, route in routes:
            opens = study.catalog.get("routes", route).options.opens
            if opens is not None:
                notes.append(
                    f"The arm “{arm.name}” is given {what} by {route}, which takes an operation, but "
                    f"no injury by it: add an insult such as {opens} to count that."
                )
    return notes


def _animals(study: Study) -> list[str]:
    """Animals of no strain where some strains are known, and runs that are not known where runs differ."""
    notes, species = [], study.tables.species
    strains = study.catalog.strains(species)
    if study.tables.strain is None and strains:
        notes.append(
            f"No strain is named: the animals are a mixture of strains, so the uncertainty is wider. Strains on "
            f"the shelf: {', '.join(strains)}."
        )
    if study.tables.cohort is None and any(number.runs for number in study.parameters.values()):
        notes.append(
            "No [cohort] states which animals were exposed together, so each counts as an exposure run of its own. "
            "If there were only a few runs, the experiment is less certain than its number of animals suggests."
        )
    return notes


def _volumes(study: Study) -> list[str]:
    """The single injections of more than all perilymph, or more than any middle ear holds."""
    notes = []
    for table, name, route, volume in _injected(study):
        entry = study.catalog.get("routes", route)
        if entry.options.outlet is not None and volume > study.perilymph:
            times = volume / study.perilymph
            notes.append(
                f"The {table} “{name}” injects {volume:g} uL at a time, {times:.{0 if times > 10 else 1}f} times all "
                f"the perilymph of the ear ({study.perilymph:.3g} uL, both scalae, vestibule and canals): most of it "
                "only washes through, and what such a pressure does to the ear is not counted."
            )
        if "capacity" in entry.card.parameters:
            room = study.parameters[f"routes.{route}.capacity"]
            if volume > room.high:
                notes.append(
                    f"The {table} “{name}” gives {volume:g} uL at a time, and the middle ear holds {room.value:g} "
                    f"({room.low:g} to {room.high:g}) uL: the rest is taken as spilt."
                )
    return notes


def _injected(study: Study) -> list[tuple[str, str, str, float]]:
    """Table, name, route and volume, uL, of every treatment, and of every drug that states its volume."""
    treatments = [("treatment", n, use.route, float(use.volume)) for n, use in study.tables.treatment.items()]
    drugs = [
        ("drug", n, u.route, float(u.volume)) for n, u in study.tables.drug.items() if u.volume is not None
    ]
    return [*treatments, *drugs]


def _pumps(study: Study) -> list[str]:
    """The pumps that drive in more than the aqueduct lets out."""
    species = study.tables.species
    most = study.parameters[f"species.{species}.aqueduct_outflow"]
    notes = []
    for name, use in study.tables.drug.items():
        options = study.catalog.get("routes", use.route).options
        if (
            options.outlet is None
            or (use.outlet or options.outlet) != "aqueduct"
            or not use.span
            or not use.fluid
        ):
            continue
        rate = use.fluid / use.span
        if rate > most.value:
            notes.append(
                f"The drug “{name}” is driven in at {rate:.3g} uL/h, and the aqueduct of a {species} lets "
                f"{most.value:g} ({most.low:g} to {most.high:g}) uL/h through at the pressure of cerebrospinal fluid: "
                "pressure rises, perilymph may leave elsewhere, and neither is counted. A vent is another outlet."
            )
    return notes


def _samples(study: Study) -> list[str]:
    """The samples that together are more than all perilymph, and those that all later curves and readings lack."""
    uses = study.tables.sample.items()
    notes = [
        f"The sample “{name}” draws {use.number} times {use.volume} where all perilymph is {study.perilymph:.3g} uL: "
        "the last of it is cerebrospinal fluid."
        for name, use in uses
        if use.number * float(use.volume) > study.perilymph
    ]
    drawn = [(name, use) for name, use in uses if use.animals is None]
    if drawn:
        notes.append(
            f"Every ear gives {' and '.join(_drawn(name, use) for name, use in drawn)}, and goes on without it: later "
            "samples, curves and cells are of ears that were drawn from. Where each sample was of an animal of its "
            'own, write animals = "each" in it.'
        )
    return notes


def _drawn(name: str, use: SampleUse) -> str:
    """What a sample takes, in words."""
    often = f"{use.number} times " if use.number > 1 else ""
    return f"the sample “{name}” ({often}{use.volume} at {', '.join(moment.text for moment in use.at)})"
