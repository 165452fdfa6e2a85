"""The question: who, what harm, what treatment, what is measured, when.

A study file says it in TOML; this module reads, checks and writes it. The saved form is explicit: it holds
every number with its source, and re-runs the study whatever the shelves' numbers have become. Formulas and
curves stay on the shelves, so a study that used shelves of one's own needs them again.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from otosome import __version__
from otosome.catalog import Catalog, Entry
from otosome.evidence import BadInput, Card, Parameter, make_card, parse_toml, read_toml, without_source
from otosome.units import LEVELS, house, quantity, same_kind, split

STUDIES = Path(__file__).parent / "studies"
TEMPLATE = Path(__file__).parent / "templates" / "scenario.toml"
# A knot list for a longer study would outgrow memory; no published animal study is longer.
_LONGEST = 2 * 365 * 24.0
# Each moment takes some forty knots after it.
_MOST_MOMENTS = 500
# What a result holds beside its measures; a measure of such a name would be lost in it.
_TAKEN = (
    "arm", "subject", "time", "frequency", "place", "cell", "cells", "vesicles", "protein", "halved", "doubled",
    "time_error", "closure", "place_frequency", "place_distance",
)  # fmt: skip
_WIDEST = 20.0
_MEASURE_NAME = re.compile(r"\w[\w .+-]{0,59}")


def _of(*units: str, least: float = -math.inf, most: float = math.inf) -> AfterValidator:
    """Accept a quantity convertible to one of these units, within bounds in the house unit."""

    def check(text: str) -> str:
        value, given = split(text)
        if not any(same_kind(given, unit) for unit in units):
            raise ValueError(f"unit is {given!r}; expected one convertible to {' or '.join(units)}")
        if value < 0 <= least:
            raise ValueError("must not be negative")
        if not least <= quantity(text) <= most:
            raise ValueError(f"must lie from {least:g} to {most:g} {house(given)}")
        return text

    return AfterValidator(check)


# Bounds far beyond any laboratory: what lies outside them is a slip, and numbers there can no longer be computed.
Moment = Annotated[str, _of("h")]
Duration = Annotated[str, _of("h", least=0.0, most=_LONGEST)]
Volume = Annotated[str, _of("uL", least=1e-3, most=1e6)]
InsultAmount = Annotated[str, _of("mg/kg", "ug", least=0.0, most=1e9)]
Amount = Annotated[str, _of("particles", "ug", "cells", least=0.0, most=1e18)]
Level = Annotated[str, _of("dB SPL", least=-100.0, most=250.0)]
Frequency = Annotated[str, _of("kHz", least=1e-3, most=1e3)]
Length = Annotated[str, _of("mm", least=0.0, most=1e3)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class InsultUse(_Table):
    """One insult: a drug by a route, a noise at a level, or an event at a depth."""

    entry: str
    at: list[Moment] = Field(min_length=1)
    route: str | None = None
    amount: InsultAmount | None = None
    duration: Duration | None = None
    level: Level | None = None
    band: list[Frequency] | None = Field(default=None, min_length=2, max_length=2)
    depth: Length | None = None


class Treatment(_Table):
    """One treatment: a batch by a route; without an amount, the volume of the batch as it is."""

    batch: str
    route: str
    at: list[Moment] = Field(min_length=1)
    volume: Volume | None = None
    amount: Amount | None = None
    duration: Duration | None = None
    potency: float = Field(default=1.0, ge=0.0, le=1e6)


class Arm(_Table):
    """One group: what it suffers, what it gets, and which mechanisms are knocked out."""

    name: str = Field(min_length=1, max_length=120)
    insults: list[str] = []
    treatments: list[str] = []
    without: list[str] = []


class Measure(_Table):
    """What is measured, where and when."""

    endpoint: str
    frequency: list[Frequency] = Field(min_length=1)
    at: list[Moment] = Field(min_length=1)
    cell: Literal["OHC", "IHC", "synapse", "SGN"] | None = None
    level: Level | None = None


class Compare(_Table):
    """The headline: which measure, of which arm, against which; and the null-vesicle twin."""

    measure: str
    of: str
    against: str
    null: str | None = None


class Number(_Table):
    """A number pinned in the study: it replaces the shelf's."""

    value: str
    low: str | None = None
    high: str | None = None
    shape: str | None = None
    subjects: float | None = Field(default=None, ge=0.0)
    lots: float | None = Field(default=None, ge=0.0)
    additive: bool | None = None
    basis: str
    meaning: str = ""
    source: str | None = None
    because: str = ""
    species: str = ""
    shelf: bool = False


