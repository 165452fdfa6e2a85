"""A new lot's record or a new specification: every key with what it asks, filled in as far as files tell."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Literal

from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.laboratory.file import Export, printable
from otosome.laboratory.reading import instrument_of, read_particles
from otosome.lots.files import read_responses
from otosome.lots.plate import read_plate, recognises_plate
from otosome.lots.record import KIND

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
# What is not measured below is taken from this batch of the shelf, and said to be.
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


def template(
    files: list[Path], folder: Path, name: str, catalog: Catalog, outside: Outside = "refuse"
) -> str:
    """A lot's record as TOML text.

    ``folder``   the one the record will lie in; files are named relative to it
    ``outside``  what is done with a file that lies elsewhere: it is copied into the folder, or the record allows its
                 folder
    raises       BadInput where a file is missing or lies elsewhere, or where none is of counts or a plate
    """
    places = [_placed(file, folder, outside) for file in files]
    parts = [_HEAD.replace("\n", f"\nname = {json.dumps(name)}\n", 1)]
    folders = sorted({_relative(place.parent, folder) for place in places if not _inside(place, folder)})
    if folders:
        parts.append(f"# Other folders that the files below may lie in.\nfolders = {json.dumps(folders)}\n")
    drafts = [_draft(place, _relative(place, folder), catalog) for place in places]
    failed = [draft for draft in drafts if isinstance(draft, BadInput)]
    if failed and len(failed) == len(drafts):
        raise failed[0]
    for place, draft in zip(places, drafts, strict=True):
        refused = isinstance(draft, BadInput)
        parts.append(
            f"# {json.dumps(place.name)} is left out: {printable(str(draft))}\n" if refused else str(draft)
        )
    parts.append(_findings(catalog))
    parts.append(_reporting(catalog))
    return "\n".join(parts)


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


def _draft(file: Path, name: str, catalog: Catalog) -> str | BadInput:
    """The table of one file, or why it is neither counts nor a plate."""
    export = Export.open(file)
    try:
        if recognises_plate(export) and instrument_of(export, catalog) is None:
            return _assay(read_plate(export).samples, name)
        responses = read_responses(export, "", catalog)
        if responses is not None:
            return _assay([], name)
        return _count(export, name, catalog)
    except BadInput as error:
        return BadInput(
            error.message,
            file=error.file or export.name,
            key=error.key,
            given=error.given,
            allowed=["counts: a size distribution of an instrument", "potency: a plate of wells"],
            cure=error.cure,
        )


def _count(export: Export, name: str, catalog: Catalog) -> str:
    distribution = read_particles(export, catalog)
    lines = [
        "[[count]]",
        f"file = {json.dumps(name)}  # {distribution.instrument}",
        "# The day it was measured: counts of one day share that day's error, and so do those without a day.",
        '# day = "2026-03-31"',
    ]
    if distribution.table["dilution_applied"].isna().any():
        lines.append(
            "# Its file does not record the dilution; until this line says it, no count can be judged."
        )
        lines.append("# dilution = 1000.0")
    return "\n".join(lines) + "\n"


def _assay(samples: list[str], name: str) -> str:
    """A run of an assay; a plate reader's export says nothing of samples, which its layout names."""
    reference = next((s for s in samples if "ref" in s.lower()), samples[0] if samples else "reference")
    sample = next((s for s in samples if s != reference), "lot" if not samples else reference)
    lines = [
        "[[assay]]",
        f"file = {json.dumps(name)}",
        'assay = "four_parameter"  # its margins are assumed: give those of your own assay (shelf assays/)',
        f"reference = {json.dumps(reference)}",
        f"sample = {json.dumps(sample)}",
        'mechanisms = ["anti_inflammatory"]  # what this assay speaks for',
    ]
    if not samples:
        lines.append(
            "# The samples and doses of its wells: grids titled sample and dose (ug/mL), or a long table."
        )
        lines.append('layout = "layout.csv"')
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
