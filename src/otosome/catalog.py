"""Find an entry by name: the folder listing is the registry.

An entry is a TOML file on a shelf and, where its formula differs from the shared one, a Python file of the
same stem holding one frozen dataclass. A second folder of shelves is a person's own code: it is named on
the command line or in Python, never in a data file.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast, get_type_hints, overload

import numpy as np

from otosome.cards import Card, make_card, read_card, read_source
from otosome.errors import OWN, BadInput
from otosome.evidence import Curve, Parameter, Source
from otosome.files import sha256
from otosome.roles import (
    AdverseEvent,
    AdverseEventOptions,
    AssayOptions,
    BatchOptions,
    CaseOptions,
    ChecklistOptions,
    ClaimOptions,
    Design,
    Device,
    DeviceOptions,
    Effect,
    EffectOptions,
    Endpoint,
    EndpointOptions,
    ExperimentOptions,
    ForecastOptions,
    Instrument,
    InstrumentOptions,
    Insult,
    InsultOptions,
    Map,
    MapOptions,
    Material,
    MaterialOptions,
    MeasurementOptions,
    Mechanism,
    Options,
    Population,
    PopulationOptions,
    ProcessOptions,
    Recovery,
    RecoveryOptions,
    ResolutionOptions,
    Route,
    RouteOptions,
    ScaleOptions,
    SoluteOptions,
    SpeciesOptions,
    SpecificationOptions,
    StrainOptions,
    ToleranceOptions,
    UtilityOptions,
)
from otosome.units import Array, Unit, same_kind

if TYPE_CHECKING:
    from otosome.model.grades import Scale
    from otosome.model.transport import Solute

SHIPPED = Path(__file__).parent / "shelves"
SHELVES = (
    "species",
    "solutes",
    "cells",
    "batches",
    "routes",
    "insults",
    "mechanisms",
    "effects",
    "endpoints",
    "instruments",
    "maps",
    "scales",
    "populations",
    "cases",
    "claims",
    "assays",
    "specifications",
    "checklists",
    "processes",
    "materials",
    "devices",
    "recoveries",
    "adverse_events",
    "utilities",
    "tolerances",
    "designs",
    "measurements",
    "strains",
    "experiments",
    "forecasts",
    "resolutions",
)
# Shelves by the names they had.
RENAMED = {"observations": "cases", "harms": "adverse_events"}
# The formula an entry without a .py has.
_SHARED = {
    "routes": ("otosome.model.transport", "Delivery"),
    "solutes": ("otosome.model.transport", "Solute"),
    "insults": ("otosome.model.injury", "Trauma"),
    "mechanisms": ("otosome.model.injury", "Mechanism"),
    "effects": ("otosome.model.injury", "DrugEffect"),
    "maps": ("otosome.model.tonotopy", "Greenwood"),
    "scales": ("otosome.model.grades", "Scale"),
    "materials": ("otosome.model.speech", "Material"),
    "recoveries": ("otosome.model.recovery", "Recovery"),
    "adverse_events": ("otosome.model.adverse_events", "AdverseEvent"),
}


Stated = TypeVar("Stated", bound=Options)
Role = TypeVar("Role")
Role_co = TypeVar("Role_co", covariant=True)
Stated_co = TypeVar("Stated_co", bound=Options, covariant=True)


@dataclass(frozen=True)
class Entry(Generic[Stated_co, Role_co]):
    """One entry of a shelf: its card (numbers, options) and its formula."""

    card: Card
    formula: type | None

    @property
    def options(self) -> Stated_co:
        """The options of its shelf, as its file states them."""
        return cast(Stated_co, self.card.options)

    @property
    def name(self) -> str:
        """Its stem: ``cisplatin``."""
        return self.card.stem

    def parameters(self, species: str) -> dict[str, Parameter]:
        """Its numbers for a species, by key; raises BadInput where the species lacks one."""
        return {key: self.card.parameter(key, species) for key in self.card.parameters}

    def columns(self, columns: Mapping[str, Array], species: str) -> dict[str, Array]:
        """Its own of the columns of many numbers, by key, each of shape (subject,)."""
        prefix = f"{self.card.shelf}.{self.card.stem}."
        return {key: np.asarray(columns[prefix + key], dtype=float) for key in self.card.parameters}

    def bind(self, columns: Mapping[str, Array], species: str, **options: object) -> Role_co:
        """The formula with its numbers.

        ``columns``  by full name, each of shape (subject,); the formula has them as (subject, 1, 1)
        ``options``  of its fields, as a study states them; they go before those of its file
        raises  BadInput if the entry lacks what its formula asks for
        """
        if self.formula is None:
            raise BadInput(f"{self.card.shelf}.{self.name} has no formula", file=self.card.file)
        numbers = self.columns(columns, species)
        stated: dict[str, object] = {**self.card.stated, **options}
        for wanted in fields(self.formula):
            if wanted.name in numbers:
                stated[wanted.name] = numbers[wanted.name][:, None, None]
            elif wanted.name in self.card.profiles and wanted.name not in options:
                stated[wanted.name] = self.card.profile(wanted.name, species)
        names = {wanted.name for wanted in fields(self.formula)}
        lacking = [f.name for f in fields(self.formula) if f.name not in stated and _required(f)]
        if lacking:
            raise BadInput(
                f"{self.card.shelf}.{self.name} lacks {lacking[0]}", file=self.card.file, key=lacking[0]
            )
        bound = self.formula(**{name: _frozen(value) for name, value in stated.items() if name in names})
        return cast(Role_co, bound)


def _required(wanted: Field[object]) -> bool:
    return wanted.default is MISSING and wanted.default_factory is MISSING


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True)
class Catalog:
    """The shipped shelves and any folders of one's own; raises BadInput for a folder that is not there.

    A shelf's folders are listed and an entry is read once, when first asked for: a study asks hundreds of times.

    ``own``     folders that the person named: they may hold code
    ``beside``  the folder ``shelves`` that lies beside a study, data alone: code in it is never run
    ``curves``  by full name, in place of those the shelves hold
    """

    own: tuple[Path, ...] = ()
    beside: Path | None = None
    curves: Mapping[str, Curve] = field(default_factory=dict, hash=False)
    _listed: dict[str, dict[str, Path]] = field(default_factory=dict, init=False, compare=False, repr=False)
    _known: dict[tuple[str, str], Entry[Options, Any]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def __post_init__(self) -> None:
        for folder in self.own:
            if not folder.is_dir():
                raise BadInput("is not a folder", file=str(folder), cure="name a folder that holds shelves")
        for root in self.roots:
            for former, shelf in RENAMED.items():
                if (root / former).is_dir():
                    raise BadInput(
                        f"is the shelf {shelf} now", file=str(root / former), cure=f"rename it {shelf}"
                    )

    def __reduce__(self) -> tuple[object, ...]:
        """For another process: it reads for itself what it asks for."""
        return Catalog, (self.own, self.beside, self.curves)

    @classmethod
    def of_study(cls, folder: Path | None, own: tuple[Path, ...] = ()) -> Catalog:
        """The shelves of a study that lies in a folder: those named, and the folder ``shelves`` beside it."""
        beside = None if folder is None else folder / "shelves"
        if beside is not None and not any(beside.rglob("*.py")):
            # Named or not, a folder of data alone beside a study is its own, and goes with its results.
            own = tuple(root for root in own if root.resolve() != beside.resolve() or not root.is_dir())
        named = {root.resolve() for root in own}
        if beside is None or not beside.is_dir() or beside.resolve() in named:
            return cls(tuple(own))
        return cls(tuple(own), beside)

    @property
    def roots(self) -> tuple[Path, ...]:
        """Every folder of one's own, those named first."""
        return self.own if self.beside is None else (*self.own, self.beside)

    def names(self, shelf: str) -> list[str]:
        """The entries of a shelf; raises BadInput for an unknown shelf."""
        return sorted(self._files(shelf))

    @overload
    def get(self, shelf: Literal["species"], name: str) -> Entry[SpeciesOptions, object]: ...
    @overload
    def get(self, shelf: Literal["strains"], name: str) -> Entry[StrainOptions, object]: ...
    @overload
    def get(self, shelf: Literal["maps"], name: str) -> Entry[MapOptions, Map]: ...
    @overload
    def get(self, shelf: Literal["batches"], name: str) -> Entry[BatchOptions, object]: ...
    @overload
    def get(self, shelf: Literal["routes"], name: str) -> Entry[RouteOptions, Route]: ...
    @overload
    def get(self, shelf: Literal["insults"], name: str) -> Entry[InsultOptions, Insult]: ...
    @overload
    def get(self, shelf: Literal["populations"], name: str) -> Entry[PopulationOptions, Population]: ...
    @overload
    def get(self, shelf: Literal["recoveries"], name: str) -> Entry[RecoveryOptions, Recovery]: ...
    @overload
    def get(
        self, shelf: Literal["adverse_events"], name: str
    ) -> Entry[AdverseEventOptions, AdverseEvent]: ...
    @overload
    def get(self, shelf: Literal["materials"], name: str) -> Entry[MaterialOptions, Material]: ...
    @overload
    def get(self, shelf: Literal["devices"], name: str) -> Entry[DeviceOptions, Device]: ...
    @overload
    def get(self, shelf: Literal["endpoints"], name: str) -> Entry[EndpointOptions, Endpoint]: ...
    @overload
    def get(self, shelf: Literal["instruments"], name: str) -> Entry[InstrumentOptions, Instrument]: ...
    @overload
    def get(self, shelf: Literal["cases"], name: str) -> Entry[CaseOptions, object]: ...
    @overload
    def get(self, shelf: Literal["claims"], name: str) -> Entry[ClaimOptions, object]: ...
    @overload
    def get(self, shelf: Literal["forecasts"], name: str) -> Entry[ForecastOptions, object]: ...
    @overload
    def get(self, shelf: Literal["resolutions"], name: str) -> Entry[ResolutionOptions, object]: ...
    @overload
    def get(self, shelf: Literal["experiments"], name: str) -> Entry[ExperimentOptions, object]: ...
    @overload
    def get(self, shelf: Literal["scales"], name: str) -> Entry[ScaleOptions, Scale]: ...
    @overload
    def get(self, shelf: Literal["assays"], name: str) -> Entry[AssayOptions, object]: ...
    @overload
    def get(self, shelf: Literal["specifications"], name: str) -> Entry[SpecificationOptions, object]: ...
    @overload
    def get(self, shelf: Literal["checklists"], name: str) -> Entry[ChecklistOptions, object]: ...
    @overload
    def get(self, shelf: Literal["processes"], name: str) -> Entry[ProcessOptions, object]: ...
    @overload
    def get(self, shelf: Literal["designs"], name: str) -> Entry[Options, Design]: ...
    @overload
    def get(self, shelf: Literal["tolerances"], name: str) -> Entry[ToleranceOptions, object]: ...
    @overload
    def get(self, shelf: Literal["utilities"], name: str) -> Entry[UtilityOptions, object]: ...
    @overload
    def get(self, shelf: Literal["mechanisms"], name: str) -> Entry[Options, Mechanism]: ...
    @overload
    def get(self, shelf: Literal["effects"], name: str) -> Entry[EffectOptions, Effect]: ...
    @overload
    def get(self, shelf: Literal["measurements"], name: str) -> Entry[MeasurementOptions, object]: ...
    @overload
    def get(self, shelf: Literal["solutes"], name: str) -> Entry[SoluteOptions, Solute]: ...
    @overload
    def get(self, shelf: str, name: str) -> Entry[Options, Any]: ...
    def get(self, shelf: str, name: str) -> Entry[Options, Any]:
        """An entry by name; raises BadInput that lists the names there are."""
        if (shelf, name) not in self._known:
            entry = _load(self.file(shelf, name), shelf)
            self._check_names(entry.card)
            self._known[shelf, name] = self.restated(entry)
        return self._known[shelf, name]

    def strains(self, species: str) -> list[str]:
        """The strains of a species."""
        return [
            name for name in self.names("strains") if self.get("strains", name).options.species == species
        ]

    def batch(self, values: Mapping[str, object], name: str, file: str) -> Entry[BatchOptions, object]:
        """A batch that a study holds itself, from plain values; raises BadInput naming file and key."""
        return self.restated(Entry(make_card(values, "batches", name, file), None))

    def _check_data(self, file: Path) -> None:
        """Refuse an entry beside a study that holds code, or leads out of its folder."""
        if self.beside is None or not file.is_relative_to(self.beside):
            return
        if file.with_suffix(".py").exists():
            raise BadInput(
                "comes with code, and a folder beside a study is data alone",
                file=str(file.with_suffix(".py")),
                cure=f"read it; if you trust it, name its folder: --shelves {self.beside}",
            )
        if not file.resolve().is_relative_to(self.beside.resolve()):
            raise BadInput("leads out of the study's folder", file=str(file), cure="copy what it leads to")

    def _check_names(self, card: Card) -> None:
        """Refuse an option that names an entry there is not."""
        for key, named in card.names.items():
            allowed = {*named.words, *(name for shelf in named.shelves for name in self._files(shelf))}
            for word in named.in_value(getattr(card.options, key)):
                if word not in allowed:
                    raise BadInput(
                        f"names nothing on {' or '.join(named.shelves)}",
                        file=card.file,
                        key=key,
                        given=word,
                        allowed=sorted(allowed),
                    )

    def restated(self, entry: Entry[Stated, Role]) -> Entry[Stated, Role]:
        """An entry with the curves that stand in place of its own."""
        prefix = f"{entry.card.shelf}.{entry.name}."
        stated = {
            key: {"": self.curves[prefix + key]} for key in entry.card.profiles if prefix + key in self.curves
        }
        return replace(entry, card=replace(entry.card, profiles={**entry.card.profiles, **stated}))

    def source(self, key: str) -> Source:
        """A source by key, as one's own folder states it where it does; raises BadInput if no shelf has it."""
        return read_source(self.source_file(key))

    def source_file(self, key: str) -> Path:
        """The file of a source, one's own before the shipped; raises BadInput if no shelf has it."""
        for root in (*self.roots, SHIPPED):
            file = root / "sources" / f"{key}.toml"
            if _is_stem(key) and file.is_file():
                self._check_data(file)
                return file
        raise BadInput(
            f"no source {key!r}",
            given=key,
            cure=f"add sources/{key}.toml on your own shelf, with title and link: otosome new case begins one",
        )

    def file(self, shelf: str, name: str) -> Path:
        """The file of an entry; raises BadInput that lists the names there are."""
        files = self._files(shelf)
        if name not in files:
            raise BadInput(f"{shelf}: no {name!r}", given=name, allowed=sorted(files))
        self._check_data(files[name])
        return files[name]

    def _files(self, shelf: str) -> dict[str, Path]:
        if shelf not in self._listed:
            self._listed[shelf] = self._list(shelf)
        return self._listed[shelf]

    def _list(self, shelf: str) -> dict[str, Path]:
        if shelf not in SHELVES:
            raise BadInput(f"no shelf {shelf!r}", given=shelf, allowed=list(SHELVES))
        files: dict[str, Path] = {}
        for root in (SHIPPED, *self.roots):
            for file in _shipped(shelf) if root == SHIPPED else sorted((root / shelf).glob("*.toml")):
                known = files.get(file.stem)
                if known is not None and SHIPPED not in known.parents and sha256(known) == sha256(file):
                    continue  # one's own entry, and the copy of it in a result
                if known is not None:
                    whose = "a shipped entry" if SHIPPED in known.parents else f"that of {known.parent}"
                    raise BadInput(
                        f"{shelf}.{file.stem} would shadow {whose}",
                        file=str(file),
                        cure="give it another name",
                    )
                files[file.stem] = file
            for file in (root / shelf).glob("*.py") if root != self.beside else ():
                if file.stem != "__init__" and not file.with_suffix(".toml").is_file():
                    raise BadInput(
                        "has a formula but no numbers", file=str(file), cure=f"add {file.stem}.toml"
                    )
        return files


