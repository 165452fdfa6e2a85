"""What a body bears: doses, volumes and noise beyond it are refused, what kills about half is said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from otosome.catalog import Entry
from otosome.errors import BadInput, at
from otosome.evidence import Parameter
from otosome.roles import ToleranceOptions
from otosome.study.study import Study
from otosome.study.tables.arms import Arm
from otosome.study.tables.drugs import DrugUse
from otosome.study.tables.exposures import InsultUse

SHELF: Final = "tolerances"
FLUID, NOISE = "fluid", "noise"
_DAY = 24.0
# Between the dose that kills half and the one that kills nearly all there is seldom more than a factor of two or three.
_BEYOND = 3.0


@dataclass(frozen=True)
class Load:
    """What one table of a study lays on a body: of what, by which route, how much each time, and when.

    ``each``  ug/kg of a solute, uL/kg of fluid; of noise hours at its level
    """

    table: str
    key: str
    of: str
    route: str
    text: str
    each: float
    starts: tuple[float, ...]
    level: float = 0.0


@dataclass(frozen=True)
class Course:
    """Loads of one kind that fall on one body, each with the number that says what is borne of it."""

    loads: tuple[Load, ...]
    entries: tuple[Entry[ToleranceOptions, object], ...]
    ratio: float

    @property
    def text(self) -> str:
        """What is given, table by table."""
        return " with ".join(load.text for load in self.loads)

    @property
    def limit(self) -> str:
        """What is borne, by each number once."""
        return " and ".join(dict.fromkeys(_words(entry) for entry in self.entries))


Borne = tuple[Load, Entry[ToleranceOptions, object]]


def check_tolerated(study: Study) -> None:
    """Refuse what no animal or person of the study would live through; raises BadInput with the limit and its entry."""
    for course in _courses(study):
        if course.ratio > _BEYOND:
            species = study.tables.species.replace("_", " ")
            with at(key=" and ".join(load.table for load in course.loads)):
                raise BadInput(
                    f"would kill the {'person' if species == 'human' else species}",
                    key=course.loads[0].key,
                    given=course.text,
                    allowed=f"up to {_BEYOND:.0f} times {course.limit}, in a day",
                    cure="check the unit",
                )


def tolerated(study: Study) -> list[str]:
    """What comes near to killing, in sentences: a simulation counts no deaths."""
    near = [course for course in _courses(study) if course.ratio >= 1.0]
    alone = {course.loads[0].table for course in near if len(course.loads) == 1}
    notes = []
    for course in near:
        tables = [load.table for load in course.loads]
        if len(tables) == 1 or not alone & set(tables):
            names = " and ".join(f"the {table.replace('.', ' “')}”" for table in tables)
            comes = "comes" if len(tables) == 1 else "come together"
            notes.append(
                f"{names[0].upper()}{names[1:]} ({course.text}) {comes} to {course.ratio:.1f} times {course.limit} "
                "within a day: the ears simulated are survivors’, and no death is counted."
            )
    return notes


def _courses(study: Study) -> Iterator[Course]:
    """Each load by itself, then what an arm has of one kind from several tables."""
    known = [(load, entry) for load in _loads(study) if (entry := _tolerance(study, load)) is not None]
    groups = [[pair] for pair in known]
    for arm in study.tables.arm:
        groups += [group for group in _of_an_arm(arm, known) if group not in groups]
    for group in groups:
        loads, entries = zip(*group, strict=True)
        yield Course(loads, entries, _in_a_day(study, group))


def _of_an_arm(arm: Arm, known: Sequence[Borne]) -> list[list[Borne]]:
    """What an arm has of each kind, where several tables bring it."""
    own = (("insult", arm.insults), ("drug", arm.drugs), ("treatment", arm.treatments))
    tables = {f"{table}.{name}" for table, names in own for name in names}
    kinds: dict[str, list[Borne]] = {}
    for pair in known:
        if pair[0].table in tables:
            kinds.setdefault(pair[0].of, []).append(pair)
    return [group for group in kinds.values() if len(group) > 1]


def _in_a_day(study: Study, group: Sequence[Borne]) -> float:
    """The most that falls within 24 h, as a multiple of what is borne: parts of what is borne add up."""
    shares = [(start, _ratio(study, load, entry)) for load, entry in group for start in load.starts]
    return max(sum(share for at, share in shares if start <= at < start + _DAY) for start, _ in shares)


def _words(entry: Entry[ToleranceOptions, object]) -> str:
    most = _number(entry, "most")
    return f"{most.meaning} ({most.given}; {SHELF}/{entry.card.stem})"


def _number(entry: Entry[ToleranceOptions, object], key: str) -> Parameter:
    return entry.card.parameter(key, "")


def _ratio(study: Study, load: Load, entry: Entry[ToleranceOptions, object]) -> float:
    """How many times what is borne one dose of a load is; of noise by the energy of its sound in a day."""
    most = _number(entry, "most")
    if load.of == NOISE:
        hours = min(load.each, _DAY)
        return float(10.0 ** ((load.level - most.value) / 10.0) * hours / _number(entry, "duration").value)
    surface = study.species.card.parameter("mass_per_surface", study.tables.species).value
    return load.each / (most.value / surface if most.unit == "ug/m2" else most.value)


def _tolerance(study: Study, load: Load) -> Entry[ToleranceOptions, object] | None:
    """The number of the same route and species, else of the route, else of the species, else of any: the largest."""
    entries = [entry for entry in _entries(study) if entry.options.of == load.of]
    species = study.tables.species

    def near(entry: Entry[ToleranceOptions, object]) -> tuple[bool, bool, float]:
        route = not entry.options.routes or load.route in entry.options.routes
        return (
            route,
            not entry.options.species or species in entry.options.species,
            -_ratio(study, load, entry),
        )

    return max(entries, key=near, default=None)


def _entries(study: Study) -> list[Entry[ToleranceOptions, object]]:
    return [study.catalog.get(SHELF, name) for name in study.catalog.names(SHELF)]


def _loads(study: Study) -> Iterator[Load]:
    """What is given and suffered: drugs, fluids and noise."""
    for name, insult in study.tables.insult.items():
        drug = insult.drug(study)
        if drug is not None:
            yield from _of_drug(study, f"insult.{name}", drug)
        if insult.level is not None and insult.duration is not None:
            yield _of_noise(f"insult.{name}", insult)
    for name, drug in study.tables.drug.items():
        yield from _of_drug(study, f"drug.{name}", drug)
    for name, treatment in study.tables.treatment.items():
        fluid, text = float(treatment.volume), treatment.volume.text
        yield _of_fluid(study, f"treatment.{name}", treatment.route, fluid, text, treatment.at)


def _of_noise(table: str, insult: InsultUse) -> Load:
    assert insult.level is not None  # both: _loads
    assert insult.duration is not None
    text = f"{insult.level.text} for {insult.duration.text}"
    starts = tuple(float(start) for start in insult.at)
    return Load(table, "level", NOISE, "", text, float(insult.duration), starts, float(insult.level))


def _of_drug(study: Study, table: str, drug: DrugUse) -> Iterator[Load]:
    stated = drug.amount if drug.amount is not None else drug.concentration
    assert stated is not None  # it has the one or the other: check_dose
    key = "concentration" if drug.amount is None else "amount"
    starts = tuple(float(start) for start in drug.at)
    if any(entry.options.of == drug.solute for entry in _entries(study)):
        yield Load(table, key, drug.solute, drug.route, stated.text, _by_mass(study, drug), starts)
    if drug.fluid is not None:
        text = drug.volume.text if drug.volume is not None else f"{drug.fluid:g} uL"
        yield _of_fluid(study, table, drug.route, drug.fluid, text, drug.at)


def _of_fluid(
    study: Study, table: str, route: str, volume: float, text: str, starts: Sequence[float]
) -> Load:
    mass = _own(study, "body_mass")
    return Load(table, "volume", FLUID, route, text, volume / mass, tuple(float(start) for start in starts))


def _by_mass(study: Study, drug: DrugUse) -> float:
    """A dose of a drug, ug per kg of the species' mean body."""
    mass, surface = _own(study, "body_mass"), _own(study, "mass_per_surface")
    if drug.amount is not None:
        return float(drug.amount) / {"ug": mass, "ug/kg": 1.0, "ug/m2": surface}[drug.amount.unit]
    assert drug.concentration is not None  # it has the one or the other: check_dose
    assert drug.fluid is not None
    solute = study.catalog.get("solutes", drug.solute).card.parameter("molar_mass", study.tables.species)
    per_unit = solute.value if drug.concentration.unit == "uM" else 1.0
    return float(drug.concentration) * per_unit * drug.fluid / mass


def _own(study: Study, key: str) -> float:
    return study.species.card.parameter(key, study.tables.species).value
