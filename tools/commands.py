"""Every command that README and docs print, run as printed from a fresh clone: ``python -m tools.commands``; hours.

Each document has a folder of its own with the files it speaks of, and its commands run there one after another, with
what the document says a person does in between. ``make`` lines run in the clone. tests/test_commands.py runs the same
on fewer ears.
"""

from __future__ import annotations

import csv
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import lots  # noqa: E402
from laboratory import samples  # noqa: E402
from level_series import export  # noqa: E402
from spreadsheet import workbook  # noqa: E402

DOCUMENTS = (
    "README.md",
    "docs/laboratory_files.md",
    "docs/quality.md",
    "docs/people.md",
    "docs/compare.md",
    "docs/start.md",
    "docs/drugs.md",
    "docs/review.md",
)
# What prints words for things of one's own, as STUDY, and alternatives.
LISTS = ("README.md", "docs/review.md")
# Documents whose commands are run by tests of their own, with what they need: too long, a server, a cluster.
ELSEWHERE = {
    "docs/fit.md": ("test_fitting.py", "test_drug_fits.py", "test_against.py"),
    "docs/from_fluidsim.md": ("test_from_fluidsim.py",),
    "docs/page.md": ("test_page_guard.py", "test_page_stories.py"),
    "docs/trials.md": ("test_trial.py", "test_programme.py", "test_dose.py", "test_cluster.py"),
    "docs/tutorials/animals.md": ("test_site.py",),
    "docs/tutorials/drug.md": ("test_site.py",),
    "docs/tutorials/lot.md": ("test_site.py",),
    "docs/tutorials/trial.md": ("test_site.py",),
}
# Its commands compute what it shows, each in minutes.
LONG = "docs/claims.md"
# What stands for something of one's own in the README's list of verbs.
OWN = {
    "STUDY": "cisplatin_guinea_pig",
    "RESULT...": "results/cisplatin_guinea_pig",
    "RESULT": "results/cisplatin_guinea_pig",
    "PATH...": "exports/",
    "FILES...": "nta_monday.csv plate.csv",
    "BATCH": "lot_7.toml",
    "OLD": "results/cisplatin_guinea_pig",
    "NEW": "results/cisplatin_guinea_pig",
    "DIR": "imported",
    "DESIGN": "my_trial_to_begin.toml",
    "NAME": "otocaine",
}


def lines(text: str) -> list[str]:
    """The commands a document prints, in order: lines of code that begin with otosome or make, without comments."""
    commands, fenced = [], False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif (fenced or line.startswith("    ")) and re.match(r"(otosome [a-z]|make [a-z])", line.strip()):
            commands.append(re.split(r"\s+#", line.strip())[0])
    return commands


def plain(line: str) -> str:
    """A command of a list of verbs with something of one's own for its words, without what is optional."""
    line = re.sub(r"( \| \S+)+", "", line)
    words = re.sub(r"\s*\[[^\]]*\]", "", line).split()
    if "compare" in words:
        words = [word.replace("STUDY", "compare_moderate_loss") for word in words]
    return " ".join(OWN.get(word, word) for word in words)


def block(text: str, kind: str, beginning: str) -> str:
    """A block of code of a document that begins so."""
    blocks = re.findall(rf"```{kind}\n(.*?)```", text, flags=re.DOTALL)
    return next(code for code in blocks if code.startswith(beginning))


def prepare(folder: Path, root: Path) -> None:
    """The files that the documents speak of, as a laboratory would have them."""
    exports = folder / "exports"
    exports.mkdir(parents=True)
    for instrument in ("abr_table", "dpoae_table", "synapse_table"):
        sample = samples(instrument)[0]
        (exports / sample.name).write_bytes(sample.content)
    for number, name in enumerate(("nta_monday", "nta_tuesday", "before"), start=1):
        lots.counts(folder / f"{name}.csv", seed=number, recorded=name != "nta_monday")
    lots.counts(folder / "after.csv", 0.1 * lots.LABEL, seed=9)
    lots.wells(folder / "plate.csv")
    for number in range(1, 5):
        lots.record(
            folder / "earlier_lots", f"lot_{number}", runs=1, seed=20 + number, made=f"2026-01-0{number}"
        )
    people = (root / "docs" / "people.md").read_text(encoding="utf-8")
    heard = block(people, "csv", "subject")
    (folder / "me.csv").write_text(heard, encoding="utf-8")
    other = "".join(line for line in heard.splitlines(keepends=True) if "left" in line).replace(
        "left", "right"
    )
    (folder / "my_audiogram.csv").write_text(heard + other, encoding="utf-8")
    odd = [["animal", "when", "8", "click"], ["m1", "baseline", 25, 30], ["m1", "post", "NR", 60]]
    for place in (folder, exports):
        (place / "odd.xlsx").write_bytes(workbook({"thresholds": odd}))


