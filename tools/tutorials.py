"""The tutorials done as a reader does them: every command and every block of Python, in a folder with their files."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
# By tutorial, the folder whose files it begins with.
BEGIN = {
    "animals": "examples/tutorials/animals",
    "drug": "examples/tutorials/drug",
    "lot": "examples/programme",
    "trial": "",
}
# What a tutorial lets its reader see refused, and a line that the reader writes into a file before the step after it.
REFUSED = {"otosome run otocaine.toml --against perilymph.csv --subjects 20 --out measured"}
WRITTEN = {
    "otosome run otocaine.toml --subjects 20 --out with_samples": (
        "otocaine.toml",
        '# measured = "otocaine.csv"',
        'measured = "perilymph.csv"  #',
    )
}


@dataclass(frozen=True)
class Step:
    """A command line, or a block of Python."""

    text: str
    python: bool = False


def steps(text: str) -> Iterator[Step]:
    """The commands and the blocks of Python of a tutorial, in order."""
    for command, block in re.findall(
        r"^    (otosome [^\n]*)$|^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL
    ):
        yield Step(block, python=True) if block else Step(command)


def prepare(name: str, folder: Path, root: Path = ROOT) -> None:
    """Lay the files of a tutorial into a folder."""
    folder.mkdir(parents=True)
    if BEGIN[name]:
        shutil.copytree(root / BEGIN[name], folder, dirs_exist_ok=True)


def fault(step: Step, folder: Path, fewer: Callable[[str], str] = str, root: Path = ROOT) -> str:
    """Do a step; what went wrong in words, empty where nothing did.

    ``fewer``  what to run in the place of the step's text
    """
    if step.text in WRITTEN:
        name, before, after = WRITTEN[step.text]
        file = folder / name
        text = file.read_text(encoding="utf-8")
        if before not in text:
            return f"{name} holds no line that begins {before!r}"
        file.write_text(text.replace(before, after), encoding="utf-8")
    asked = fewer(step.text)
    words = ["-c", asked] if step.python else ["-m", "otosome", *shlex.split(asked)[1:]]
    environment = {**os.environ, "PYTHONPATH": str(root / "src")}
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    expected = 2 if step.text in REFUSED else 0
    if done.returncode != expected:
        return f"{asked}: exit {done.returncode}, not {expected}: {done.stderr[-1500:]}"
    return ""


def main() -> int:
    """Do every tutorial as printed; prints the seconds of each step; 1 where one failed."""
    import tempfile

    failed = 0
    with tempfile.TemporaryDirectory() as place:
        for name in sys.argv[1:] or BEGIN:
            folder = Path(place) / name
            prepare(name, folder)
            for step in steps((ROOT / "docs" / "tutorials" / f"{name}.md").read_text(encoding="utf-8")):
                began = time.monotonic()
                wrong = fault(step, folder)
                failed += bool(wrong)
                print(wrong or f"{time.monotonic() - began:6.1f} s  {step.text.splitlines()[0]}", flush=True)
            shutil.rmtree(folder)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
