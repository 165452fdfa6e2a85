"""What the page may ask of the command line: inputs of each verb as a browser states them, and the line they make."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from otosome import jobs
from otosome.errors import BadInput
from otosome.page.workspace import DOUBTED, OWN, Workspace
from otosome.results import usual

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Id = Annotated[str, Field(pattern="^[0-9a-f]{16}$", description="id of a file or result in the folder")]
Word = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]
Number = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
_WORDS = {"str": Word, "int": Number, "bool": bool, "float": Annotated[float, Field(allow_inf_nan=False)]}
# Where results go the page decides; shelves may hold code, which no browser names.
_PAGE_DECIDES = ("out", "force", "shelves", "copy", "reference")


@dataclass(frozen=True)
class Verb:
    """A verb: the type of its inputs, which of them stand without a name on the command line, and what is added."""

    inputs: type[DataclassInstance]
    plain: tuple[str, ...]
    always: tuple[str, ...] = ("--force",)


@dataclass(frozen=True, kw_only=True)
class ClaimsInputs:
    """Claims to be computed anew: by name, or all; with so many ears."""

    claim: tuple[str, ...] = ()
    ears: int = 40
    seed: int = 1


@dataclass(frozen=True, kw_only=True)
class CheckInputs:
    """Results to be checked against the evidence of now; ``rerun`` asks what has changed again, beside the old."""

    results: tuple[Path, ...]
    rerun: bool = False


VERBS: dict[str, Verb] = {
    "run": Verb(jobs.StudyInputs, ("study",)),
    "compare": Verb(jobs.StudyInputs, ("study",)),
    "measure": Verb(jobs.MeasureInputs, ("result",), ()),
    "trial": Verb(jobs.TrialInputs, ("designs",)),
    "optimise": Verb(jobs.DoseInputs, ("dose",)),
    "new": Verb(jobs.NewInputs, ("kind", "paths"), ()),
    "import": Verb(jobs.ImportInputs, ("paths",)),
    "fit": Verb(jobs.FitInputs, ("fit",)),
    "quality": Verb(jobs.QualityInputs, ("batch",)),
    "review": Verb(jobs.ReviewInputs, ("question",)),
    "claims": Verb(ClaimsInputs, ("claim",), ()),
    "check": Verb(CheckInputs, ("results",), ()),
}
# Options whose name on the command line is another than that of the field.
_NAMED = {"source": "from"}
# A study is a file, or one that came with otosome.
_FILE_OR_NAME = ("study",)


@functools.cache
def question(verb: str) -> type[BaseModel]:
    """The body of a request that asks a verb: its inputs, with ids for paths; nothing unknown is accepted."""
    kind = VERBS[verb].inputs
    hints = get_type_hints(kind)
    parts = {
        part.name: (
            _type(hints[part.name]),
            Field(
                ... if part.default is MISSING else list(part.default) if part.default == () else part.default
            ),
        )
        for part in fields(kind)
        if part.name not in _PAGE_DECIDES
    }
    name = f"{verb.capitalize()}Question"
    return create_model(name, __config__=ConfigDict(extra="forbid"), __doc__=f"``otosome {verb}``.", **parts)  # type: ignore[call-overload]


def _type(hint: object) -> object:
    """What a browser states for a field: an id for a path, bounded words and numbers for the rest."""
    inner = get_args(hint)
    if Ellipsis in inner:
        return Annotated[list[_plain(inner[0])], Field(max_length=500)]  # type: ignore[misc]
    if type(None) in inner:
        return _plain(inner[0]) | None  # type: ignore[operator]
    return _plain(hint)


def _plain(hint: object) -> object:
    return Id if hint is Path else _WORDS[getattr(hint, "__name__", "")]


def arguments(verb: str, request: BaseModel, workspace: Workspace) -> list[str]:
    """The command line of what is asked, without the verb; raises NotHere for an id of nothing."""
    paths = {
        name for name, hint in get_type_hints(VERBS[verb].inputs).items() if Path in (hint, *get_args(hint))
    }
    stated = {
        name: _stated(name, value, name in paths, workspace)
        for name, value in request.model_dump(exclude_defaults=True).items()
    }
    if verb == "new":
        stated = _begun(stated, workspace)
    elif verb == "trial" and stated.get("formula"):
        # Without a place the formula's answer would be written nowhere.
        stated["out"] = usual(Path(_listed(stated["designs"])[0]).stem, verb).as_posix()
    elif verb == "check" and (workspace.own / DOUBTED).is_dir():
        # The page wrote this folder itself, so it holds no code.
        stated["shelves"] = [f"{OWN}/{DOUBTED}"]
    return line(verb, stated)


def _begun(stated: dict[str, object], workspace: Workspace) -> dict[str, object]:
    """What is begun, with the place of its file: beside the files it is for, else in the folder; under a free name."""
    kind = str(stated["kind"])
    if kind not in jobs.NEW:
        raise BadInput("is no kind of file that new begins", key="kind", given=kind, allowed=sorted(jobs.NEW))
    first = next(iter(_listed(stated.get("paths"))), "")
    folder = workspace.folder / first
    if not folder.is_dir():
        folder = folder.parent
    elif kind == "batch":
        files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
        stated["paths"] = [path.relative_to(workspace.folder).as_posix() for path in files]
    free = workspace.free(folder / Path(jobs.NEW[kind][0]).name)
    return {**stated, "out": free.relative_to(workspace.folder).as_posix()}


def line(verb: str, stated: Mapping[str, object]) -> list[str]:
    """The command line of a verb's inputs by name: options first, then what stands without a name."""
    words = list(VERBS[verb].always)
    for name, value in stated.items():
        if name in VERBS[verb].plain or value is None or value is False:
            continue
        option = f"--{_NAMED.get(name, name).replace('_', '-')}"
        each = value if isinstance(value, list) else [value]
        words += [option if inner is True else f"{option}={inner}" for inner in each]
    plain = [word for name in VERBS[verb].plain for word in _listed(stated.get(name))]
    # After two dashes nothing is an option, whatever a file is called.
    return [*words, *(("--",) if any(word.startswith("-") for word in plain) else ()), *plain]


def _listed(value: object) -> list[str]:
    return (
        [] if value is None else [str(inner) for inner in value] if isinstance(value, list) else [str(value)]
    )


def _stated(name: str, value: object, path: bool, workspace: Workspace) -> object:
    if isinstance(value, list):
        return [_stated(name, inner, path, workspace) for inner in value]
    if path and isinstance(value, str):
        return workspace.item(value).name
    return _study(value, workspace) if name in _FILE_OR_NAME and isinstance(value, str) else value


def _study(value: str, workspace: Workspace) -> str:
    from otosome.study.files import studies

    return value if value in studies() else workspace.item(value).name
