"""Feed mutated laboratory files to their readers: each gives tables or a clean refusal, in time and memory.

python -m tools.fuzz [INPUTS]        100,000 by default; real files beside the repository are mutated too
"""

from __future__ import annotations

import csv
import io
import itertools
import resource
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from laboratory import samples  # noqa: E402
from otosome.catalog import Catalog  # noqa: E402
from otosome.errors import BadInput  # noqa: E402
from otosome.laboratory.file import LARGEST as LARGEST_READ  # noqa: E402
from otosome.laboratory.file import Export  # noqa: E402
from otosome.laboratory.mapping import Meaning  # noqa: E402
from otosome.laboratory.reading import contents  # noqa: E402
from otosome.laboratory.tables import Tables  # noqa: E402
from otosome.laboratory.thresholds import estimate  # noqa: E402
from spreadsheet import workbook  # noqa: E402

REAL = ROOT.parent / "shared" / "data"
WORKBOOK = "workbook"
SECONDS, MEGABYTES = 5.0, 500.0
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


class Workbook:
    """A spreadsheet, read sheet by sheet by the instruments that know its tables."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog

    def read(self, export: Export) -> Tables:
        """Its tables; raises BadInput."""
        return contents(export, self.catalog, Meaning()).tables


def corpus(catalog: Catalog) -> list[tuple[str, str, bytes]]:
    """Reader, name and content of every made-up file, and of the real ones that are there."""
    names = catalog.names("instruments")
    made = [(name, one.name, one.content) for name in names for one in samples(name)]
    made += workbooks(names)
    formulas = {name: catalog.get("instruments", name).formula for name in names}
    for file in sorted(REAL.rglob("*")) if REAL.is_dir() else []:
        if file.is_file() and file.stat().st_size < LARGEST:
            content = file.read_bytes()
            made += [
                (n, file.name, content) for n, f in formulas.items() if f and f().recognises(content[:4096])
            ]
    return [one for one in made if len(one[2]) < LARGEST]


def large(content: bytes) -> Iterator[bytes]:
    """What fills a file to the largest that is read: its last rows again, cells, lines; and 59,000 rows."""
    rows = content.splitlines(keepends=True)
    last = b"".join(rows[-4:])
    fills = [last, b",", b"1\t", b'"x\n', b"\0\xff"]
    for fill in fills:
        yield content + fill * ((LARGEST_READ - len(content)) // len(fill))
    yield content + last * (59_000 // len(rows[-4:]))


def main(inputs: int) -> int:
    """Run the corpus; 1 where an input took too long, too much memory, or raised anything but a refusal."""
    catalog, random = Catalog(), np.random.default_rng(20)
    files = corpus(catalog)
    readers = {name: catalog.get("instruments", name).formula() for name in catalog.names("instruments")}  # type: ignore[misc]
    readers[WORKBOOK] = Workbook(catalog)
    counts, slowest, failed = {"tables": 0, "refused": 0}, (0.0, ""), 0
    highest = (0, "")
    whole = [(name, "large", one) for name in catalog.names("instruments") for one in samples(name)[:1]]
    for name, _, one in whole:
        readers[name].read(Export(one.name, one.content))  # what is loaded once is no file's time
    began = time.perf_counter()
    todo = itertools.chain(
        (
            (name, file, (mutate_inside if name == WORKBOOK and number % 3 else mutate)(content, random))
            for number, (name, file, content) in zip(range(inputs), itertools.cycle(files), strict=False)
        ),
        ((name, f"large {i}", big) for name, _, one in whole for i, big in enumerate(large(one.content))),
    )
    for number, (name, file, changed) in enumerate(todo):
        start = time.perf_counter()
        try:
            tables = readers[name].read(Export(file, changed))
            if tables.waveforms is not None and number % 10 == 0:
                estimate(tables.waveforms)
            counts["tables"] += 1
        except BadInput:
            counts["refused"] += 1
        except Exception as error:  # noqa: BLE001 - what is looked for
            failed += 1
            kept = ROOT / "results" / f"fuzz-{name}-{number}"
            kept.parent.mkdir(exist_ok=True)
            kept.write_bytes(changed)
            print(f"{name}: {type(error).__name__}: {error}; kept as {kept.name}")
        took = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000
        highest = (peak, f"{name} {file}") if peak > highest[0] else highest
        slowest = max(slowest, (took, f"{name} {file}"))
        if took > SECONDS:
            print(f"{name}, {file}: {took:.1f} s")
    print(
        f"{inputs} inputs of {len(files)} files in {time.perf_counter() - began:.0f} s: {counts['tables']} tables, "
        f"{counts['refused']} refused, {failed} failed; slowest {slowest[0]:.2f} s ({slowest[1]}), "
        f"peak {highest[0]} MB ({highest[1]})"
    )
    return int(failed > 0 or slowest[0] > SECONDS or highest[0] > MEGABYTES)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
