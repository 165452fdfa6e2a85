"""Everything a study file can get wrong beyond a single key."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from itertools import pairwise

import numpy as np

from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.roles import AskingOptions, MaterialOptions, Population
from otosome.study.study import Study
from otosome.study.tables import (
    LONGEST,
    Arm,
    DeviceUse,
    InsultUse,
    Measure,
    PopulationUse,
    RecoveryUse,
)
from otosome.units import (
    LEVELS,
    Array,
    Quantity,
)

# Each moment takes some forty knots after it.
_MOST_MOMENTS = 500
# What a result holds beside its measures; a measure of such a name would be lost in it.
_TAKEN = (
    "arm", "subject", "world", "lot", "person", "weight", "time", "frequency", "place", "cell", "cells", "intact",
    "injured", "silent", "stria", "arrived", "spare", "vesicles", "protein", "plasma", "told", "where", "time_error",
    "closure", "sample", "place_frequency", "place_distance",
)  # fmt: skip
_MEASURE_NAME = re.compile(r"\w[\w .+-]{0,59}")


def check_study(study: Study, file: str) -> None:
    """Everything a study file can get wrong beyond a single key."""
    tables = study.tables
    _check_names(study, file)
    _check_species(study)
    _check_times(study, file)
    people = _check_population(study, file)
    for name, use in tables.insult.items():
        _check_insult(study, name, use, file)
    _check_samples(study, file)
    for name, device in tables.device.items():
        _check_device(study, name, device, file)
    if tables.recovery is not None:
        _check_known(study, "recoveries", tables.recovery.entry, file, "recovery.entry")
        _check_asked(study, "recoveries", tables.recovery, file, "recovery")
    for arm in tables.arm:
        _check_one_batch(study, arm, file)
        _check_one_device(study, arm, file)
    for name, measure in tables.measure.items():
        _check_measure(study, name, measure, file)
        _check_norms(study, name, measure, people, file)
        _check_scales(study, name, measure, file)
    _check_enrolment(study, file)
    _check_preference(study, file)
    _check_curves(study, file)
    if not study.parameters:
        raise BadInput("rests on no number at all", file=file)


def _check_samples(study: Study, file: str) -> None:
    """Every sample ends within the study, and no two are drawn from one place at once."""
    drawn: dict[tuple[str, float], list[tuple[float, float, str]]] = {}
    for name, sample in study.tables.sample.items():
        duration = 0.0 if sample.duration is None else float(sample.duration)
        for moment in sample.at:
            span = float(moment), moment + duration
            _check_moment(span[1], moment.text, study.until, file, f"sample.{name}.at")
            drawn.setdefault((sample.of, sample.place), []).append((*span, name))
    for spans in drawn.values():
        spans.sort()
        for (_, end, _), (start, _, name) in pairwise(spans):
            if start < end:
                raise BadInput(
                    "begins while another sample is drawn from the same place", file=file, key=f"sample.{name}.at",
                    given=f"{start:g} h", allowed=f"from {end:g} h on",
                )  # fmt: skip


def _check_names(study: Study, file: str) -> None:
    tables, catalog = study.tables, study.catalog
    catalog.get("species", tables.species)
    arms = [arm.name for arm in tables.arm]
    for name in arms:
        if arms.count(name) > 1:
            raise BadInput("two arms of one name", file=file, key="arm", given=name)
        if any(ord(letter) < 32 or ord(letter) == 127 for letter in name):
            raise BadInput("a name has no control characters", file=file, key="arm", given=repr(name))
    for kind, name in [("measure", n) for n in tables.measure] + [("sample", n) for n in tables.sample]:
        taken = name in _TAKEN or name.startswith(("window_", "sampled_", "other_"))
        if taken or not _MEASURE_NAME.fullmatch(name):
            raise BadInput(
                f"cannot name a {kind}", file=file, key=f"{kind}.{name}", given=repr(name),
                allowed=f"letters, digits, blanks, '.', '+' and '-', and none of {', '.join(_TAKEN)}",
            )  # fmt: skip
    for arm in tables.arm:
        for key, given, allowed in (
            ("insults", arm.insults, list(tables.insult)),
            ("treatments", arm.treatments, list(tables.treatment)),
            ("devices", arm.devices, list(tables.device)),
            ("without", arm.without, list(study.mechanisms)),
        ):
            for one in given:
                _among(one, allowed, file, f"arm.{arm.name}.{key}")
            if len(set(given)) < len(given):
                raise BadInput("is named twice", file=file, key=f"arm.{arm.name}.{key}", given=given)
    for use in tables.insult.values():
        catalog.get("insults", use.entry)
    for name, treatment in tables.treatment.items():
        _among(treatment.route, catalog.names("routes"), file, f"treatment.{name}.route")
    for name, device in tables.device.items():
        _among(device.entry, catalog.names("devices"), file, f"device.{name}.entry")
    if tables.recovery is not None:
        _among(tables.recovery.entry, catalog.names("recoveries"), file, "recovery.entry")
    for name, measure in tables.measure.items():
        if measure.material is not None:
            _among(measure.material, catalog.names("materials"), file, f"measure.{name}.material")
    for mechanism in study.mechanisms:
        catalog.get("mechanisms", mechanism)
    if tables.compare is not None:
        _among(tables.compare.measure, list(tables.measure), file, "compare.measure")
        for key in ("of", "against", "null"):
            given_arm = getattr(tables.compare, key)
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


def _check_population(study: Study, file: str) -> Population | None:
    """The population of best values, having said whom it knows."""
    use = study.tables.population
    if use is None:
        return None
    _check_known(study, "populations", use.entry, file, "population.entry")
    asks = study.catalog.get("populations", use.entry).options.asks
    if "readings" in asks and use.readings is None:
        raise BadInput(
            f"{use.entry} needs a file", file=file, key="population.audiogram",
            cure='audiogram = "..." names one beside the study; or run a study with --audiogram FILE',
        )  # fmt: skip
    _check_asked(study, "populations", use, file, "population")
    if (use.noise_level is None) != (use.noise_time is None):
        raise BadInput("a noise at work has a level and a time, or neither", file=file, key="population")
    try:
        people = study.population(_best(study))
        assert people is not None  # the study names one
        # What its file holds is looked at once it is asked what it covers.
        _ = people.covered
        return people
    except BadInput as error:
        raise at(_unread(study, error), file, f"population.{error.key}") from error


def _best(study: Study) -> dict[str, Array]:
    """Every number at its best value, shape (1,)."""
    return {name: np.array([p.value]) for name, p in study.parameters.items()}


def _check_known(study: Study, shelf: str, name: str, file: str, key: str) -> None:
    """An entry that names the species it is for is asked for no other."""
    options = study.catalog.get(shelf, name).options
    known = options.species if isinstance(options, (AskingOptions, MaterialOptions)) else ()
    if known and study.tables.species not in known:
        raise BadInput(
            f"{name} is not for {study.tables.species}", file=file, key=key, given=name,
            cure=f"it is for {', '.join(known)}",
        )  # fmt: skip


def _unread(study: Study, error: BadInput) -> BadInput:
    """The same refusal, with what could not be read in the file of a study's people."""
    from otosome.study.people import as_far_as_read

    use = study.tables.population
    return error if use is None else as_far_as_read(error, str(use.audiogram), study.unreadable)


