"""A design's file -> the design it names, with what the shelf or a laboratory's own readings say where it is silent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from otosome.cards import checked, read_toml
from otosome.catalog import Catalog, Entry
from otosome.errors import BadInput, at
from otosome.evidence import Parameter
from otosome.files import sha256
from otosome.roles import Design, Options
from otosome.trials.beliefs import grounds, shelf_beliefs
from otosome.trials.following import Followed, Following
from otosome.trials.own_spread import SpreadFrom, own_spread
from otosome.trials.simulated import Simulate, study_of

if TYPE_CHECKING:
    from otosome.study import Study

TEMPLATES = Path(__file__).with_name("templates")
# What new trial writes where no design is named, and what is none.
USUAL, DOSE = "animal_experiment", "dose"


@dataclass(frozen=True)
class _Head(Options):
    """What stands above the keys of the design itself."""

    design: str
    title: str = ""
    species: str = "mouse"
    consequence: str = ""
    spread_from: SpreadFrom | None = None
    simulate: Simulate | None = None
    followed: Followed | None = None


@dataclass(frozen=True)
class Question:
    """A design as a person asks about it.

    ``entry``   of the shelf;  ``stated``  the keys of the file;  ``notes``  which numbers it did not state
    ``beside``  the folder of the file;  ``simulate``, ``followed``  what to simulate, where it says so
    ``inputs``  SHA-256 of each file that was read, by path
    ``consequence``  of a wrong decision, in words
    ``numbers``  that the file did not state, of the design's entry on the shelf, by key, for ``species``
    ``believed``  whether its beliefs are those of the published experiments
    """

    name: str
    title: str
    entry: str
    design: Design
    stated: Mapping[str, object]
    beside: Path
    simulate: Simulate | None = None
    notes: tuple[str, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    consequence: str = ""
    followed: Followed | None = None
    species: str = ""
    numbers: tuple[str, ...] = ()
    believed: bool = False


def design_template(design: str = USUAL) -> str:
    """A commented file of a design to fill in; raises BadInput for one that has none."""
    there = sorted(file.stem for file in TEMPLATES.glob("*.toml") if file.stem != DOSE)
    if design not in there:
        raise BadInput(
            "has no file to fill in",
            key="new trial",
            given=design,
            allowed=there,
            cure="begin with one of these; otosome list designs has every design with its keys",
        )
    return (TEMPLATES / f"{design}.toml").read_text(encoding="utf-8")


def dose_template() -> str:
    """A commented file of a dose that is sought."""
    return (TEMPLATES / f"{DOSE}.toml").read_text(encoding="utf-8")


def read_design(file: Path, catalog: Catalog, formula: bool = False) -> Question:
    """A design's file; raises BadInput naming file, key, value given and values allowed.

    ``formula``  answered by formula alone, so that the study of ``[simulate]`` is not read
    """
    values = read_toml(file)
    with at(str(file)):
        question = design_of(values, file.stem, file.parent, catalog, formula)
    return replace(question, inputs={str(file): sha256(file), **question.inputs})


def design_of(
    values: Mapping[str, object], name: str, beside: Path, catalog: Catalog, formula: bool = False
) -> Question:
    """A design by the keys and values of its file; raises BadInput.

    ``beside``  the folder from which it names others
    """
    head_keys = {f.name for f in fields(_Head)}
    head = cast(_Head, checked(_Head, {key: values[key] for key in values if key in head_keys}))
    for key, shelf in (("species", "species"), ("design", "designs")):
        if getattr(head, key) not in catalog.names(shelf):
            raise BadInput("is not known", key=key, given=getattr(head, key), allowed=catalog.names(shelf))
    entry = catalog.get("designs", head.design)
    stated = {key: value for key, value in values.items() if key not in head_keys}
    _refuse_unknown(stated, {*_keys(entry), *head_keys})
    notes, inputs = list[str](), dict[str, str]()
    whole: dict[str, object] = dict(stated)
    if head.spread_from is not None:
        with at(key="spread_from"):
            own = own_spread(beside, head.spread_from)
        _fit_keys(entry, own.values, stated)
        whole |= {key: value for key, value in own.values.items() if key in _keys(entry)}
        notes.append(own.words)
        inputs |= own.inputs
    numbers, believed = _silent(entry, whole), "belief" in _keys(entry) - set(whole)
    notes += _from_shelf(entry, head.species, whole, catalog)
    design = cast(Design, checked(entry.formula, whole))
    design.check()
    _check_followed(head, design, catalog)
    if head.simulate is not None:
        head = replace(head, simulate=_in_runs(head.simulate, design))
    if head.simulate is not None and not formula:
        with at(key="simulate"):
            inputs |= _inputs(head.simulate, beside, study_of(head.simulate, beside, catalog))
    return Question(
        name,
        head.title or name,
        head.design,
        design,
        stated,
        beside,
        head.simulate,
        tuple(notes),
        inputs,
        head.consequence,
        head.followed,
        head.species,
        numbers,
        believed,
    )


def _in_runs(protocol: Simulate, design: Design) -> Simulate:
    """The protocol with the exposure runs that the design states, where it states none itself."""
    each = getattr(design, "run_animals", None)
    if each is None or protocol.run_animals is not None or protocol.analysis == "paired":
        return protocol
    return replace(protocol, run_animals=each, runs=getattr(design, "runs", "apart"))


def _refuse_unknown(stated: Mapping[str, object], known: set[str]) -> None:
    """Refuse a key that is none of a design's, nor one of the tables beside it; raises BadInput."""
    for key, value in stated.items():
        if key not in known:
            raise BadInput("is not a key here", key=key, given=value, allowed=sorted(known))