def fill_in_animals(folder: Path, root: Path) -> None:
    """Fill in the sheet that ``new animals`` wrote."""
    file = folder / "animals.csv"
    with file.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        filled = {"species": "mouse", "insult": "noise", "insult_dose": "100 dB SPL", "group": "noise 100 dB"}
        writer.writerows(row | filled for row in rows)


def import_with_sheet(folder: Path, root: Path) -> None:
    """Fill in the sheet, and import what it is for once more with it."""
    fill_in_animals(folder, root)
    again = run(Step("otosome import exports/ --animals animals.csv --out imported"), folder, root)
    if again:
        raise RuntimeError(again)


def fill_in_mapping(folder: Path, root: Path) -> None:
    """Fill in the mapping that ``new mapping`` wrote: as docs/laboratory_files.md shows one."""
    text = (root / "docs" / "laboratory_files.md").read_text(encoding="utf-8")
    shown = text[text.index('    otosome = "mapping/1"') : text.index("`frequency`, `ear` and `level`")]
    (folder / "mapping.toml").write_text(textwrap.dedent(shown), encoding="utf-8")


def mark_by_hand(folder: Path, root: Path) -> None:
    """Import a level series as well, and mark its threshold, as a person does on the page."""
    from otosome.jobs.marking import marking

    export(folder / "exports" / "series.csv", {"55": {8: 35}})
    options = "--mapping mapping.toml --animals animals.csv --species mouse --out results/import --force"
    fault = run(Step(f"otosome import exports/ {options}"), folder, root)
    if fault:
        raise RuntimeError(fault)
    history = marking(folder / "results" / "import")
    history.mark("A reader", next(iter(history.traces)), 50.0)


def fill_in_record(folder: Path, root: Path) -> None:
    """Fill in the record that ``new batch`` wrote: as docs/quality.md shows one."""
    text = (root / "docs" / "quality.md").read_text(encoding="utf-8")
    (folder / "lot_7.toml").write_text(block(text, "toml", 'otosome = "batch/1"'), encoding="utf-8")


@dataclass(frozen=True)
class Step:
    """A command of a document, and what a person does after it."""

    command: str
    then: Callable[[Path, Path], None] | None = None


def steps(document: str, root: Path) -> Iterator[Step]:
    """The commands of a document, as they can be run."""
    text = (root / document).read_text(encoding="utf-8")
    for line in lines(text):
        command = plain(line) if document in LISTS else line
        if command.startswith("otosome new animals"):
            yield Step(command, import_with_sheet if document == "README.md" else fill_in_animals)
        elif document == "README.md" and command.startswith("otosome new"):
            # Each is a beginning of its own, so what it writes is in no other's way.
            yield Step(f"{command} --out my_{command.split()[2]}_to_begin.toml")
        elif command.startswith("otosome new mapping"):
            yield Step(command, fill_in_mapping)
        elif command.startswith("otosome import") and "--mapping" in command:
            yield Step(command, mark_by_hand)
        elif command.startswith("otosome new batch"):
            yield Step(command, fill_in_record)
        else:
            yield Step(command)


def run(step: Step, folder: Path, root: Path, shorter: Callable[[str], str] = str) -> str:
    """Run a step in a folder; what went wrong in words, empty where nothing did.

    ``shorter``  what to run in the place of the command
    """
    command = shorter(step.command)
    words = shlex.split(command)
    if words[0] == "otosome":
        words = [sys.executable, "-m", "otosome.cli", *words[1:]]
    environment = {**os.environ, "PYTHONPATH": str(root / "src")}
    where = root if words[0] == "make" else folder
    done = subprocess.run(words, cwd=where, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        return f"{command}: exit {done.returncode}: {done.stderr[-2000:]}"
    if step.then is not None:
        step.then(folder, root)
    return ""


def main() -> int:
    """Run everything as printed, from a clone; 1 where a command failed."""
    failed = 0
    with tempfile.TemporaryDirectory() as place:
        clone = Path(place) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        for document in (*DOCUMENTS, LONG):
            folder = Path(place) / Path(document).stem
            prepare(folder, clone)
            if document == "README.md":
                fill_in_record(folder, clone)
            for step in steps(document, clone):
                # Runs all tests, which is what calls this.
                if step.command == "make test":
                    continue
                began = time.monotonic()
                fault = run(step, folder, clone)
                failed += bool(fault)
                print(fault or f"{time.monotonic() - began:6.0f} s  {step.command}", flush=True)
            shutil.rmtree(folder)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
