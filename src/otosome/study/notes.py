"""What a reader of a study should know though nothing is wrong with it, in sentences."""

from __future__ import annotations

from dataclasses import replace

from otosome.study.study import Study


def with_notes(study: Study) -> Study:
    """The study with what is to be said of its arms, its operations, its volumes and its animals."""
    notes = dict.fromkeys([*_alike(study), *_operations(study), *_volumes(study), *_animals(study)])
    return replace(study, notes=(*study.notes, *notes))


def _alike(study: Study) -> list[str]:
    """A comparison of two arms that are given the same."""
    asked = study.tables.compare
    if asked is None or not study.alike(asked.of, asked.against):
        return []
    return [
        f"The arms “{asked.of}” and “{asked.against}” are given the same here, so no simulation tells them apart and "
        "nothing is compared: state what differs between them."
    ]


def _operations(study: Study) -> list[str]:
    """The arms whose ear is opened for a treatment without the injury of opening it."""
    notes = []
    for arm in study.tables.arm:
        if any(study.is_event(use) for use in study.suffered(arm)):
            continue
        for name in arm.treatments:
            route = study.tables.treatment[name].route
            opens = study.catalog.get("routes", route).options.opens
            if opens is not None:
                notes.append(
                    f"The arm “{arm.name}” is treated by {route}, which takes an operation, and suffers "
                    f"nothing by it: add an insult such as {opens} to count its injury."
                )
    return notes


def _animals(study: Study) -> list[str]:
    """Animals of no strain where some strains are known, and runs that are not known where runs differ."""
    notes, species = [], study.tables.species
    strains = study.catalog.strains(species)
    if study.tables.strain is None and strains:
        notes.append(
            f"No strain is named: the animals are a mixture of strains, so what is not known of them is wider. Strains "
            f"there are: {', '.join(strains)}."
        )
    if study.tables.cohort is None and any(number.runs for number in study.parameters.values()):
        notes.append(
            "No [cohort] says which animals were exposed together: each is taken as a run of its own, and the spread "
            "between runs is not split from that between animals. An experiment of few runs is less sure than so many "
            "animals look."
        )
    return notes


def _volumes(study: Study) -> list[str]:
    """The single injections of more than all perilymph, or more than any middle ear holds."""
    notes = []
    for name, treatment in study.tables.treatment.items():
        entry, volume = study.catalog.get("routes", treatment.route), float(treatment.volume)
        if entry.options.outlet is not None and volume > study.perilymph:
            times = volume / study.perilymph
            notes.append(
                f"The treatment “{name}” injects {volume:g} uL at a time, {times:.{0 if times > 10 else 1}f} times all "
                f"the perilymph of the ear ({study.perilymph:.3g} uL, both scalae, vestibule and canals): most of it "
                "only washes through, and what such a pressure does to the ear is not counted."
            )
        if "capacity" in entry.card.parameters:
            room = study.parameters[f"routes.{treatment.route}.capacity"]
            if volume > room.high:
                notes.append(
                    f"The treatment “{name}” gives {volume:g} uL at a time, and the middle ear holds {room.value:g} "
                    f"({room.low:g} to {room.high:g}) uL: the rest is taken as spilt."
                )
    return notes
