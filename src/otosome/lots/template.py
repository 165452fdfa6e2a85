"""A new lot's record or a new specification: every key with what it asks, filled in as far as files tell."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.laboratory.file import Export, printable
from otosome.laboratory.reading import HEADS, instrument_of, read_particles, read_with
from otosome.laboratory.tables import label
from otosome.lots.files import captured, reason_of
from otosome.lots.plate import layout_text, read_plate, recognises_plate
from otosome.lots.record import KIND

if TYPE_CHECKING:
    import pandas as pd

Outside = Literal["refuse", "copy", "reference"]
SPECIFICATION = Path(__file__).parent / "specification_template.toml"
_HEAD = f"""otosome = "{KIND}"
# For editors: docs/batch.schema.json, also in the package as otosome/lots/batch.schema.json, holds every key.
# What the certificate calls it. A line that is not filled in stands there as "not stated".
# product = "vesicles of umbilical-cord stem cells, 1 mL vials"
# sample = "vial 12 of 200"
# The days it was made (needed to stand in a history) and tested.
# made = "2026-03-30"
# tested = "2026-04-02"
# For a study only: what is not measured below is then that of this batch of the shelf. The decision uses none of it.
base = "example_lot"
# What the lot is released against: an entry of the shelf specifications/ (otosome list specifications), or a file
# beside this one, such as "my_specification.toml" (otosome new specification writes one).
specification = "nebulised_msc_2025"
# What the vial claims. Without it the count cannot be judged.
# label = "2e10 particles/mL"
# Its protein: with the count it gives the particles for each microgram.
# protein = "40 ug/mL +/- 10 %"
# How it was made (otosome list processes), and how long it is stored until the dose.
# process = "vertical_wheel_adipose"
# stored = "14 d"
"""
_MISEV = "misev_2023"


@dataclass(frozen=True)
class NewRecord:
    """A lot's record to be written: its text, what to tell of its files, and by name the layouts to lie beside it."""

    text: str
    notes: tuple[str, ...]
    layouts: Mapping[str, str]


@dataclass(frozen=True)
class _Part:
    """What a record says of one file; ``sample`` as a file of counts names it, ``layout`` of a plate's wells."""

    text: str
    notes: tuple[str, ...] = ()
    sample: str = ""
    layout: tuple[str, str] | None = None


def template(
    files: list[Path], folder: Path, name: str, catalog: Catalog, outside: Outside = "refuse"
) -> NewRecord:
    """A lot's record.

    ``folder``   the one the record will lie in; files are named relative to it
    ``outside``  what is done with a file that lies elsewhere: it is copied into the folder, or the record allows its
                 folder
    raises       BadInput where a file is missing or lies elsewhere, or where none is of counts or a plate
    """
    places = [_placed(file, folder, outside) for file in files]
    parts = _parts(places, folder, catalog)
    notes = _samples(parts)
    head = [_HEAD.replace("\n", f"\nname = {json.dumps(name)}\n", 1), *_folders(places, folder)]
    head += [f"# {printable(note)}\n" for note in notes]
    text = "\n".join([*head, *(part.text for part in parts), _findings(catalog), _reporting(catalog)])
    notes += [note for part in parts for note in part.notes]
    return NewRecord(text, tuple(notes), dict(part.layout for part in parts if part.layout is not None))


def _folders(places: list[Path], folder: Path) -> list[str]:
    """The line that allows other folders, where files lie in any."""
    others = sorted({_relative(place.parent, folder) for place in places if not _inside(place, folder)})
    if not others:
        return []
    return [f"# Other folders that the files below may lie in.\nfolders = {json.dumps(others)}\n"]


def _parts(places: list[Path], folder: Path, catalog: Catalog) -> list[_Part]:
    """What is said of each file, one that is left out too; raises BadInput where all of them are."""
    drafts = [_draft(place, _relative(place, folder), catalog) for place in places]
    failed = [draft for draft in drafts if isinstance(draft, BadInput)]
    if failed and len(failed) == len(drafts):
        raise failed[0]
    pairs = zip(places, drafts, strict=True)
    return [_left_out(place, draft) if isinstance(draft, BadInput) else draft for place, draft in pairs]


def _left_out(place: Path, error: BadInput) -> _Part:
    reason = f"{json.dumps(place.name)} is left out: {printable(reason_of(error, place.name))}"
    return _Part(f"# {reason}\n", (reason,))


def _samples(parts: list[_Part]) -> list[str]:
    """That files of counts name several samples, where they do: a record is one lot."""
    names = list(dict.fromkeys(part.sample for part in parts if part.sample))
    if len(names) < 2:
        return []
    return [
        f"the files of counts name {len(names)} samples ({', '.join(map(printable, names))}), and this record takes "
        "them as one lot; if they are not, write a record for each: otosome new batch FILE --out NAME.toml"
    ]


def specification_template(file: Path) -> str:
    """A specification as TOML text, with every key, its unit and an example; ``file`` is where it will lie."""
    return SPECIFICATION.read_text(encoding="utf-8").replace("NAME.toml", file.name)


def _inside(file: Path, folder: Path) -> bool:
    return file.resolve().is_relative_to(folder.resolve())


def _placed(file: Path, folder: Path, outside: Outside) -> Path:
    """Where a file lies for the record: as it is, or copied beside it."""
    if not file.is_file():
        raise BadInput("is not a file", file=str(file))
    if _inside(file, folder) or outside == "reference":
        return file
    if outside == "refuse":
        raise BadInput(
            "lies outside the record's folder",
            file=str(file),
            cure="add --copy to copy it beside the record, or --reference to leave it where it is",
        )
    copy = folder / file.name
    if copy.exists() and copy.read_bytes() != file.read_bytes():
        raise BadInput("another file of this name lies beside the record", file=str(copy), given=str(file))
    shutil.copyfile(file, copy)
    return copy


