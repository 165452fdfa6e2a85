"""A bank of simulated ears: every subject once under treatment and control, in shards that a stop does not lose.

A shard is a block of ears, a function of study, seed and rows alone: the same whoever computes it, and when. It is
written beside, synced and renamed, with its hash in a file of its own; a shard whose hash fails is computed again.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from otosome import __version__
from otosome.errors import BadInput
from otosome.files import sha256
from otosome.fitting.use import Known
from otosome.forward import draw, simulate
from otosome.study import Study, saves
from otosome.trials.cluster import Crew
from otosome.trials.exposed import whole_runs
from otosome.trials.simulated import Simulate, cut_down, loaded
from otosome.units import Array

SHARD = 50
# Ears looked at together where all are looked at.
PART = 10_000
Tick = Callable[[int, int], None]
# Makes a tick of what is done, in what unit.
Ticks = Callable[[str, str], Tick]
# Columns of ears that reading a measure asks for.
_READ = ("endpoints.", "materials.")


@dataclass(frozen=True)
class Bank:
    """Ears read true: ``values`` of shape (ear, arm, moment, frequency), arms control and treated.

    ``world``    of each ear, (ear,);  ``columns``  what reading its endpoint asks, a column each, (ear,)
    ``run``      of exposure, of each ear, (ear,), with so many ears in a whole run (``together``)
    ``hash``     of all shards;  ``computed``  how many of them were computed now, the others were there
    ``left_out`` ears that could not be computed, NaN in ``values``
    ``counted``  how often each world counts, (world,); once where none is said
    ``balance``, ``steps``  largest part of a dose unaccounted for, and largest error of time steps, of the peak
    """

    values: Array
    world: NDArray[np.int64]
    columns: dict[str, Array]
    hash: str
    computed: int
    left_out: int
    counted: NDArray[np.intp] | None = None
    balance: float = 0.0
    steps: float = 0.0
    run: NDArray[np.int64] | None = None
    together: int = 1

    def worlds(self) -> list[NDArray[np.intp]]:
        """Rows of the sound ears of each world, as often as it counts."""
        if self.counted is None:
            return self._rows
        return [self._rows[n] for n in np.repeat(np.arange(len(self._rows)), self.counted)]

    @cached_property
    def runs(self) -> list[NDArray[np.intp]]:
        """Rows of the whole runs of each world, (run, ear), as often as it counts; none where each ear is alone."""
        if self.run is None or self.together == 1:
            return []
        return [whole_runs(rows, self.run, self.together) for rows in self.worlds()]

    @cached_property
    def _rows(self) -> list[NDArray[np.intp]]:
        """Rows of the sound ears of each world, worlds rising."""
        sound = np.concatenate([np.isfinite(part).all(axis=(1, 2, 3)) for part in _parts(self.values)])
        order = np.argsort(self.world, kind="stable")
        edges = np.flatnonzero(np.diff(self.world[order])) + 1
        return [rows[sound[rows]] for rows in np.split(order, edges)]

    @property
    def distinct(self) -> int:
        """How many worlds count at all."""
        return int(np.unique(self.world).size if self.counted is None else np.count_nonzero(self.counted))


def _parts(values: Array) -> Iterator[Array]:
    """Some ears at a time: a bank is larger than memory may be."""
    return (values[first : first + PART] for first in range(0, len(values), PART))


@dataclass(frozen=True)
class Work:
    """A shard to compute: everything a worker needs to know."""

    study: str
    shelves: tuple[Path, ...]
    protocol: Simulate
    first: int
    last: int
    folder: Path
    key: str
    batch: Path | None = None
    known: Known | None = None

    @property
    def file(self) -> Path:
        """Where its ears go."""
        return self.folder / f"ears_{self.first:08d}.npy"

    @property
    def mark(self) -> Path:
        """Where its hash goes."""
        return self.file.with_suffix(".json")


def key_of(study: Study, protocol: Simulate, known: Known | None = None) -> str:
    """What a bank depends on, as a hash: the study as it runs, a fit, the arms, what is read, worlds, the version."""
    stated = {name: str(value) for name, value in asdict(protocol).items() if name in _SHAPING}
    draws = () if known is None else known.key
    text = json.dumps([saves(study, protocol.seed), stated, __version__, *draws])
    return hashlib.sha256(text.encode()).hexdigest()


_SHAPING = ("treated", "control", "measure", "at", "baseline", "world", "seed", "run_animals", "runs")


def bank(
    study: str,
    shelves: tuple[Path, ...],
    protocol: Simulate,
    folder: Path,
    crew: Crew,
    resume: bool,
    tick: Tick,
    batch: Path | None = None,
    known: Known | None = None,
) -> Bank:
    """The bank of a trial, computed by a crew; raises BadInput where it cannot be written.

    ``folder``  for its shards;  ``resume``  keep those that are whole and of this very trial
    ``tick``    called with the ears that are there and all ears, first before any are computed
    ``batch``   the record of a lot in the place of the study's vesicles;  ``known``  a fit that states its numbers
    """
    key = key_of(loaded(study, shelves, batch, known), protocol, known)
    firsts = range(0, protocol.bank, SHARD)
    shards = [
        Work(study, shelves, protocol, a, min(a + SHARD, protocol.bank), folder, key, batch, known)
        for a in firsts
    ]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        missing = [work for work in shards if not (resume and is_whole(work))]
        there = protocol.bank - sum(work.last - work.first for work in missing)
        tick(there, protocol.bank)
        for number, _ in enumerate(crew.each(compute, missing), start=1):
            # Workers may end them in any order: all are of one size but the last, which is then counted last.
            tick(min(there + number * SHARD, protocol.bank), protocol.bank)
        together = _study(study, shelves, protocol, batch, known).cohort
        return replace(_joined(shards, len(missing)), together=together.animals * together.ears)
    except OSError as error:
        raise BadInput(
            f"cannot be written ({error.strerror})",
            file=str(folder),
            cure="make room, then go on with --resume",
        ) from error


def compute(work: Work) -> None:
    """Simulate a shard and write it."""
    protocol, rows = work.protocol, slice(work.first, work.last)
    study = _study(work.study, work.shelves, protocol, work.batch, work.known)
    prior = None if work.known is None else work.known.draws
    ears = draw(study, rows=rows, seed=protocol.seed, world=protocol.world, prior=prior)
    result = simulate(study, ears, workers=1, keep=())
    true = result[protocol.measure].sel(arm=[protocol.control, protocol.treated])
    whole = np.full((ears.size, *(true.sizes[d] for d in ("arm", "time", "frequency"))), np.nan)
    whole[result.subject.to_numpy() - work.first] = true.transpose(
        "subject", "arm", "time", "frequency"
    ).to_numpy()
    columns = [ears[name] for name in _names(ears)]
    kin = [ears.world.astype(float), ears.run.astype(float)]
    table = np.column_stack([*kin, *columns, whole.reshape(ears.size, -1)])
    errors = {
        "balance": float(result["mass_balance_error"].max()),
        "steps": float(result["time_error"].max()),
    }
    _write(work, table, {"names": _names(ears), "shape": whole.shape[1:], **errors})


def _names(ears: Iterable[str]) -> list[str]:
    return sorted(name for name in ears if name.startswith(_READ))


@lru_cache(maxsize=4)
def _study(
    study: str, shelves: tuple[Path, ...], protocol: Simulate, batch: Path | None, known: Known | None
) -> Study:
    return cut_down(loaded(study, shelves, batch, known), protocol)


def _write(work: Work, table: Array, about: dict[str, object]) -> None:
    """A shard, then its hash, each beside its place, synced and renamed."""
    array = io.BytesIO()
    np.save(array, table, allow_pickle=False)
    _put(work.file, array.getvalue())
    mark = {"sha256": sha256(work.file), "key": work.key, "rows": [work.first, work.last], **about}
    _put(work.mark, json.dumps(mark).encode())


def _put(file: Path, content: bytes) -> None:
    part = file.with_suffix(f".{uuid.uuid4().hex}.part")
    with part.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(file)


def is_whole(work: Work) -> bool:
    """Whether a shard is there, of this trial, and as it was written."""
    mark = _mark(work)
    same = mark.get("key") == work.key and mark.get("rows") == [work.first, work.last]
    return same and work.file.is_file() and sha256(work.file) == mark.get("sha256")


def _mark(work: Work) -> dict[str, object]:
    try:
        values = json.loads(work.mark.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def _joined(shards: Sequence[Work], computed: int) -> Bank:
    """All shards as one bank, whose values lie in a file and are read as they are needed."""
    marks = [_mark(work) for work in shards]
    names, shape = marks[0]["names"], marks[0]["shape"]
    assert isinstance(names, list)
    assert isinstance(shape, list)
    ears = shards[-1].last
    whole = shards[0].folder / "values.npy"
    # World and run of each ear, then what reading asks.
    kin = 2
    values = np.lib.format.open_memmap(whole, "w+", np.float64, (ears, *shape))
    beside, left_out = np.empty((ears, kin + len(names))), 0
    for work in shards:
        rows, part = slice(work.first, work.last), np.load(work.file, allow_pickle=False)
        edge = kin + len(names)
        beside[rows], values[rows] = part[:, :edge], part[:, edge:].reshape(-1, *shape)
        left_out += int((~np.isfinite(values[rows]).all(axis=(1, 2, 3))).sum())
    values.flush()
    hashes = "".join(str(mark["sha256"]) for mark in marks)
    return Bank(
        np.load(whole, mmap_mode="r", allow_pickle=False),
        beside[:, 0].astype(np.int64),
        {name: beside[:, kin + place] for place, name in enumerate(names)},
        hashlib.sha256(hashes.encode()).hexdigest(),
        computed,
        left_out,
        balance=_largest(marks, "balance"),
        steps=_largest(marks, "steps"),
        run=beside[:, 1].astype(np.int64),
    )


def _largest(marks: Sequence[dict[str, object]], key: str) -> float:
    return max(float(str(mark[key])) for mark in marks)
