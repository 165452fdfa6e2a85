"""The gallery: real runs with small numbers of ears, and the figures they save."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Shown:
    """A command done in a folder of examples, and of the figures it saves those that are shown, with what they say."""

    title: str
    folder: str
    commands: tuple[str, ...]
    figures: tuple[tuple[str, str], ...]


SHOWN = (
    Shown(
        "Vesicles against cisplatin in the guinea pig",
        "",
        ("otosome run cisplatin_guinea_pig --subjects {ears} --out result",),
        (
            (
                "result/figures/window.svg",
                "One ear unrolled: days down, base to apex across, hair cells in colour.",
            ),
            (
                "result/figures/frequency_abr_cisplatin_vesicles_one_day_before.svg",
                "Thresholds at the end by tone, one arm.",
            ),
            ("result/figures/cells_ohc.svg", "Outer hair cells along the duct."),
        ),
    ),
    Shown(
        "Thresholds of a laboratory",
        "examples/tutorials/animals",
        ("otosome import thresholds.csv --animals animals_filled.csv --out imported",),
        (
            (
                "imported/figures/abr_threshold_14_d.svg",
                "Two groups 14 days after noise: medians, and the middle half of the animals.",
            ),
        ),
    ),
    Shown(
        "A drug of one's own along the cochlea",
        "examples/tutorials/drug",
        ("otosome new drug otocaine", "otosome run otocaine.toml --subjects {ears} --out result"),
        (
            (
                "result/figures/drug_otocaine_base.svg",
                "Concentration at the base: median, 5 to 95 % of ears.",
            ),
            (
                "result/figures/map_otocaine_otocaine.svg",
                "Along the scala tympani, of the ear with best values.",
            ),
        ),
    ),
    Shown(
        "A lot's potency assay",
        "examples/programme",
        ("otosome quality lot.toml --out result",),
        (("result/figures/run_lot_assay_1_csv.svg", "A plate: the lot beside the reference."),),
    ),
    Shown(
        "How many animals",
        "",
        ("otosome new trial", "otosome trial my_trial.toml --formula --out result"),
        (
            (
                "result/figures/my_trial_power.svg",
                "Power over animals a group, at three spreads between animals.",
            ),
        ),
    ),
)


def write(source: Path, work: Path, ears: int = 12) -> None:
    """Do every command and write the page ``gallery.md`` with its figures."""
    pictures = source / "gallery"
    pictures.mkdir(parents=True, exist_ok=True)
    parts = [
        "# Gallery\n\nEach figure is from a real run, made as this site was built, with few ears so that it "
        "took seconds: the bands of a study of yours will be other. Every result saves its figures so, as SVG with the "
        "numbers beside it as CSV (`figures/`).\n"
    ]
    for number, shown in enumerate(SHOWN):
        folder = work / f"gallery_{number}"
        shutil.rmtree(folder, ignore_errors=True)
        _do(shown, folder, ears)
        listed = "\n".join(f"    {command.format(ears=ears)}" for command in shown.commands)
        parts.append(f"## {shown.title}\n\n{listed}\n")
        for figure, says in shown.figures:
            name = f"{number}_{Path(figure).name}"
            shutil.copyfile(folder / figure, pictures / name)
            parts.append(f"![{says}](gallery/{name})\n\n*{says}*\n")
    (source / "gallery.md").write_text("\n".join(parts), encoding="utf-8", newline="\n")


def _do(shown: Shown, folder: Path, ears: int) -> None:
    if shown.folder:
        shutil.copytree(ROOT / shown.folder, folder)
    else:
        folder.mkdir(parents=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    for command in shown.commands:
        words = [sys.executable, "-m", "otosome", *shlex.split(command.format(ears=ears))[1:]]
        subprocess.run(words, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