def _relative(file: Path, folder: Path) -> str:
    """A path from the record's folder; the whole path where they lie on different drives."""
    try:
        return Path(os.path.relpath(file.resolve(), folder.resolve())).as_posix()
    except ValueError:
        return file.resolve().as_posix()


def _draft(file: Path, name: str, catalog: Catalog) -> _Part | BadInput:
    """What is said of one file, or why it is neither counts nor a plate."""
    export = Export.open(file)
    instrument = instrument_of(export, catalog)
    try:
        if instrument is None and recognises_plate(export):
            return _Part(_assay(read_plate(export).samples, name))
        wells = None if instrument is None else read_with(export, instrument, catalog).wells
        return _count(export, name, catalog) if wells is None else _read_plate(wells, file, name)
    except BadInput as error:
        if instrument is not None:
            return error
        return BadInput(
            error.message,
            file=error.file or export.name,
            key=error.key,
            given=error.given,
            allowed=["counts: a size distribution of an instrument", "potency: a plate of wells"],
            cure=error.cure or (HEADS if export.is_table else None),
        )


def _count(export: Export, name: str, catalog: Catalog) -> _Part:
    distribution = read_particles(export, catalog)
    table, day = distribution.table, captured(distribution.table)
    sample = label(str(table["sample"].iloc[0]))
    lines = [
        "[[count]]",
        f"file = {json.dumps(name)}  # {distribution.instrument}{f', sample {sample}' if sample else ''}",
        "# The day it was measured: counts of one day share that day's error, and so do those without a day.",
        f"day = {json.dumps(day)}  # as the file says" if day else '# day = "2026-03-31"',
    ]
    if table["dilution_applied"].isna().any():
        lines.append(
            "# Its file does not record the dilution; until this line says it, no count can be judged."
        )
        lines.append("# dilution = 1000.0")
    notes = [
        f"{json.dumps(part.file)}: {part.place} is left out: {part.reason}" for part in distribution.refused
    ]
    return _Part("\n".join(lines) + "\n", tuple(map(printable, notes)), sample)


def _read_plate(wells: pd.DataFrame, file: Path, name: str) -> _Part:
    """A run of a plate reader's export, with a layout to be filled in: the export seldom says what its wells hold."""
    reads = [str(reading) for reading in wells["read"].unique()]
    own = wells[wells["read"] == reads[0]]
    if own["well"].duplicated().any():
        raise BadInput("has several plates", file=file.name, cure="export each plate as a file")
    samples = {str(well): str(sample) for well, sample in zip(own["well"], own["sample"], strict=True)}
    layout = f"{file.stem}_layout.csv"
    lines = [_assay([], name).rstrip("\n"), f"layout = {json.dumps(layout)}"]
    if len(reads) > 1:
        lines.insert(1, f"read = {json.dumps(reads[0])}  # or {printable(', '.join(reads[1:6]))}")
    note = f"fill in sample and dose of each well in {layout}; a blank needs no dose"
    return _Part("\n".join([*lines, ""]), (note,), layout=(layout, layout_text(samples)))


def _assay(samples: list[str], name: str) -> str:
    """A run of an assay; a plate reader's export says nothing of samples, which its layout names."""
    reference = next((s for s in samples if "ref" in s.lower()), samples[0] if samples else "reference")
    sample = next((s for s in samples if s != reference), "lot" if not samples else reference)
    lines = [
        "[[assay]]",
        f"file = {json.dumps(name)}",
        "# An entry of the shelf assays/. How far slopes, ranges and lower ends may differ is assumed there: put what",
        "# your own assay's history allows into a file of your own shelves.",
        'assay = "four_parameter"',
        f"reference = {json.dumps(reference)}",
        f"sample = {json.dumps(sample)}",
        'mechanisms = ["anti_inflammatory"]  # what this assay speaks for',
    ]
    if not samples:
        lines.append(
            "# The samples and doses of its wells, to be filled in: grids titled sample and dose (ug/mL)."
        )
    return "\n".join([*lines, ""])


def _findings(catalog: Catalog) -> str:
    """Every test the shipped specification asks that no file answers."""
    entry = catalog.get("specifications", "nebulised_msc_2025")
    lines = [
        "[findings]",
        "# Numbers as '0.1 EU/mL', '< 0.05 EU/mL' or '0.1 EU/mL +/- 10 %'; words as shown.",
        f'# endotoxin = "{entry.card.parameter("endotoxin", "").given}"',
    ]
    for kind, names in (("negative", entry.options.negative), ("positive", entry.options.positive)):
        lines += [f'# {test} = "{kind}"' for test in names]
    lines += ['# protein = "recorded value"', "", "[methods]"]
    lines += ["# Method and instrument of each test above, as the certificate shows them."]
    return "\n".join([*lines, '# endotoxin = "kinetic chromogenic LAL, plate reader 2"', ""])


def _reporting(catalog: Catalog) -> str:
    items = catalog.get("checklists", _MISEV).options.item
    lines = [f"[reporting.{_MISEV}]", '# Say it, or "not applicable: the reason".']
    lines += [f'# {key} = ""  # {item.name}: {item.asks}' for key, item in items.items()]
    return "\n".join([*lines, ""])