class Scenario(_Table):
    """A study file, key by key."""

    otosome: Literal["scenario/1"]
    version: str | None = None
    seed: int | None = Field(default=None, ge=0, lt=2**63)
    title: str = ""
    question: str = ""
    species: str
    until: Moment | None = None
    insult: dict[str, InsultUse] = {}
    treatment: dict[str, Treatment] = {}
    arm: list[Arm] = Field(min_length=1)
    measure: dict[str, Measure] = Field(min_length=1)
    compare: Compare | None = None
    mechanisms: list[str] | None = None
    batch: dict[str, dict[str, Any]] = {}
    numbers: dict[str, Number] = {}


@dataclass(frozen=True)
class Study:
    """A checked scenario with the shelves it speaks of.

    ``name``     the file's stem
    ``notes``    what was decided about its files, in sentences
    ``allowed``  keys of retracted sources that may be used all the same
    """

    name: str
    scenario: Scenario
    catalog: Catalog = Catalog()
    notes: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def species(self) -> Entry:
        """The species' entry."""
        return self.catalog.get("species", self.scenario.species)

    @cached_property
    def mechanisms(self) -> tuple[str, ...]:
        """Every mechanism in play: those the study names, or the whole shelf."""
        named = self.scenario.mechanisms
        return tuple(self.catalog.names("mechanisms") if named is None else named)

    def batch(self, name: str) -> Entry:
        """A batch: one the study holds itself, or one of the shelf."""
        if name in self.scenario.batch:
            return Entry(make_card(self.scenario.batch[name], "batches", name, f"batch.{name}"), None)
        return self.catalog.get("batches", name)

    def entries(self) -> Iterator[Entry]:
        """Every entry whose numbers this study rests on, each once."""
        yield self.species
        wanted: dict[tuple[str, str], None] = {}
        for kind in ("ohc", "ihc", "synapse", "sgn", "stria"):
            wanted["cells", kind] = None
        for use in self.scenario.insult.values():
            wanted["insults", use.entry] = None
            if use.route is not None:
                wanted["routes", use.route] = None
        for solute in self.solutes():
            wanted["solutes", solute] = None
        for name in self.mechanisms if self.scenario.treatment else ():
            wanted["mechanisms", name] = None
        for measure in self.scenario.measure.values():
            wanted["endpoints", measure.endpoint] = None
        for treatment in self.scenario.treatment.values():
            wanted["routes", treatment.route] = None
            wanted["batches", treatment.batch] = None
        for shelf, name in wanted:
            yield self.batch(name) if shelf == "batches" else self.catalog.get(shelf, name)

    def solutes(self) -> list[str]:
        """The solutes that move: the insults' drugs, and what a batch holds."""
        drugs = {drug for use in self.scenario.insult.values() for drug in self.drugs(use)}
        held = ["vesicle", "protein"] if self.scenario.treatment else []
        return ["tmpa", *sorted(drugs), *held]

    def drugs(self, use: InsultUse) -> list[str]:
        """The solutes an insult needs in the ear (``cisplatin.lateral_wall`` needs cisplatin)."""
        solutes = self.catalog.names("solutes")
        return sorted({need.split(".")[0] for need in self.needs(use)} & set(solutes))

    def is_event(self, use: InsultUse) -> bool:
        """Whether an insult is a single event, such as surgery, rather than a drug or a noise."""
        return not self.drugs(use) and "noise.level" not in self.needs(use)

    def needs(self, use: InsultUse) -> list[str]:
        """What an insult needs to know (``noise.level``, ``cisplatin.lateral_wall``)."""
        return _texts(self.catalog.get("insults", use.entry).card.options.get("needs", []))

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """Every number the study rests on, by full name, pinned ones as the study states them."""
        found: dict[str, Parameter] = {}
        for entry in self.entries():
            for parameter in entry.parameters(self.scenario.species).values():
                found[parameter.name] = self._standing(parameter)
        for name, number in self.scenario.numbers.items():
            if name not in found:
                raise BadInput(
                    "is not a number this study rests on", file=self.name, key=f"numbers.{name}", given=name
                )
            if number.source is not None:
                self.catalog.source(number.source)
            found[name] = _pinned(number, found[name], self.name)
        return found

    def _standing(self, parameter: Parameter) -> Parameter:
        """A shelf's number as far as its source still stands behind it."""
        if parameter.source is None:
            return parameter
        source = self.catalog.source(parameter.source)
        if source.standing == "retracted" and source.key not in self.allowed:
            raise BadInput(
                f"rests on a retracted source ({source.date}: {source.reason})",
                file=self.name,
                key=parameter.name,
                given=source.key,
                cure=f"replace the number, or allow the source by name: --allow-retracted {source.key}",
            )
        return without_source(parameter, source) if source.standing == "withdrawn" else parameter

    @cached_property
    def until(self) -> float:
        """End of the study, h."""
        if self.scenario.until is not None:
            return quantity(self.scenario.until, "h")
        return max(quantity(t, "h") for m in self.scenario.measure.values() for t in m.at)

    def arm(self, name: str) -> Arm:
        """An arm by name."""
        return next(arm for arm in self.scenario.arm if arm.name == name)