@cache
def _shipped(shelf: str) -> list[Path]:
    """The files of a shipped shelf, which stay while the program runs."""
    return sorted((SHIPPED / shelf).glob("*.toml"))


def _is_stem(name: str) -> bool:
    return name.replace("_", "a").isalnum()


@lru_cache(maxsize=512)
def _load(file: Path, shelf: str) -> Entry[Options, object]:
    code = file.with_suffix(".py")
    formula = _formula_in(_module(code, shelf), code) if code.is_file() else _shared_formula(shelf)
    card = read_card(file, shelf, formula)
    if formula is not None:
        _check_keys(card, formula)
        _check_units(card, formula)
    return Entry(card, formula)


def _module(code: Path, shelf: str) -> ModuleType:
    if code.parent.parent == SHIPPED:
        return importlib.import_module(f"otosome.shelves.{shelf}.{code.stem}")
    spec = importlib.util.spec_from_file_location(f"{OWN}.{shelf}.{code.stem}", code)
    if spec is None or spec.loader is None:
        raise BadInput("cannot be loaded as Python", file=str(code))
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks its module up by name while it is being made.
    import sys

    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise BadInput(
            f"is not Python: {error.msg}", file=error.filename, key=f"line {error.lineno}"
        ) from error
    except ImportError as error:
        raise _wrong_import(code, error) from error
    return module


