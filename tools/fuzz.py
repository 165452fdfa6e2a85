"""Feed mutated laboratory files to their readers: each gives tables or a clean refusal, in time and memory.

python -m tools.fuzz [INPUTS [SEED]]    100,000 by default; real files beside the repository are mutated too
"""

from __future__ import annotations

import csv
import io
import itertools
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numcodecs
import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import recordings  # noqa: E402
from laboratory import samples  # noqa: E402
from otosome.catalog import Catalog  # noqa: E402
from otosome.errors import BadInput  # noqa: E402
from otosome.laboratory.file import LARGEST as LARGEST_READ  # noqa: E402
from otosome.laboratory.file import Export  # noqa: E402
from otosome.laboratory.mapping import Meaning  # noqa: E402
from otosome.laboratory.reading import contents  # noqa: E402
from otosome.laboratory.recording import open_export, parts_of  # noqa: E402
from otosome.laboratory.tables import Tables  # noqa: E402
from otosome.laboratory.thresholds import estimate  # noqa: E402
from otosome.shelves.instruments.psi_recording import PsiRecording  # noqa: E402
from spreadsheet import workbook  # noqa: E402

REAL = ROOT.parent / "shared" / "data"
WORKBOOK, RECORDING = "workbook", "recording"
# A table of 50 MB takes 0.43 GB, of characters beyond the basic plane 0.65: its bytes, text, lines and cells.
SECONDS, MEGABYTES = 5.0, 700.0
LARGEST = 300_000  # bytes of a file to mutate: many small ones find more than a few large ones
PIECES = [
    b"", b"\n", b"\r", b",", b";", b"\t", b'"', b"'", b"-", b"=", b"e99", b"1e400", b"inf", b"nan", b"-1", b"666",
    b"-2147483648", b"\xff\xff\xff\xff", b"\0", b"\0\0\0\0", b"<!DOCTYPE a>", b"&a;", b"{", b"[[[[", b"]", b"\x80",
]  # fmt: skip


def mutate(content: bytes, random: np.random.Generator) -> bytes:
    """A file with one to five pieces cut out, put in or repeated; half of the changes near its beginning."""
    changed = bytearray(content)
    for _ in range(random.integers(1, 6)):
        end = min(len(changed), 3000) if random.random() < 0.5 else len(changed)
        start = int(random.integers(0, end + 1))
        stop = start + int(random.choice([0, 0, 1, 2, 4, 20, 2000]))
        kind = random.integers(0, 4)
        if kind == 0:
            piece = random.bytes(int(random.integers(1, 9)))
        elif kind == 1:
            other = int(random.integers(0, len(changed) + 1))
            piece = bytes(changed[other : other + int(random.integers(1, 400))])
        else:
            piece = PIECES[int(random.integers(0, len(PIECES)))] * int(random.choice([1, 1, 1, 1, 50]))
        changed[start:stop] = piece
    return bytes(changed)


def mutate_inside(content: bytes, random: np.random.Generator) -> bytes:
    """A workbook of which one part was changed and packed again, so that the change lies behind a sound archive."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    chosen = sorted(parts)[int(random.integers(0, len(parts)))]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, mutate(part, random) if name == chosen else part)
    return packed.getvalue()


def workbooks(names: list[str]) -> list[tuple[str, str, bytes]]:
    """The made-up tables of these instruments as spreadsheets of one sheet each."""
    tables = [one for name in names if name.endswith("_table") for one in samples(name)]
    return [
        (
            WORKBOOK,
            f"{one.name}.xlsx",
            workbook({"sheet": list(csv.reader(one.content.decode().splitlines()))}),
        )
        for one in tables
    ]


class Reader(Protocol):
    """What reads a file."""

    def read(self, export: Export) -> Tables:
        """Its tables; raises BadInput."""


class Workbook:
    """A spreadsheet, read sheet by sheet by the instruments that know its tables."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog

    def read(self, export: Export) -> Tables:
        """Its tables; raises BadInput."""
        return contents(export, self.catalog, Meaning()).tables


class Parts:
    """A recording that is a folder, one part of it changed at a time."""

    def __init__(self) -> None:
        self.home = tempfile.TemporaryDirectory()
        codec = numcodecs.Blosc()
        wave, rows = recordings.signal(trials=16)
        folder = Path(self.home.name) / recordings.NAME
        self.folder = recordings.write(
            folder, wave, rows, pack=lambda data: (bytes(codec.encode(data)), codec.get_config())
        )
        self.parts = {part.relative_to(folder).as_posix(): part.read_bytes() for part in parts_of(folder)}

    def read(self, export: Export) -> Tables:
        """Its tables with this part; raises BadInput."""
        part = self.folder / export.name
        part.write_bytes(export.content)
        try:
            return PsiRecording().read(open_export(self.folder))
        finally:
            part.write_bytes(self.parts[export.name])