def _texts(value: object) -> list[str]:
    return [str(v) for v in value] if isinstance(value, (list, tuple)) else []


def _pinned(number: Number, shelf: Parameter, file: str) -> Parameter:
    values: dict[str, object] = {
        "about": "pinned",
        "it": {
            "meaning": shelf.meaning,
            **{
                k: v
                for k, v in number.model_dump(exclude_none=True).items()
                if k in ("value", "low", "high", "shape", "basis", "source", "because") and v != ""
            },
        },
    }
    card = make_card(values, "numbers", shelf.name, file)
    made = card.parameters["it"][""]
    if not same_kind(made.unit, shelf.unit):
        raise BadInput(
            f"unit is {made.unit!r}; expected one convertible to {shelf.unit!r}",
            file=file,
            key=f"numbers.{shelf.name}",
            given=number.value,
        )
    _check_pinned(number, made, shelf, file)
    return replace(
        made,
        name=shelf.name,
        subjects=shelf.subjects if number.subjects is None else number.subjects,
        lots=shelf.lots if number.lots is None else number.lots,
        additive=shelf.additive if number.additive is None else number.additive,
        species=number.species,
    )


def _check_pinned(number: Number, made: Parameter, shelf: Parameter, file: str) -> None:
    """A pinned number keeps the sign that the shelf's has, and a spread that can be drawn."""
    key = f"numbers.{shelf.name}"
    if shelf.low > 0 and made.low <= 0:
        raise BadInput("must lie above zero", file=file, key=key, given=number.low or number.value)
    if shelf.low == 0 and made.low < 0 and shelf.unit not in LEVELS:
        raise BadInput("must not be negative", file=file, key=key, given=number.low or number.value)
    widest = max(number.subjects or 0.0, number.lots or 0.0)
    if not number.additive and widest > _WIDEST:
        raise BadInput(
            f"a spread is at most {_WIDEST:g} (standard deviation of the logarithm)", file=file, key=key, given=widest
        )  # fmt: skip