def at(error: BadInput, file: str, key: str | None) -> BadInput:
    """The same refusal, with the place in the study file."""
    return BadInput(
        error.message, file=file, key=key, given=error.given, allowed=error.allowed, cure=error.cure
    )


def _check_norms(study: Study, name: str, measure: Measure, people: Population | None, file: str) -> None:
    """Where an endpoint asks for the level an ear arrives with, its population knows one at every frequency."""
    formula = study.catalog.get("endpoints", measure.endpoint).formula
    asks = formula is not None and "population" in {field.name for field in fields(formula)}
    if people is None or not asks or measure.frequency is None:
        return
    aside = study.other()
    beside = None if aside is None else aside.population(_best(study))
    try:
        for one in (people, beside):
            if one is not None:
                one.check(np.array(measure.tones))
    except BadInput as error:
        raise at(_unread(study, error), file, f"measure.{name}.frequency") from error


def _check_scales(study: Study, name: str, measure: Measure, file: str) -> None:
    """A scale is asked of levels in dB HL, each once, with the frequencies and the baseline it needs."""
    key = f"measure.{name}.scales"
    unit = study.catalog.get("endpoints", measure.endpoint).options.unit
    if measure.scales and unit != "dB HL":
        raise BadInput("grades are of hearing levels in dB HL", file=file, key=key, given=measure.endpoint)
    tested = np.unique(measure.tones)
    named = [*study.tables.measure, *(s for m in study.tables.measure.values() for s in m.scales or [])]
    for one in measure.scales or []:
        _among(one, study.catalog.names("scales"), file, key)
        if named.count(one) > 1:
            raise BadInput("names two things of a result", file=file, key=key, given=one)
        try:
            study.scale(one).grade(np.zeros((1, tested.size)), tested, baseline=np.zeros((1, tested.size)))
        except BadInput as error:
            raise at(error, file, key) from error


