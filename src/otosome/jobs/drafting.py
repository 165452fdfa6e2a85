"""A study and a fit begun from a laboratory's table: what it holds, and what is left to be set."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from otosome.errors import BadInput
from otosome.units import Json

if TYPE_CHECKING:
    from otosome.catalog import Catalog

STUDY, FIT, SHELVES = "my_study.toml", "my_fit.toml", "shelves"


@dataclass(frozen=True)
class Drafted:
    """Files that were drafted from a table.

    ``file``  the study;  ``fit``  the fit beside it;  ``solute``  of a drug that is on no shelf, None where it is
    ``table`` it is from;  ``untold``  what is to be set in the study, as the table does not say it
    ``about``  what else is to be known of the draft, in sentences
    """

    file: Path
    fit: Path
    solute: Path | None
    table: Path
    untold: tuple[str, ...]
    shelves: tuple[Path, ...]
    about: tuple[str, ...] = ()

    def as_dict(self) -> Json:
        """The answer for a machine, as ``docs/schemas`` has it."""
        return {"out": str(self.file), "result": {}, "notes": [*self.about, *self._to_set]}

    def lines(self) -> list[str]:
        """What was written, and the next commands."""
        # A folder of data beside the study is read as it is.
        named = [
            folder for folder in self.shelves if folder.resolve() != self.file.resolve().parent / SHELVES
        ]
        own = "".join(f" --shelves {_typed(folder)}" for folder in named)
        return [
            f"wrote {', '.join(str(file) for file in (self.file, self.fit, self.solute) if file is not None)}",
            f"run it, its readings laid over it: otosome run {_typed(self.file)}{own}",
            f"fit its numbers: otosome fit {_typed(self.fit)}{own}",
        ]

    @property
    def _to_set(self) -> list[str]:
        """What a person has to do before the next command."""
        lines = []
        if self.untold:
            lines.append(
                f"the table does not say {', '.join(self.untold)}: set it in {self.file}, where it is marked"
            )
        if self.solute is not None:
            lines.append(
                f"the drug is on no shelf: its numbers in {self.solute} are borrowed and wide, replace what you know"
            )
        return lines


def _typed(path: Path) -> str:
    return f'"{path}"' if " " in str(path) else str(path)


def drafted(table: Path, out: Path | None, shelves: tuple[Path, ...]) -> Drafted:
    """Write a study and a fit beside each other, in a folder that holds the table.

    ``out``  the study's file; where none is named it stands where otosome was started, or else beside the table
    raises   BadInput for a table that is none, and a file that is there already
    """
    from otosome.catalog import Catalog
    from otosome.fitting.drafting import draft_fit
    from otosome.laboratory.draft import draft
    from otosome.laboratory.drug_draft import draft_drug, drug_of, is_of_a_drug
    from otosome.laboratory.reading import readings_of
    from otosome.study import loads

    file = _place(table, out)
    beside = file.with_name(_fit_name(file.name))
    for each in (file, beside):
        refuse_written(each)
    catalog = Catalog(shelves)
    readings = readings_of(table, catalog)
    solute, about = None, tuple[str, ...]()
    if is_of_a_drug(readings):
        name = drug_of(readings, _own_solute(file.parent))
        solute, catalog = _on_a_shelf(name, file.parent, catalog)
        begun = draft_drug(table, readings, name, catalog, file.name)
        text, untold = begun.text, begun.untold
    else:
        drawn_up = draft(table, catalog, file.name)
        text, untold, about = drawn_up.text, drawn_up.untold, drawn_up.notes
    source = table.resolve().relative_to(file.parent.resolve()).as_posix()
    study = loads(text, file.name, shelves=catalog.own)
    write(beside, draft_fit(study, beside.name, file.name, source))
    write(file, text.replace("\ntitle = ", f"\nreadings = {json.dumps(source)}\ntitle = ", 1))
    return Drafted(file, beside, solute, table, untold, catalog.own, about)


def _place(table: Path, out: Path | None) -> Path:
    """Where the study is written: in a folder that holds the table, as a fit names files of its own folder alone."""
    whole = table.resolve()
    if out is None:
        here = Path.cwd().resolve()
        return Path(STUDY) if whole.is_relative_to(here) and whole != here else whole.parent / STUDY
    if not whole.is_relative_to(out.parent.resolve()):
        raise BadInput(
            "lies outside the folder of the study, and a fit names files of its own folder alone",
            file=str(table),
            key="--out",
            given=str(out),
            cure=f"--out {_typed(whole.parent / out.name)}",
        )
    return out


def _fit_name(study: str) -> str:
    """my_study.toml has my_fit.toml beside it, noise.toml noise_fit.toml."""
    stem = Path(study).stem
    return f"{stem.replace('study', 'fit') if 'study' in stem else f'{stem}_fit'}.toml"


def _on_a_shelf(name: str, folder: Path, catalog: Catalog) -> tuple[Path | None, Catalog]:
    """A catalog with a drug of this name: as it is, or with a file that is written for it, all of it borrowed."""
    from otosome.catalog import Catalog as Shelves
    from otosome.study.solute_draft import solute_text

    if name in catalog.names("solutes"):
        return None, catalog
    file = folder / SHELVES / "solutes" / f"{name}.toml"
    own = folder / SHELVES
    if file.exists():
        return None, Shelves((*catalog.own, own))
    write(file, solute_text(name, catalog))
    return file, Shelves((*catalog.own, own))


def _own_solute(folder: Path) -> str:
    """What a drug is called that its table does not name: as the only solute of the folder, if it has one."""
    own = sorted((folder / SHELVES / "solutes").glob("*.toml"))
    return own[0].stem if len(own) == 1 else "my_drug"


def refuse_written(file: Path) -> None:
    """Nothing is overwritten; raises BadInput for a file that is there."""
    if file.exists():
        raise BadInput("is there already; nothing is overwritten", file=str(file), cure="name another --out")


def write(file: Path, text: str) -> None:
    """A file that was not there before; raises BadInput if it was."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except FileExistsError as error:
        raise BadInput(
            "is there already; nothing is overwritten", file=str(file), cure="name another --out"
        ) from error
    except OSError as error:
        raise BadInput(f"cannot be written ({error.strerror})", file=str(file)) from error