def corpus(catalog: Catalog, parts: Parts) -> list[tuple[str, Export]]:
    """Reader and export of every made-up file, and of the real ones that are there."""
    names = catalog.names("instruments")
    files = [(name, own.export()) for name in names for own in samples(name)]
    files += [(name, Export(file, content)) for name, file, content in workbooks(names)]
    files += [(RECORDING, Export(name, content)) for name, content in parts.parts.items()]
    formulas = {name: catalog.get("instruments", name).formula for name in names}
    for file in sorted(REAL.rglob("*")) if REAL.is_dir() else []:
        if file.is_file() and file.stat().st_size < LARGEST:
            own = Export(file.name, file.read_bytes())
            files += [(n, own) for n, f in formulas.items() if f and f().recognises(own.content[:4096])]
    return [(name, own) for name, own in files if len(own.content) < LARGEST]


def large(content: bytes) -> Iterator[bytes]:
    """What fills a file to the largest that is read: its last rows again, cells, lines; and 59,000 rows."""
    rows = content.splitlines(keepends=True)
    last = b"".join(rows[-4:])
    fills = [last, b",", b"1\t", b'"x\n', b"\0\xff"]
    for fill in fills:
        yield content + fill * ((LARGEST_READ - len(content)) // len(fill))
    yield content + last * (59_000 // len(rows[-4:]))


@dataclass
class Tally:
    """What came of the inputs so far: how many gave what, and the slowest and the largest."""

    tables: int = 0
    refused: int = 0
    failed: int = 0
    slowest: tuple[float, str] = (0.0, "")
    highest: tuple[int, str] = (0, "")

    @property
    def bad(self) -> bool:
        """Whether an input took too long, too much memory, or raised anything but a refusal."""
        return self.failed > 0 or self.slowest[0] > SECONDS or self.highest[0] > MEGABYTES

    def __str__(self) -> str:
        return (
            f"{self.tables} tables, {self.refused} refused, {self.failed} failed; slowest {self.slowest[0]:.2f} s "
            f"({self.slowest[1]}), peak {self.highest[0]} MB ({self.highest[1]})"
        )

    def add(self, name: str, reader: Reader, export: Export, waveforms: bool) -> None:
        """Read a file; one that fails stays in ``results/``. ``waveforms``  whether thresholds are sought, too"""
        start = time.process_time()  # of this process alone, whatever else the machine does
        try:
            tables = reader.read(export)
            if waveforms and tables.waveforms is not None:
                estimate(tables.waveforms)
            self.tables += 1
        except BadInput:
            self.refused += 1
        except Exception as error:  # noqa: BLE001 - what is looked for
            self.failed += 1
            print(f"{name}: {type(error).__name__}: {error}; kept as {_stored(name, export)}", flush=True)
        took = time.process_time() - start
        self.slowest = max(self.slowest, (took, f"{name} {export.name}"))
        if peak() > self.highest[0]:
            self.highest = (peak(), f"{name} {export.name}")
        if took > SECONDS:
            print(f"{name}, {export.name}: {took:.1f} s; kept as {_stored(name, export)}", flush=True)


def _stored(name: str, export: Export) -> str:
    file = ROOT / "results" / f"fuzz-{name}-{export.sha256[:12]}"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(export.content)
    return file.name


def peak() -> int:
    """The most memory this process has had, MB; 0 on Windows, which does not count it."""
    if sys.platform == "win32":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (
        1_000_000 if sys.platform == "darwin" else 1000
    )


def mutated(files: list[tuple[str, Export]], inputs: int, seed: int) -> Iterator[tuple[str, Export]]:
    """So many mutated files, one after the other of the corpus, each with the name of its reader."""
    random = np.random.default_rng(seed)
    for number, (name, own) in zip(range(inputs), itertools.cycle(files), strict=False):
        change = mutate_inside if name == WORKBOOK and number % 3 else mutate
        yield name, replace(own, content=change(own.content, random))


def main(inputs: int, seed: int = 20) -> int:
    """Run the corpus; 1 where an input took too long, too much memory, or raised anything but a refusal."""
    warnings.simplefilter("error")  # a number that overflows is a defect, too
    catalog, parts = Catalog(), Parts()
    files = corpus(catalog, parts)
    names = catalog.names("instruments")
    readers: dict[str, Reader] = {name: catalog.get("instruments", name).formula() for name in names}  # type: ignore[misc]
    readers |= {WORKBOOK: Workbook(catalog), RECORDING: parts}
    whole = [(name, own) for name in names for own in samples(name)[:1]]
    for name, own in whole:
        readers[name].read(own.export())  # what is loaded once is no file's time
    tally, began = Tally(), time.perf_counter()
    filled = (
        (name, replace(own.export(big), name=f"large {i}"))
        for name, own in whole
        for i, big in enumerate(large(own.content))
    )
    for number, (name, export) in enumerate(itertools.chain(mutated(files, inputs, seed), filled), start=1):
        tally.add(name, readers[name], export, number % 10 == 0)
        if number % 10_000 == 0:
            print(f"{number} in {time.perf_counter() - began:.0f} s: {tally}", flush=True)
    parts.home.cleanup()
    print(f"{inputs} inputs of {len(files)} files in {time.perf_counter() - began:.0f} s: {tally}")
    return int(tally.bad)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])) if len(sys.argv) > 1 else main(100_000))