def _check_measure(study: Study, name: str, measure: Measure, file: str) -> None:
    _check_known(study, "endpoints", measure.endpoint, file, f"measure.{name}.endpoint")
    endpoint, species = study.catalog.get("endpoints", measure.endpoint).card, study.species.card
    _check_asked(study, "endpoints", measure, file, f"measure.{name}")
    if measure.material is not None:
        _check_known(study, "materials", measure.material, file, f"measure.{name}.material")
    for curve, by_species in endpoint.profiles.items():
        if curve not in species.profiles and by_species.keys().isdisjoint((species.stem, "")):
            raise BadInput(
                f"{species.stem} has no curve {curve} for {measure.endpoint}", file=species.file,
                key=f"profile.{curve}", cure=f"add [profile.{curve}] to species/{species.stem}.toml",
            )  # fmt: skip
    high, low = study.tonotopy(_best(study)).frequency(np.array([0.0, 1.0])).ravel()
    for tone in measure.frequency or []:
        if not low <= tone <= high:
            raise BadInput(
                f"is beyond the place map of {species.stem}", file=file, key=f"measure.{name}.frequency",
                given=tone.text, allowed=f"{low:.3g} to {high:.3g} kHz",
            )  # fmt: skip


# What every entry of a shelf is told, whatever its file asks for.
_TOLD = {
    "populations": {"entry", "readings"},
    "endpoints": {"endpoint", "at", "scales"},
    "devices": {"entry", "at", "potency"},
    "recoveries": {"entry"},
}
_Used = PopulationUse | Measure | DeviceUse | RecoveryUse


def _check_asked(study: Study, shelf: str, use: _Used, file: str, key: str) -> None:
    """An entry is told all that its file ``asks`` for, and nothing beyond that and what it ``takes``."""
    entry = use.endpoint if isinstance(use, Measure) else use.entry
    options = study.catalog.get(shelf, entry).options
    assert isinstance(options, AskingOptions)  # those of every shelf in _TOLD are
    asks, takes = options.asks, options.takes
    for one in asks:
        if getattr(use, one, None) is None:
            raise BadInput(f"{entry} needs it", file=file, key=f"{key}.{one}")
    known = sorted({*asks, *takes, *_TOLD[shelf]} & set(type(use).model_fields))
    for one in type(use).model_fields:
        if one not in known and getattr(use, one) is not None:
            raise BadInput(f"{entry} has no use for it", file=file, key=f"{key}.{one}", allowed=known)


def _check_device(study: Study, name: str, device: DeviceUse, file: str) -> None:
    key = f"device.{name}"
    _check_known(study, "devices", device.entry, file, f"{key}.entry")
    _check_asked(study, "devices", device, file, key)
    _check_released(study, device, file, key)
    _check_depth(study, device.depth, file, f"{key}.depth")


