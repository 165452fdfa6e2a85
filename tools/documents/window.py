"""docs/window.png is the window of the README's study, from a run of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from otosome.report import write_window
from otosome.results import open_result

STUDY = "cisplatin_guinea_pig"


def draw(result: Path, root: Path) -> None:
    """Draw docs/window.png from the folder of a result."""
    write_window(open_result(result), root / "docs" / "window.png")


def write(root: Path) -> None:
    """Run the study as the README does, and draw docs/window.png."""
    with tempfile.TemporaryDirectory() as place:
        result = Path(place) / STUDY
        words = [sys.executable, "-m", "otosome.cli", "run", STUDY, "--out", str(result)]
        subprocess.run(words, check=True)
        draw(result, root)
