"""Reading a study file, taking its batch files in, and writing its explicit form."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from otosome import __version__
from otosome.cards import Card, make_card, parse_toml, read_toml
from otosome.catalog import SHIPPED, Catalog
from otosome.errors import BadInput
from otosome.evidence import Curve, Parameter
from otosome.study.checks import at, check_study
from otosome.study.study import Study
from otosome.study.tables import (
    Arm,
    Compare,
    DeviceUse,
    Enrolment,
    InsultUse,
    Measure,
    Number,
    PopulationUse,
    Preference,
    RecoveryUse,
    SampleUse,
    Tables,
    Treatment,
)

STUDIES = SHIPPED / "studies"
# How the note begins that a study used a lot its own specification refuses.
REFUSED = "Run despite its quality, with the refused lot"
TEMPLATE = Path(__file__).parent / "templates" / "study.toml"


def load(
    study: str | Path,
    *,
    shelves: tuple[Path, ...] = (),
    batch: Path | None = None,
    allow_retracted: tuple[str, ...] = (),
    despite_quality: bool = False,
    audiogram: Path | None = None,
    person: str | None = None,
    ear: str | None = None,
    interpolate: bool = False,
) -> Study:
    """A study by file or by the name of a shipped one, checked from the first key to the last.

    ``shelves``  folders of one's own shelves
    ``batch``    the record of a lot, a batch TOML or an instrument export, in the place of the study's vesicle batch
    ``allow_retracted``  keys of retracted sources that may be used all the same
    ``despite_quality``  whether a batch that its own specification refuses may be used all the same
    ``audiogram``  a person's audiogram file: this ear in the place of whatever population the study names
    ``person``, ``ear``  whose, where the file holds several; "left", "right" or the "better" one, if none is named
    ``interpolate``  whether a frequency between two tested ones may be taken from them where a mean needs it
    raises       BadInput: one message with file, key, value given, values allowed
    """
    file = _find(study)
    values = read_toml(file)
    made = Study(
        file.stem,
        _tables(values, file.name),
        Catalog(tuple(shelves)),
        allowed=allow_retracted,
        inputs={str(file): _sha(file)},
    )
    if audiogram is not None:
        told = {
            "entry": "own_audiogram",
            "audiogram": audiogram.name,
            "person": person,
            "ear": ear or "better",
        }
        made = _of_person(made, told | {"interpolate": interpolate or None})
    elif person or ear or interpolate:
        key = "person" if person else "ear" if ear else "interpolate"
        raise BadInput(
            "is about an audiogram, and none is given", file=file.name, key=key,
            cure="give one: --audiogram FILE; or say it in the study's own [population]",
        )  # fmt: skip
    made = _with_people(made, file, audiogram)
    made = _with_quality(_with_batches(made, file.parent, batch), file.name, despite_quality)
    check_study(made, file.name)
    return _with_volumes(_with_operations(made))


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
    tables = _tables(parse_toml(text.encode(), name), name)
    made = Study(name, tables, Catalog(tuple(shelves)), allowed=allow_retracted)
    if check:
        check_study(made, name)
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


def titles() -> dict[str, str]:
    """The title of each shipped study."""
    import tomllib

    texts = {name: (STUDIES / f"{name}.toml").read_text(encoding="utf-8") for name in studies()}
    return {name: tomllib.loads(text)["title"] for name, text in texts.items()}


def _sha(file: Path) -> str:
    import hashlib

    return hashlib.sha256(file.read_bytes()).hexdigest()


def _tables(values: Mapping[str, object], file: str) -> Tables:
    try:
        return Tables.model_validate(values)
    except ValidationError as error:
        raise _told(error, file) from error


# How pydantic names the forms of a value that may have several.
_FORMS = ("function-after[", "list[")


def _told(error: ValidationError, file: str) -> BadInput:
    """Pydantic's first complaint in otosome's words."""
    found = error.errors()
    # Of a value that may be a text or a list, what is told is the complaint about the form that was given.
    apt = [e for e in found if e["type"] != "string_type" or not isinstance(e["input"], list)]
    first = (apt or found)[0]
    key = ".".join(str(part) for part in first["loc"] if not str(part).startswith(_FORMS))
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
    elif first["type"] in _LENGTHS:
        message, end, words = _LENGTHS[first["type"]]
        allowed = f"{words} {first['ctx'][end]}"
    allowed = _described(first["loc"]) or allowed
    return BadInput(message, file=file, key=key, given=given, allowed=allowed)


# What is said of a list or table of a wrong length, by pydantic's names of the complaint and of the end it passed.
_LENGTHS = {
    "too_short": ("holds too few", "min_length", "at least"),
    "too_long": ("holds too many", "max_length", "at most"),
}


def _keys(place: tuple[int | str, ...]) -> list[str]:
    """The keys allowed at a place of a study file."""
    return list(_table(place).model_fields)


def _described(place: tuple[int | str, ...]) -> str | None:
    """What the key at a place takes, where its table describes it."""
    known = _table(place).model_fields
    return next((known[part].description for part in place if isinstance(part, str) and part in known), None)


def _table(place: tuple[int | str, ...]) -> type[BaseModel]:
    """The table of a study file that a place lies in."""
    of_key: dict[str, type[BaseModel]] = {
        "population": PopulationUse, "insult": InsultUse, "treatment": Treatment, "device": DeviceUse,
        "recovery": RecoveryUse, "sample": SampleUse, "arm": Arm, "measure": Measure, "compare": Compare,
        "enrolment": Enrolment, "preference": Preference, "numbers": Number,
    }  # fmt: skip
    return of_key.get(str(place[0]), Tables) if len(place) > 1 else Tables


def _of_person(study: Study, told: Mapping[str, object]) -> Study:
    """A study of one person in the place of its people, without what it pinned of these or took them in by."""
    tables = study.tables
    kept = {
        table: {n: v for n, v in getattr(tables, table).items() if not n.startswith("populations.")}
        for table in ("numbers", "curves")
    }
    try:
        use = PopulationUse.model_validate(told)
    except ValidationError as error:
        raise _told(error, study.name) from error
    made = tables.model_copy(update={"population": use, "enrolment": None, **kept})
    alone = "One person is given, so the study's enrolment by a reading chooses nobody."
    return replace(
        study, tables=made, notes=(*study.notes, *([alone] if tables.enrolment is not None else []))
    )


def _with_people(study: Study, file: Path, audiogram: Path | None) -> Study:
    """Take the audiograms a study names, or the one given instead, into the study itself."""
    from otosome.study.people import as_far_as_read, with_readings

    use = study.tables.population
    if use is None or use.audiogram is None or use.readings is not None:
        return study
    own = _beside(file.parent, use.audiogram) if audiogram is None else audiogram
    taken, said, unreadable = with_readings(use, own, study.catalog)
    made = replace(
        study,
        unreadable=unreadable,
        tables=study.tables.model_copy(update={"population": taken}),
        inputs={**study.inputs, str(own): _sha(own)},
    )
    try:
        unread = made.unread
    except BadInput as error:
        raise as_far_as_read(at(error, own.name, error.key), own.name, unreadable) from error
    if unread:
        said.append(
            f"Not used of {own.name}: {', '.join(unread)}. No measure of the study has that name, and no "
            "endpoint of that name can do without more words."
        )
    return replace(made, notes=(*study.notes, *said))


def _beside(folder: Path, name: str) -> Path:
    file = (folder / name).resolve()
    if not file.is_relative_to(folder.resolve()) or not file.is_file():
        raise BadInput(
            "is no file beside the study", key="population.audiogram", given=name,
            cure="copy it there, or give it with --audiogram",
        )  # fmt: skip
    return file


def _with_batches(study: Study, folder: Path, batch: Path | None) -> Study:
    """Take the batch files a study names, or the one given instead, into the study itself."""
    from otosome.lots.reading import read_lot

    tables = study.tables
    named, held = _batches(tables), dict(tables.batch)
    notes, inputs = list(study.notes), dict(study.inputs)
    shelf = study.catalog.names("batches")
    for place, wanted in list(named.items()):
        file = _batch_file(study, place, wanted, folder, batch)
        if file is None:
            continue
        made = read_lot(file, study.catalog)
        batch_name = _free(made.name, dict(made.values), held, shelf)
        held[batch_name] = dict(made.values)
        named[place] = batch_name
        notes += [note for note in made.notes if note not in notes]
        inputs[str(file)] = _sha(file)
    used = {f"batches.{name}." for name in named.values()}
    gone = {f"batches.{name}." for name in _batches(tables).values()} - used
    kept = {
        table: {n: v for n, v in getattr(tables, table).items() if not n.startswith(tuple(gone))}
        for table in ("numbers", "curves")
    }
    taken = {
        table: {
            n: use.model_copy(update={"batch": named.get((table, n))})
            for n, use in getattr(tables, table).items()
        }
        for table in ("treatment", "device")
    }
    changed = tables.model_copy(update={**taken, "batch": held, **kept})
    return replace(study, tables=changed, notes=tuple(notes), inputs=inputs)


def _batches(tables: Tables) -> dict[tuple[str, str], str]:
    """The batch that each treatment, and each device that releases one, names: by table and name."""
    given = {("treatment", name): treatment.batch for name, treatment in tables.treatment.items()}
    released = {
        ("device", n): device.batch for n, device in tables.device.items() if device.batch is not None
    }
    return given | released


def _with_quality(study: Study, file: str, despite: bool) -> Study:
    """Refuse a batch that its own specification refuses, or say first that it was used all the same."""
    said = []
    for (table, name), batch in _batches(study.tables).items():
        options = study.batch(batch).card.options
        decision, reason = options.get("decision"), str(options.get("reason", ""))
        if decision == "refuse" and not despite:
            raise BadInput(
                f"its own specification refuses this lot ({reason})", file=file, key=f"{table}.{name}.batch",
                given=batch, cure="use another lot, or run it all the same with --despite-quality",
            )  # fmt: skip
        if decision == "refuse":
            said.append(f"{REFUSED} {batch}: {reason}.")
        elif decision == "cannot decide":
            said.append(f"Lot {batch} is neither released nor refused: {reason}.")
    return replace(study, notes=(*dict.fromkeys(said), *study.notes))


def _with_operations(study: Study) -> Study:
    """Say of which arms the ear is opened for a treatment without the harm of opening it."""
    said = []
    for arm in study.tables.arm:
        for name in arm.treatments:
            route = study.tables.treatment[name].route
            opens = study.catalog.get("routes", route).card.options.get("opens")
            if opens is not None and not any(study.is_event(use) for use in study.suffered(arm)):
                said.append(
                    f"The arm “{arm.name}” is given vesicles by {route}, which takes an operation, and suffers "
                    f"nothing by it: add an insult such as {opens} to count its harm."
                )
    return replace(study, notes=(*study.notes, *dict.fromkeys(said)))


def _with_volumes(study: Study) -> Study:
    """Say which single injections are more than all perilymph, or more than any middle ear holds."""
    said = []
    for name, treatment in study.tables.treatment.items():
        card, volume = study.catalog.get("routes", treatment.route).card, float(treatment.volume)
        if "outlet" in card.options and volume > study.perilymph:
            times = volume / study.perilymph
            said.append(
                f"The treatment “{name}” injects {volume:g} uL at a time, {times:.{0 if times > 10 else 1}f} times all "
                f"the perilymph of the ear ({study.perilymph:.3g} uL, both scalae, vestibule and canals): most of it "
                "only washes through, and what such a pressure does to the ear is not counted."
            )
        if "capacity" in card.parameters:
            held = study.parameters[f"routes.{treatment.route}.capacity"]
            if volume > held.high:
                said.append(
                    f"The treatment “{name}” gives {volume:g} uL at a time, and the middle ear holds {held.value:g} "
                    f"({held.low:g} to {held.high:g}) uL: the rest is taken as spilt."
                )
    return replace(study, notes=(*study.notes, *said))


def _free(name: str, values: dict[str, Any], held: Mapping[str, dict[str, Any]], shelf: list[str]) -> str:
    """A name under which a batch stands for no other one: its own, or its own and a number."""
    names = (name if n == 1 else f"{name}_{n}" for n in itertools.count(1))
    return next(one for one in names if held.get(one, values) == values and one not in shelf)


def _batch_file(
    study: Study, place: tuple[str, str], wanted: str, folder: Path, batch: Path | None
) -> Path | None:
    """The file a batch is read from; None where the study or the shelf holds it.

    ``place``  the table and the name of what gives it
    ``batch``  takes the place of every batch but a vehicle's: no measured lot can stand for what holds nothing
    """
    from otosome.lots.reading import read_lot

    if wanted in study.tables.batch or wanted in study.catalog.names("batches"):
        return None if batch is None or _is_vehicle(study.batch(wanted).card) else batch
    own = _inside(folder, wanted, ".".join(place))
    if batch is None:
        return own
    lot = read_lot(own, study.catalog)
    return own if _is_vehicle(make_card(lot.values, "batches", lot.name, own.name)) else batch


def _is_vehicle(batch: Card) -> bool:
    """Whether a batch holds no particles."""
    particles = batch.parameters.get("particles")
    return particles is not None and all(p.value == 0 for p in particles.values())


def _inside(folder: Path, name: str, use: str) -> Path:
    file = (folder / name).resolve()
    if not file.is_relative_to(folder.resolve()):
        raise BadInput(
            "lies outside the study's folder", key=f"{use}.batch", given=name,
            cure="copy the file beside the study, or give it with --batch",
        )  # fmt: skip
    if not file.is_file():
        raise BadInput(
            "is neither a batch of the shelf nor a file beside the study",
            key=f"{use}.batch", given=name, allowed=Catalog().names("batches"),
        )  # fmt: skip
    return file


def explicit(study: Study, seed: int | None = None) -> dict[str, object]:
    """The study as plain values with every default, number and source, which re-runs it."""
    values = study.tables.model_dump(exclude_none=True)
    values["version"] = __version__
    if seed is not None:
        values["seed"] = seed
    values["mechanisms"] = list(study.mechanisms)
    values["until"] = f"{study.until!r} h"
    values["numbers"] = {
        name: _stated(p, shelf=name not in study.tables.numbers or study.tables.numbers[name].shelf)
        for name, p in study.parameters.items()
    }
    values["curves"] = {
        name: _drawn(c, shelf=name not in study.tables.curves or study.tables.curves[name].shelf)
        for name, c in study.curves.items()
    }
    return {key: values[key] for key in Tables.model_fields if key in values}


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
        "linked": dict(parameter.linked),
        "shelf": shelf,
    }
    if parameter.source is not None:
        stated["source"] = parameter.source
    return stated


def _drawn(curve: Curve, shelf: bool) -> dict[str, object]:
    stated: dict[str, object] = {
        "basis": curve.basis,
        "because": curve.because,
        "species": curve.species,
        "shelf": shelf,
        "columns": {key: list(column) for key, column in curve.columns.items()},
    }
    if curve.source is not None:
        stated["source"] = curve.source
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
