"""A new lot's record, filled with the files it is given and with every line that is still to be said."""

from __future__ import annotations

import json
import os
from pathlib import Path

from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.laboratory.file import Export
from otosome.laboratory.reading import read_particles
from otosome.lots.plate import read_plate, recognises_plate
from otosome.lots.record import KIND

_HEAD = f"""otosome = "{KIND}"
# What is not measured below is taken from this batch of the shelf, and said to be.
base = "example_lot"
# What the lot is released against: an entry of the shelf specifications/ (otosome list specifications).
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


def template(files: list[Path], folder: Path, name: str, catalog: Catalog) -> str:
    """The record as TOML text; raises BadInput for a file that is neither counts nor a plate.

    ``folder``  the one the record will lie in; files are named relative to it
    """
    parts = [_HEAD.replace("\n", f"\nname = {json.dumps(name)}\n", 1)]
    parts += [_file(file, _relative(file, folder), catalog) for file in files]
    parts.append(_findings(catalog))
    parts.append(_reporting(catalog))
    return "\n".join(parts)


def _relative(file: Path, folder: Path) -> str:
    if not file.is_file():
        raise BadInput("is not a file", file=str(file))
    if not file.resolve().is_relative_to(folder.resolve()):
        raise BadInput(
            "lies outside the record's folder", file=str(file), cure="copy it there, or name --out beside it"
        )
    return Path(os.path.relpath(file.resolve(), folder.resolve())).as_posix()


def _file(file: Path, name: str, catalog: Catalog) -> str:
    export = Export.open(file)
    if recognises_plate(export.head):
        return _assay(read_plate(export.content, file.name).samples, name)
    table, instrument = read_particles(export, catalog)
    lines = [
        "[[count]]",
        f"file = {json.dumps(name)}  # {instrument}",
        "# The day it was measured: counts of one day share that day's error, and so do those without a day.",
        '# day = "2026-03-31"',
    ]
    if table["dilution_applied"].isna().any():
        lines.append(
            "# Its file does not record the dilution; until this line says it, the count cannot be judged."
        )
        lines.append("# dilution = 1000.0")
    return "\n".join(lines) + "\n"


def _assay(samples: list[str], name: str) -> str:
    reference = next((s for s in samples if "ref" in s.lower()), samples[0])
    sample = next((s for s in samples if s != reference), reference)
    return "\n".join(
        [
            "[[assay]]",
            f"file = {json.dumps(name)}",
            'assay = "four_parameter"  # its margins are assumed: give those of your own assay (shelf assays/)',
            f"reference = {json.dumps(reference)}",
            f"sample = {json.dumps(sample)}",
            'mechanisms = ["anti_inflammatory"]  # what this assay speaks for',
            "",
        ]
    )


def _findings(catalog: Catalog) -> str:
    """Every test the specification asks that no file answers."""
    entry = catalog.get("specifications", "nebulised_msc_2025")
    lines = [
        "[findings]",
        "# Numbers as '0.1 EU/mL', '< 0.05 EU/mL' or '0.1 EU/mL +/- 10 %'; words as shown.",
    ]
    lines += [f'# {test} = "{entry.card.parameter(test, "").given}"' for test in ("endotoxin",)]
    for kind, names in (("negative", entry.options.negative), ("positive", entry.options.positive)):
        lines += [f'# {test} = "{kind}"' for test in names]
    return "\n".join([*lines, '# protein = "recorded value"', ""])


def _reporting(catalog: Catalog) -> str:
    items = catalog.get("checklists", _MISEV).options.item
    lines = [f"[reporting.{_MISEV}]", '# Say it, or "not applicable: the reason".']
    lines += [f'# {key} = ""  # {item.name}: {item.asks}' for key, item in items.items()]
    return "\n".join([*lines, ""])