def _wrong_import(code: Path, error: ImportError) -> BadInput:
    """What a formula of one's own imports and cannot have: the first line, and for all of them where they are now."""
    absent = [name for name in _imports(code) if not _is_there(*name[1:])]
    if not absent:
        return BadInput(
            f"cannot import what it needs: {error}", file=str(code), cure="install it beside otosome"
        )
    line, module, name = absent[0]
    return BadInput(
        f"imports {f'{name} from ' if name else ''}{module}, where otosome does not have it",
        file=str(code),
        key=f"line {line}",
        cure="; ".join(dict.fromkeys(_right_import(module, name) for _, module, name in absent)),
    )


def _imports(code: Path) -> list[tuple[int, str, str]]:
    """Every import of otosome in a file: line, module, and the name out of it, "" for the module itself."""
    nodes = list(ast.walk(ast.parse(code.read_text(encoding="utf-8"))))
    whole = [(node.lineno, a.name, "") for node in nodes if isinstance(node, ast.Import) for a in node.names]
    parts = [
        (node.lineno, str(node.module), alias.name)
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    return sorted(name for name in whole + parts if name[1].partition(".")[0] == "otosome")


def _is_there(module: str, name: str) -> bool:
    try:
        loaded = importlib.import_module(module)
        return not name or hasattr(loaded, name) or _is_there(f"{module}.{name}", "")
    except ModuleNotFoundError:
        return False


def _right_import(module: str, name: str) -> str:
    """The line that imports it now, or the page that says what is where."""
    wanted = name or module.rpartition(".")[2]
    defined = re.compile(rf"^(?:class|def) {wanted}\b|^{wanted}(?:: [^=\n]+)? = ", re.MULTILINE)
    package = Path(__file__).parent
    for file in sorted(package.rglob("*.py")):
        parts = file.relative_to(package.parent).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if parts[-1] == wanted:
            return (
                f"write: from {'.'.join(parts[:-1])} import {wanted}"
                if name
                else f"write: import {'.'.join(parts)}"
            )
        if "shelves" not in parts and defined.search(file.read_text(encoding="utf-8")):
            return f"write: from {'.'.join(parts)} import {wanted}"
    return f"docs/architecture.md says where otosome keeps what {wanted} was for"


def _formula_in(module: ModuleType, code: Path) -> type:
    name = "".join(part.capitalize() for part in code.stem.split("_"))
    classes = [c for _, c in inspect.getmembers(module, inspect.isclass) if c.__module__ == module.__name__]
    formulas = [c for c in classes if c.__name__.lower() == name.lower() and is_dataclass(c)]
    if len(formulas) != 1:
        raise BadInput(
            f"holds no frozen dataclass {name}", file=str(code), given=[c.__name__ for c in classes]
        )
    return formulas[0]


def _shared_formula(shelf: str) -> type | None:
    if shelf not in _SHARED:
        return None
    module, name = _SHARED[shelf]
    formula: type = getattr(importlib.import_module(module), name)
    return formula


# Solutes hold numbers that make a solute of them (a size, a molar mass), instruments numbers of their readings.
_CLOSED = (
    "routes",
    "insults",
    "mechanisms",
    "effects",
    "endpoints",
    "materials",
    "devices",
    "recoveries",
    "adverse_events",
)


def _check_keys(card: Card, formula: type) -> None:
    known = [wanted.name for wanted in fields(formula)]
    for key in card.parameters if card.shelf in _CLOSED else ():
        if key not in known:
            raise BadInput("is not a number its formula uses", file=card.file, key=key, allowed=known)


def _check_units(card: Card, formula: type) -> None:
    hints = get_type_hints(formula, include_extras=True)
    for key, by_species in card.parameters.items():
        wanted = _unit_of(hints.get(key))
        for parameter in by_species.values():
            if wanted is not None and not same_kind(parameter.unit, wanted):
                raise BadInput(
                    f"unit is {parameter.unit!r}; expected one convertible to {wanted!r}",
                    file=card.file,
                    key=key,
                )


def _unit_of(hint: object) -> str | None:
    for annotated in (hint, *getattr(hint, "__args__", ())):
        for item in getattr(annotated, "__metadata__", ()):
            if isinstance(item, Unit):
                return item.text
    return None


def names(shelf: str) -> list[str]:
    """The shipped entries of a shelf."""
    return Catalog().names(shelf)


def get(shelf: str, name: str) -> Entry[Options, Any]:
    """A shipped entry by name."""
    return Catalog().get(shelf, name)
