"""What small made-up files of laboratories must become; they stand in ``samples``, an instrument each."""

import importlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from otosome.laboratory.file import Export

SAMPLES = Path(__file__).parent / "samples"


@dataclass(frozen=True)
class Sample:
    """A file of known content.

    ``rows``      of all tables together
    ``refused``   parts of it that are listed and not read
    ``censored``  readings whose truth lies above or below
    ``holds``     a few cells of its first row, by column
    ``folder``    of a recording that is a folder
    """

    name: str
    content: bytes
    rows: int
    refused: int = 0
    censored: int = 0
    holds: tuple[tuple[str, object], ...] = ()
    folder: Path | None = None

    def write(self, home):
        """It in a folder, a recording with all of its parts."""
        if self.folder is None:
            (home / self.name).write_bytes(self.content)
        else:
            shutil.copytree(self.folder, home / self.name)

    def export(self, content=None):
        """It as it arrives, or other content in its place."""
        return Export(self.name, self.content if content is None else content, folder=self.folder)


def samples(instrument):
    """The made-up files of an instrument; its name is that of its file in ``samples``."""
    return importlib.import_module(f"samples.{instrument}").FILES


def table(*lines, separator=","):
    """Text of a table from its lines' cells."""
    return "\n".join(separator.join(map(str, line)) for line in lines).encode() + b"\n"