def _check_followed(head: _Head, design: Design, catalog: Catalog) -> None:
    """Refuse people followed in a design that follows nobody, or beside ears; raises BadInput."""
    if head.followed is None:
        return
    with at(key="followed"):
        if not isinstance(getattr(design, "following", None), Following):
            raise BadInput("follows nobody for adverse events", given=head.design, allowed=["safety"])
        if head.simulate is not None:
            raise BadInput("stands beside [simulate]: one of them in a file", given="followed")
        adverse_events = [
            n
            for n in catalog.names("adverse_events")
            if "risk" in catalog.get("adverse_events", n).card.parameters
        ]
        head.followed.check(adverse_events)


def _inputs(protocol: Simulate, beside: Path, study: Study) -> dict[str, str]:
    """SHA-256 of a simulated study's file, where it is one, and of the files it names."""
    own = beside / protocol.study
    return {**({str(own): sha256(own)} if own.is_file() else {}), **study.inputs}


def _keys(entry: Entry[Options, Design]) -> set[str]:
    assert entry.formula is not None  # every entry of this shelf has one of its own
    return {f.name for f in fields(entry.formula)}


def _fit_keys(
    entry: Entry[Options, Design], own: Mapping[str, str | int | list[str]], stated: Mapping[str, object]
) -> None:
    """Refuse readings a design has no use for, and a number stated beside them."""
    if not _keys(entry) & set(own):
        raise BadInput(f"{entry.name} has no use for it", key="spread_from", allowed=sorted(_keys(entry)))
    for key in own:
        if key in stated:
            raise BadInput("is stated, and read from the laboratory's own readings too", key=key)


def _from_shelf(
    entry: Entry[Options, Design], species: str, whole: dict[str, object], catalog: Catalog
) -> list[str]:
    """Add the shelf's numbers where the file states none; what was added, in words."""
    assert entry.formula is not None
    missing = {key: entry.card.parameter(key, species) for key in _silent(entry, whole)}
    whole |= {key: number.given for key, number in missing.items()}
    if "spread" in missing and "spread_range" in _keys(entry):
        whole.setdefault("spread_range", _ends(missing["spread"])[::2])
    words = [f"{key} {number.given} ({_grounds(number)})" for key, number in missing.items()]
    if "belief" in _keys(entry) and "belief" not in whole:
        beliefs = shelf_beliefs(catalog)
        whole["belief"] = {name: list(ends) for name, ends in beliefs.items()}
        ends = ", ".join(f"{name} {best} ({low} to {high})" for name, (low, best, high) in beliefs.items())
        words.append(f"beliefs of the true benefit {ends} ({grounds(catalog)})")
    return [f"Not stated, so from the shelf: {'; '.join(words)}."] if words else []


def _silent(entry: Entry[Options, Design], stated: Mapping[str, object]) -> tuple[str, ...]:
    """The numbers of a design that its file does not state and the shelf does."""
    assert entry.formula is not None
    return tuple(key for key in entry.card.parameters if key in _needed(entry.formula) - set(stated))


def _needed(formula: type) -> set[str]:
    """Keys that a design cannot do without."""
    return {f.name for f in fields(formula) if f.default is f.default_factory is MISSING}


def _ends(number: Parameter) -> list[str]:
    """A number's 5 %, its best value and its 95 %, with their unit."""
    return [f"{end:g} {number.unit}" for end in (number.low, number.value, number.high)]


def _grounds(number: Parameter) -> str:
    return number.basis if number.source is None else f"{number.basis}, {number.source}"