def _check_released(study: Study, device: DeviceUse, file: str, key: str) -> None:
    """What releases vesicles has a batch, and an amount in a unit its entry knows; nothing else has a potency."""
    if (device.batch is None) != (device.amount is None):
        raise BadInput(
            "what releases vesicles has a batch and an amount, or neither", file=file, key=key,
            given=[k for k in ("batch", "amount") if getattr(device, k) is not None],
        )  # fmt: skip
    if device.amount is None:
        if device.potency != 1.0:
            raise BadInput("releases nothing", file=file, key=f"{key}.potency", given=device.potency)
        return
    # Cells that live on in the ear are another thing than what so many gave off in a dish.
    known = study.catalog.get("devices", device.entry).options.amounts
    if known and device.amount.unit not in known:
        raise BadInput(
            f"{device.entry} is given otherwise", file=file, key=f"{key}.amount", given=device.amount.text,
            allowed=list(known),
        )  # fmt: skip


def _check_depth(study: Study, depth: Quantity | None, file: str, key: str) -> None:
    """An instrument goes no deeper than the longest scala tympani of the species."""
    species = study.tables.species
    longest = study.catalog.get("species", species).card.parameter("scala_tympani_length", species).high
    if depth is not None and depth > longest:
        raise BadInput(
            f"is deeper than the scala tympani of a {species} is long", file=file, key=key,
            given=depth.text, allowed=f"up to {longest:g} mm",
        )  # fmt: skip


def _check_preference(study: Study, file: str) -> None:
    """What is preferred is measured, in a unit of its kind; what is to be avoided is a harm on the shelf."""
    stated = study.tables.preference
    if stated is None:
        return
    for name, worth in stated.measures.items():
        _among(name, list(study.tables.measure), file, "preference.measures")
        unit, key = study.unit(name), f"preference.measures.{name}"
        _check_unit(worth, "dB" if unit in LEVELS else unit, file, key)
        if worth <= 0:
            raise BadInput("must lie above zero", file=file, key=key, given=worth.text)
    for name in stated.harms:
        _among(name, study.catalog.names("harms"), file, "preference.harms")


def _check_enrolment(study: Study, file: str) -> None:
    """Who is taken in is told by a measure, between ends in its unit of which the first is the lower."""
    stated = study.tables.enrolment
    if stated is None:
        return
    if study.ear is not None:
        raise BadInput("chooses among people, and this study is of one", file=file, key="enrolment")
    _among(stated.measure, list(study.tables.measure), file, "enrolment.measure")
    unit = study.unit(stated.measure)
    ends = {"lowest": stated.lowest, "highest": stated.highest}
    given = {name: end for name, end in ends.items() if end is not None}
    for name, end in given.items():
        _check_unit(end, unit, file, f"enrolment.{name}")
    if not given:
        raise BadInput(
            "takes in everybody", file=file, key="enrolment", cure="give it a lowest, a highest or both"
        )
    if stated.lowest is not None and stated.highest is not None and stated.lowest > stated.highest:
        raise BadInput("lies above the highest", file=file, key="enrolment.lowest", given=stated.lowest.text)


def _check_unit(value: Quantity, wanted: str, file: str, key: str) -> None:
    try:
        value.to(wanted)
    except ValueError as error:
        raise BadInput(str(error), file=file, key=key, given=value.text) from error


def _check_curves(study: Study, file: str) -> None:
    """A stated curve has the columns that the shelf's has, and keeps their sign."""
    shelved = replace(study, tables=study.tables.model_copy(update={"curves": {}})).curves
    for name in study.tables.curves:
        _among(name, list(shelved), file, "curves")
    for name, curve in study.curves.items():
        columns = shelved[name].columns
        if curve.columns.keys() != columns.keys():
            raise BadInput(
                "has other columns than the shelf's", file=file, key=f"curves.{name}",
                given=list(curve.columns), allowed=list(columns),
            )  # fmt: skip
        for key, column in curve.columns.items():
            if min(columns[key]) > 0 >= min(column):
                raise BadInput(
                    "must lie above zero", file=file, key=f"curves.{name}.{key}", given=min(column)
                )