def load(
    study: str | Path,
    *,
    shelves: tuple[Path, ...] = (),
    batch: Path | None = None,
    allow_retracted: tuple[str, ...] = (),
) -> Study:
    """A study by file or by the name of a shipped one, checked from the first key to the last.

    ``shelves``  folders of one's own shelves
    ``batch``    a batch TOML or an instrument export that takes the place of the study's vesicle batch
    ``allow_retracted``  keys of retracted sources that may be used all the same
    raises       BadInput: one message with file, key, value given, values allowed
    """
    file = _find(study)
    values = read_toml(file)
    made = Study(
        file.stem,
        _scenario(values, file.name),
        Catalog(tuple(shelves)),
        allowed=allow_retracted,
        inputs={str(file): _sha(file)},
    )
    made = _with_batches(made, file.parent, batch)
    _check(made, file.name)
    return made


def loads(
    text: str,
    name: str = "study",
    *,
    shelves: tuple[Path, ...] = (),
    allow_retracted: tuple[str, ...] = (),
    check: bool = True,
) -> Study:
    """A study from TOML text, as ``load`` reads it from a file.

    ``check``  whether to check what single keys do not show; off for a study that was checked when it was saved
    """
    scenario = _scenario(parse_toml(text.encode(), name), name)
    made = Study(name, scenario, Catalog(tuple(shelves)), allowed=allow_retracted)
    if check:
        _check(made, name)
    return made


def _find(study: str | Path) -> Path:
    file = Path(study)
    if file.is_file():
        return file
    shipped = STUDIES / f"{study}.toml"
    if str(study) in studies() and shipped.is_file():
        return shipped
    raise BadInput(
        f"there is no study file {str(study)!r}",
        given=str(study),
        allowed=studies(),
        cure="give a file, or the name of a shipped study",
    )


def studies() -> list[str]:
    """The shipped studies."""
    return sorted(file.stem for file in STUDIES.glob("*.toml"))


def _sha(file: Path) -> str:
    import hashlib

    return hashlib.sha256(file.read_bytes()).hexdigest()


def _scenario(values: Mapping[str, object], file: str) -> Scenario:
    try:
        return Scenario.model_validate(values)
    except ValidationError as error:
        raise _told(error, file) from error


