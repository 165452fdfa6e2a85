"""Study files: read and checked from the first key to the last, and written with every number they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from otosome import __version__
from otosome.cards import LARGEST_FILE, parse_toml, read_toml
from otosome.catalog import SHIPPED, Catalog
from otosome.errors import BadInput, at
from otosome.evidence import Curve, Parameter
from otosome.files import content, named_in_text, regular, sha256
from otosome.study import drafted
from otosome.study.checks import check_study
from otosome.study.inputs import Inputs, of_one_person, with_inputs
from otosome.study.notes import with_notes
from otosome.study.reading import tables_of
from otosome.study.study import Study
from otosome.study.tables import Tables
from otosome.units import Json

STUDIES = SHIPPED / "studies"
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
    values: Json | None = None,
) -> Study:
    """A study by file or by the name of a shipped one, checked from the first key to the last.

    ``shelves``  folders of one's own shelves, which may hold code; a folder ``shelves`` beside the file is read as data
    ``batch``    the record of a lot, a batch TOML or an instrument export, in the place of the study's vesicle batch
    ``allow_retracted``  keys of retracted sources that may be used all the same
    ``despite_quality``  whether a batch that its own specification refuses may be used all the same
    ``audiogram``  a person's audiogram file: this ear in the place of whatever population the study names
    ``person``, ``ear``  whose, where the file holds several; "left", "right" or the "better" one, if none is named
    ``interpolate``  whether a frequency between two tested ones may be taken from them where a mean needs it
    ``values``   in the place of what the file states; files that they name lie beside it all the same
    raises       BadInput: one message with file, key, value given, values allowed
    """
    file = file_of(study)
    raw = content(file, LARGEST_FILE) if values is None else b""
    read = Study(
        file.stem,
        tables_of(parse_toml(raw, str(file)) if values is None else values, file.name),
        Catalog.of_study(file.parent, tuple(shelves)),
        notes=drafted.note(raw.decode("utf-8-sig"), file.name),
        allowed=allow_retracted,
        inputs={str(file): sha256(file)},
    )
    whose = {"person": person, "ear": ear, "interpolate": interpolate or None}
    if audiogram is not None:
        use = {"entry": "own_audiogram", "audiogram": audiogram.name, **whose, "ear": ear or "better"}
        read = of_one_person(read, use)
    else:
        _refuse_whose(whose, file.name)
    return checked(read, file.name, Inputs(file.parent, batch, audiogram, despite_quality))


def _refuse_whose(whose: Mapping[str, object], file: str) -> None:
    for key, value in whose.items():
        if value:
            raise BadInput(
                "is about an audiogram, and none is given",
                file=file,
                key=key,
                given=value,
                cure="name its file: --audiogram FILE; or say it in the study's own [population]",
            )


def checked(study: Study, file: str, inputs: Inputs) -> Study:
    """A study with what its files hold and with its notes; raises BadInput for whatever is wrong with it."""
    with at(file):
        study = with_inputs(study, inputs)
    check_study(study, file)
    return with_notes(study)


def loads(
    text: str,
    name: str = "study",
    *,
    shelves: tuple[Path, ...] = (),
    catalog: Catalog | None = None,
    allow_retracted: tuple[str, ...] = (),
    check: bool = True,
) -> Study:
    """A study from TOML text, as ``load`` reads it from a file.

    ``catalog``  in place of the shelves
    ``check``  whether to check what single keys do not show; off for a study that was checked when it was saved
    """
    values = parse_toml(text.encode(), name)
    if check and catalog is None:
        return Study.of(values, name=name, shelves=shelves, allow_retracted=allow_retracted)
    shelved = Catalog(tuple(shelves)) if catalog is None else catalog
    study = Study(name, tables_of(values, name), shelved, allowed=allow_retracted)
    return checked(study, name, Inputs()) if check else study


def file_of(study: str | Path) -> Path:
    """A study's own file, or that of a shipped study by name; raises BadInput where there is none."""
    file = Path(study)
    named_in_text(file)
    regular(file)
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
    return {name: str(read_toml(STUDIES / f"{name}.toml")["title"]) for name in studies()}


def explicit(study: Study, seed: int | None = None) -> dict[str, object]:
    """The study as plain values with every default, number and source, which re-runs it."""
    pins = study.tables.numbers, study.tables.curves
    numbers = {
        name: _number(number, shelf=name not in pins[0] or pins[0][name].shelf)
        for name, number in study.parameters.items()
    }
    curves = {
        name: _curve(curve, shelf=name not in pins[1] or pins[1][name].shelf)
        for name, curve in study.curves.items()
    }
    values = {
        **study.as_dict(),
        "version": __version__,
        "mechanisms": list(study.mechanisms),
        "until": f"{study.until!r} h",
        "numbers": numbers,
        "curves": curves,
    }
    values.pop(
        "readings", None
    )  # they lie beside the study's own file; a result records which it was laid under
    if seed is not None:
        values["seed"] = seed
    return {key: values[key] for key in Tables.model_fields if key in values}


def _number(parameter: Parameter, shelf: bool) -> dict[str, object]:
    unit = f" {parameter.unit}" if parameter.unit else ""
    values: dict[str, object] = {
        "value": f"{parameter.value!r}{unit}",
        "low": f"{parameter.low!r}{unit}",
        "high": f"{parameter.high!r}{unit}",
        "shape": parameter.shape,
        "subjects": parameter.subjects,
        "alike": parameter.alike,
        "runs": parameter.runs,
        "lots": parameter.lots,
        "additive": parameter.additive,
        "basis": parameter.basis,
        "meaning": parameter.meaning,
        "because": parameter.because,
        "species": parameter.species,
        "linked": dict(parameter.linked),
        "fit": parameter.fit,
        "shelf": shelf,
    }
    return values if parameter.source is None else {**values, "source": parameter.source}


def _curve(curve: Curve, shelf: bool) -> dict[str, object]:
    values: dict[str, object] = {
        "basis": curve.basis,
        "because": curve.because,
        "species": curve.species,
        "shelf": shelf,
        "columns": {key: list(column) for key, column in curve.columns.items()},
    }
    return values if curve.source is None else {**values, "source": curve.source}


def saves(study: Study, seed: int | None = None) -> str:
    """The explicit form of a study as TOML text."""
    import tomli_w

    return tomli_w.dumps(explicit(study, seed))


def save(study: Study, file: Path, seed: int | None = None) -> None:
    """Write the explicit form of a study, which ``load`` reads; a file of that name is replaced in one step."""
    beside = file.with_name(file.name + ".part")
    beside.write_text(saves(study, seed), encoding="utf-8", newline="\n")
    beside.replace(file)