def _check_one_batch(study: Study, arm: Arm, file: str) -> None:
    treatments = [study.tables.treatment[name] for name in arm.treatments]
    if len({(t.batch, t.route, t.potency) for t in treatments}) > 1:
        raise BadInput(
            "an arm gets one batch by one route at one potency; give repeated doses as more times of one treatment",
            file=file,
            key=f"arm.{arm.name}.treatments",
            given=arm.treatments,
        )
    releasing = [d for name in arm.devices for d in [study.tables.device[name]] if d.batch is not None]
    given = [(use.batch, use.potency) for use in treatments] + [(use.batch, use.potency) for use in releasing]
    if len(set(given)) > 1:
        raise BadInput(
            "an arm's devices release the batch that its treatments give, at one potency",
            file=file,
            key=f"arm.{arm.name}.devices",
            given=arm.devices,
        )


def _check_one_device(study: Study, arm: Arm, file: str) -> None:
    """What must be given by an amount may come again; of anything else the one ear of a study holds one."""
    held: dict[str, list[str]] = {}
    for name in arm.devices:
        held.setdefault(study.tables.device[name].entry, []).append(name)
    for entry, named in held.items():
        asks = study.catalog.get("devices", entry).options.asks
        if len(named) > 1 and "amount" not in asks:
            raise BadInput(
                f"an ear holds one {entry}", file=file, key=f"arm.{arm.name}.devices", given=named,
                cure="keep one: a study is of one ear, and what is for the other or for another time is another arm's",
            )  # fmt: skip


def _among(given: str, allowed: list[str], file: str, key: str) -> None:
    if given not in allowed:
        raise BadInput("is not known here", file=file, key=key, given=given, allowed=allowed)


def _check_times(study: Study, file: str) -> None:
    tables = study.tables
    courses = [use for use in tables.insult.values() if not study.is_event(use)]
    starts = [t for use in courses or tables.insult.values() for t in use.at]
    if starts and min(starts) != 0.0:
        raise BadInput(
            "time zero is the first insult", file=file, key="insult", given=f"first insult at {min(starts):g} h",
            cure="shift all times so that the first insult is at 0 h",
        )  # fmt: skip
    moments = [
        t
        for uses in (tables.insult, tables.treatment, tables.sample, tables.measure)
        for use in uses.values()
        for t in use.at
    ] + [device.at for device in tables.device.values()]
    if len(moments) > _MOST_MOMENTS:
        raise BadInput(
            "has too many moments", file=file, given=len(moments), allowed=f"up to {_MOST_MOMENTS}"
        )
    for kind, uses in (
        ("insult", tables.insult),
        ("treatment", tables.treatment),
        ("sample", tables.sample),
        ("measure", tables.measure),
    ):
        for name, use in uses.items():
            for moment in use.at:
                _check_moment(moment, moment.text, study.until, file, f"{kind}.{name}.at")
    for name, device in tables.device.items():
        _check_moment(device.at, device.at.text, study.until, file, f"device.{name}.at")


def _check_moment(moment: float, text: str, until: float, file: str, key: str) -> None:
    if abs(moment) > LONGEST or until > LONGEST:
        raise BadInput(
            f"is further than {LONGEST:.0f} h from the first insult", file=file, key=key, given=text
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
    _check_depth(study, use.depth, file, f"insult.{name}.depth")
    if use.band is not None and not use.band[0] < use.band[1]:
        raise BadInput(
            "a band rises", file=file, key=f"insult.{name}.band", given=[str(end) for end in use.band]
        )
    if use.route is not None:
        routes = study.catalog.names("routes")
        _among(use.route, routes, file, f"insult.{name}.route")
        # A drug's dose has no volume: in a dry middle ear nothing crosses the window, in the duct nothing is pushed on.
        if drugs and study.is_local(use.route):
            raise BadInput(
                "brings a drug in a volume of fluid, which an insult does not have yet: it would not arrive as given",
                file=file, key=f"insult.{name}.route", given=use.route,
                allowed=[route for route in routes if not study.is_local(route)],
            )  # fmt: skip