def _told(error: ValidationError, file: str) -> BadInput:
    """Pydantic's first complaint in otosome's words."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    allowed: list[str] | str | None = None
    given: object = first.get("input")
    if first["type"] == "extra_forbidden":
        message, allowed = "is not a key here", _keys(first["loc"])
        given = str(first["loc"][-1])
    elif first["type"] == "missing":
        message, given = "is missing", None
    elif first["type"] == "literal_error":
        allowed = str(first.get("ctx", {}).get("expected", ""))
    return BadInput(message, file=file, key=key, given=given, allowed=allowed)


def _keys(place: tuple[int | str, ...]) -> list[str]:
    """The keys allowed at a place of a study file."""
    tables: dict[str, type[BaseModel]] = {
        "insult": InsultUse, "treatment": Treatment, "arm": Arm, "measure": Measure, "compare": Compare,
        "numbers": Number,
    }  # fmt: skip
    table = tables.get(str(place[0]), Scenario) if len(place) > 1 else Scenario
    return list(table.model_fields)


def _with_batches(study: Study, folder: Path, batch: Path | None) -> Study:
    """Take the batch files a study names, or the one given instead, into the study itself."""
    from otosome.readings import read_batch

    scenario = study.scenario
    treatments, held = dict(scenario.treatment), dict(scenario.batch)
    notes, inputs = list(study.notes), dict(study.inputs)
    shelf = study.catalog.names("batches")
    for name, treatment in scenario.treatment.items():
        file = _batch_file(study, name, folder, batch)
        if file is None:
            continue
        made = read_batch(file, study.catalog)
        batch_name = _free(made.name, dict(made.values), held, shelf)
        held[batch_name] = dict(made.values)
        treatments[name] = treatment.model_copy(update={"batch": batch_name})
        notes += [note for note in made.notes if note not in notes]
        inputs[str(file)] = _sha(file)
    used = {f"batches.{treatment.batch}." for treatment in treatments.values()}
    gone = {f"batches.{t.batch}." for t in scenario.treatment.values()} - used
    numbers = {n: v for n, v in scenario.numbers.items() if not n.startswith(tuple(gone))}
    changed = scenario.model_copy(update={"treatment": treatments, "batch": held, "numbers": numbers})
    return replace(study, scenario=changed, notes=tuple(notes), inputs=inputs)


def _free(name: str, values: dict[str, Any], held: Mapping[str, dict[str, Any]], shelf: list[str]) -> str:
    """A name under which a batch stands for no other one: its own, or its own and a number."""
    names = (name if n == 1 else f"{name}_{n}" for n in itertools.count(1))
    return next(one for one in names if held.get(one, values) == values and one not in shelf)


def _batch_file(study: Study, name: str, folder: Path, batch: Path | None) -> Path | None:
    """The file a treatment's batch is read from; None where the study or the shelf holds it.

    ``batch``  takes the place of every batch but a vehicle's: no measured lot can stand for what holds nothing
    """
    from otosome.readings import read_batch

    wanted = study.scenario.treatment[name].batch
    if wanted in study.scenario.batch or wanted in study.catalog.names("batches"):
        return None if batch is None or _is_vehicle(study.batch(wanted).card) else batch
    own = _inside(folder, wanted, name)
    if batch is None:
        return own
    lot = read_batch(own, study.catalog)
    return own if _is_vehicle(make_card(lot.values, "batches", lot.name, own.name)) else batch


def _is_vehicle(batch: Card) -> bool:
    """Whether a batch holds no particles."""
    particles = batch.parameters.get("particles")
    return particles is not None and all(p.value == 0 for p in particles.values())


def _inside(folder: Path, name: str, treatment: str) -> Path:
    file = (folder / name).resolve()
    if not file.is_relative_to(folder.resolve()):
        raise BadInput(
            "lies outside the study's folder", key=f"treatment.{treatment}.batch", given=name,
            cure="copy the file beside the study, or give it with --batch",
        )  # fmt: skip
    if not file.is_file():
        raise BadInput(
            "is neither a batch of the shelf nor a file beside the study",
            key=f"treatment.{treatment}.batch", given=name, allowed=Catalog().names("batches"),
        )  # fmt: skip
    return file


def _check(study: Study, file: str) -> None:
    """Everything a study file can get wrong beyond a single key."""
    scenario = study.scenario
    _check_names(study, file)
    _check_species(study)
    _check_times(study, file)
    for name, use in scenario.insult.items():
        _check_insult(study, name, use, file)
    for name, treatment in scenario.treatment.items():
        if treatment.volume is None:
            raise BadInput("needs a volume", file=file, key=f"treatment.{name}.volume")
    for arm in scenario.arm:
        _check_one_batch(study, arm, file)
    for name, measure in scenario.measure.items():
        _check_measure(study, name, measure, file)
    if not study.parameters:
        raise BadInput("rests on no number at all", file=file)


def _check_names(study: Study, file: str) -> None:
    scenario, catalog = study.scenario, study.catalog
    catalog.get("species", scenario.species)
    arms = [arm.name for arm in scenario.arm]
    for name in arms:
        if arms.count(name) > 1:
            raise BadInput("two arms of one name", file=file, key="arm", given=name)
        if any(ord(letter) < 32 or ord(letter) == 127 for letter in name):
            raise BadInput("a name has no control characters", file=file, key="arm", given=repr(name))
    for name in scenario.measure:
        if name in _TAKEN or name.startswith("window_") or not _MEASURE_NAME.fullmatch(name):
            raise BadInput(
                "cannot name a measure", file=file, key=f"measure.{name}", given=repr(name),
                allowed=f"letters, digits, blanks, '.', '+' and '-', and none of {', '.join(_TAKEN)}",
            )  # fmt: skip
    for arm in scenario.arm:
        for key, given, allowed in (
            ("insults", arm.insults, list(scenario.insult)),
            ("treatments", arm.treatments, list(scenario.treatment)),
            ("without", arm.without, list(study.mechanisms)),
        ):
            for one in given:
                _among(one, allowed, file, f"arm.{arm.name}.{key}")
    for use in scenario.insult.values():
        catalog.get("insults", use.entry)
    for name, treatment in scenario.treatment.items():
        _among(treatment.route, catalog.names("routes"), file, f"treatment.{name}.route")
    for mechanism in study.mechanisms:
        catalog.get("mechanisms", mechanism)
    if scenario.compare is not None:
        _among(scenario.compare.measure, list(scenario.measure), file, "compare.measure")
        for key in ("of", "against", "null"):
            given_arm = getattr(scenario.compare, key)
            if given_arm is not None:
                _among(given_arm, arms, file, f"compare.{key}")


def _check_species(study: Study) -> None:
    """A species has every number and every curve that the shipped ones have."""
    species = study.species.card
    for name in Catalog().names("species"):
        shipped = Catalog().get("species", name).card
        numbers = sorted(shipped.parameters.keys() - species.parameters.keys())
        curves = sorted(f"profile.{curve}" for curve in shipped.profiles.keys() - species.profiles.keys())
        for key in [*numbers, *curves]:
            raise BadInput(
                f"{species.stem} has no value for {key}", file=species.file, key=key,
                cure="add it with its source, or with scaled_from and rule",
            )  # fmt: skip


def _check_measure(study: Study, name: str, measure: Measure, file: str) -> None:
    endpoint, species = study.catalog.get("endpoints", measure.endpoint).card, study.species.card
    for key in _texts(endpoint.options.get("asks", [])):
        if getattr(measure, key, None) is None:
            raise BadInput(f"{measure.endpoint} needs it", file=file, key=f"measure.{name}.{key}")
    for curve, by_species in endpoint.profiles.items():
        if curve not in species.profiles and by_species.keys().isdisjoint((species.stem, "")):
            raise BadInput(
                f"{species.stem} has no curve {curve} for {measure.endpoint}", file=species.file,
                key=f"profile.{curve}", cure=f"add [profile.{curve}] to species/{species.stem}.toml",
            )  # fmt: skip
    low, high = (
        study.parameters[f"species.{species.stem}.{end}_frequency"].value for end in ("lowest", "highest")
    )
    for text in measure.frequency:
        if not low <= quantity(text, "kHz") <= high:
            raise BadInput(
                f"is beyond the place map of {species.stem}", file=file, key=f"measure.{name}.frequency",
                given=text, allowed=f"{low:g} to {high:g} kHz",
            )  # fmt: skip


def _check_one_batch(study: Study, arm: Arm, file: str) -> None:
    given = {
        (t.batch, t.route, t.potency) for name in arm.treatments for t in [study.scenario.treatment[name]]
    }
    if len(given) > 1:
        raise BadInput(
            "an arm gets one batch by one route at one potency; give repeated doses as more times of one treatment",
            file=file,
            key=f"arm.{arm.name}.treatments",
            given=arm.treatments,
        )


def _among(given: str, allowed: list[str], file: str, key: str) -> None:
    if given not in allowed:
        raise BadInput("is not known here", file=file, key=key, given=given, allowed=allowed)


def _check_times(study: Study, file: str) -> None:
    scenario = study.scenario
    courses = [use for use in scenario.insult.values() if not study.is_event(use)]
    starts = [quantity(t, "h") for use in courses or scenario.insult.values() for t in use.at]
    if starts and min(starts) != 0.0:
        raise BadInput(
            "time zero is the first insult", file=file, key="insult", given=f"first insult at {min(starts)} h",
            cure="shift all times so that the first insult is at 0 h",
        )  # fmt: skip
    moments = [
        t
        for tables in (scenario.insult, scenario.treatment, scenario.measure)
        for x in tables.values()
        for t in x.at
    ]
    if len(moments) > _MOST_MOMENTS:
        raise BadInput(
            "has too many moments", file=file, given=len(moments), allowed=f"up to {_MOST_MOMENTS}"
        )
    for kind, tables in (
        ("insult", scenario.insult),
        ("treatment", scenario.treatment),
        ("measure", scenario.measure),
    ):
        for name, table in tables.items():
            for text in table.at:
                _check_moment(quantity(text, "h"), text, study.until, file, f"{kind}.{name}.at")


def _check_moment(moment: float, text: str, until: float, file: str, key: str) -> None:
    if abs(moment) > _LONGEST or until > _LONGEST:
        raise BadInput(
            f"is further than {_LONGEST:.0f} h from the first insult", file=file, key=key, given=text
        )
    if moment > until:
        raise BadInput(
            "lies after the end of the study", file=file, key=key, given=text, allowed=f"up to {until} h"
        )


def _check_insult(study: Study, name: str, use: InsultUse, file: str) -> None:
    drugs = study.drugs(use)
    wanted = ["route", "amount"] if drugs else []
    wanted += ["level", "band", "duration"] if "noise.level" in study.needs(use) else []
    for key in wanted:
        if getattr(use, key) is None:
            raise BadInput(f"{use.entry} needs it", file=file, key=f"insult.{name}.{key}")
    useful = [
        *wanted,
        "entry",
        "at",
        *(["duration"] if drugs else []),
        *(["depth"] if study.is_event(use) else []),
    ]
    for key in use.model_fields_set - set(useful):
        raise BadInput(
            f"{use.entry} has no use for it", file=file, key=f"insult.{name}.{key}", allowed=useful
        )
    if use.band is not None and not quantity(use.band[0], "kHz") < quantity(use.band[1], "kHz"):
        raise BadInput("a band rises", file=file, key=f"insult.{name}.band", given=use.band)
    if use.route is not None:
        _among(use.route, study.catalog.names("routes"), file, f"insult.{name}.route")


def explicit(study: Study, seed: int | None = None) -> dict[str, object]:
    """The study as plain values with every default, number and source, which re-runs it."""
    values = study.scenario.model_dump(exclude_none=True)
    values["version"] = __version__
    if seed is not None:
        values["seed"] = seed
    values["mechanisms"] = list(study.mechanisms)
    values["until"] = f"{study.until!r} h"
    values["numbers"] = {
        name: _stated(p, shelf=name not in study.scenario.numbers or study.scenario.numbers[name].shelf)
        for name, p in study.parameters.items()
    }
    return {key: values[key] for key in Scenario.model_fields if key in values}


def _stated(parameter: Parameter, shelf: bool) -> dict[str, object]:
    unit = f" {parameter.unit}" if parameter.unit else ""
    stated: dict[str, object] = {
        "value": f"{parameter.value!r}{unit}",
        "low": f"{parameter.low!r}{unit}",
        "high": f"{parameter.high!r}{unit}",
        "shape": parameter.shape,
        "subjects": parameter.subjects,
        "lots": parameter.lots,
        "additive": parameter.additive,
        "basis": parameter.basis,
        "meaning": parameter.meaning,
        "because": parameter.because,
        "species": parameter.species,
        "shelf": shelf,
    }
    if parameter.source is not None:
        stated["source"] = parameter.source
    return stated


def saves(study: Study, seed: int | None = None) -> str:
    """The explicit form of a study as TOML text."""
    import tomli_w

    return tomli_w.dumps(explicit(study, seed))


def save(study: Study, file: Path, seed: int | None = None) -> None:
    """Write the explicit form of a study beside and rename."""
    beside = file.with_name(file.name + ".part")
    beside.write_text(saves(study, seed), encoding="utf-8")
    beside.replace(file)


def cards(study: Study) -> list[Card]:
    """The cards of every entry the study rests on."""
    return [entry.card for entry in study.entries()]
