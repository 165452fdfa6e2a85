"""Invented lots for tests: counts in an instrument's layout, wells of assays, and the record that names them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import tomli_w

from otosome.lots.curve import logistic

LABEL = 4e11
DOSES = np.repeat(16.0 / 2.0 ** np.arange(8), 3)
FINDINGS = {
    "endotoxin": "0.1 EU/mL +/- 10 %",
    **dict.fromkeys(
        ["mycoplasma", "adventitious_virus", "sterility", "calnexin", "antibiotic_residue"], "negative"
    ),
    **dict.fromkeys(
        ["cd9", "cd63", "cd81", "karyotype_normal", "cell_line_authentic", "nfkb_inhibition"], "positive"
    ),
    "protein": "20 ug",
}


def _export():
    file = Path(__file__).parents[1] / "examples" / "make_nanosight_export.py"
    spec = importlib.util.spec_from_file_location("make_nanosight_export", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


EXPORT = _export()


def counts(file, count=LABEL, seed=1, recorded=True):
    """A file of five videos; where its dilution is not recorded, it holds the diluted counts."""
    EXPORT.COUNT = count if recorded else count / EXPORT.DILUTION
    text = EXPORT.export(seed)
    if not recorded:
        lines = text.splitlines()
        (row,) = [k for k, line in enumerate(lines) if line.startswith("Dilution factor")]
        name = lines[row].split(",")[0]
        lines[row] = ",".join([name, *["Not recorded"] * EXPORT.VIDEOS])
        text = "\n".join(lines) + "\n"
    file.write_text(text, encoding="utf-8")


def wells(file, r=1.0, seed=1, slope=1.2, names=("reference", "lot")):
    """An assay's run of 24 wells a curve."""
    chance = np.random.default_rng(seed)
    rows = []
    for name, potency, steep in ((names[0], 1.0, 1.2), (names[1], r, slope)):
        y = logistic(np.log(DOSES), 0.1, 2.0, np.log(steep), np.log(1.4 / potency))
        rows += [
            (name, dose, v) for dose, v in zip(DOSES, y + chance.normal(0, 0.03, DOSES.size), strict=True)
        ]
    lines = [f"{'ABCDEF'[k // 8]}{k % 8 + 1},{n},{d},ug/mL,{v:.4f}" for k, (n, d, v) in enumerate(rows)]
    file.write_text("\n".join(["well,sample,dose,unit,response", *lines]) + "\n", encoding="utf-8")


def record(folder, name="lot", days=4, runs=0, count=LABEL, r=0.8, seed=1, **changes):
    """A lot's record with its files, each in ``folder``; returns the record's file."""
    folder.mkdir(exist_ok=True)
    values = {
        "otosome": "batch/1", "name": name, "specification": "nebulised_msc_2025",
        "label": f"{LABEL:g} particles/mL", "findings": dict(FINDINGS), "count": [], "assay": [],
    }  # fmt: skip
    for day in range(days):
        file = folder / f"{name}_{day}.csv"
        # Days differ by a few percent.
        counts(file, count * np.exp(0.03 * (-1) ** day), seed=100 * seed + day)
        values["count"].append({"file": file.name, "day": f"2026-01-{day + 1:02d}"})
    for run in range(runs):
        file = folder / f"{name}_run_{run}.csv"
        wells(file, r * np.exp(0.05 * (run - 1)), seed=100 * seed + run)
        values["assay"].append(
            {"file": file.name, "reference": "reference", "sample": "lot", "mechanisms": ["hsp70"]}
        )
    values |= changes
    written = folder / f"{name}.toml"
    written.write_text(tomli_w.dumps(values), encoding="utf-8")
    return written
