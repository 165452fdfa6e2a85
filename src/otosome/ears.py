"""The table of ears: a column per number, with the world, lot, run and person of each ear, its weight, and the seed.

Draws, posteriors, enrolments, perturbed ears and parts of any of them are all this one noun. Nothing of it travels in
attributes: a table made anew from the same columns keeps its seed and worlds, and one without them is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from otosome.answers import notebook
from otosome.errors import BadInput
from otosome.evidence import Kin
from otosome.units import Array

if TYPE_CHECKING:
    import pandas as pd

Columns = Mapping[str, Array]
Rows = NDArray[np.int64]
# Columns of a table that are no numbers of a study; names of those have two dots.
INDEX = ("ear", "world", "lot", "run", "person")
_SELECTION = "selection."
_CURE = "make it with otosome.ears.Ears.of, from a table with the columns of Ears.frame()"


@dataclass(frozen=True, eq=False)
class Ears(Mapping[str, Array]):
    """Ears of a study: as a mapping, a column (ear,) by the full name of each number.

    ``ear``        number of each ear, shape (ear,): its errors of reading are a function of it and of the seed
    ``world``      which draw of everything unknown it lives in;  ``lot``  which lot of that world it is treated with;
                   ``run``  with which others it was exposed at once;  ``person``  whose ear it is, an animal's or
                   a person's; same shape
    ``weight``     importance weight, finite and not negative, same shape; one for ears as they are drawn
    ``seed``       of the draw, and of the errors of reading
    ``selection``  how an ear came to be chosen among candidate ears: ``candidates`` (their effective sample size in
                   its world); of the enrolled the ``share`` enrolled in its world, what it was ``read`` at then, and
                   the ``truth``; all (ear,)
    raises         BadInput for columns of unequal lengths, or a weight that is none
    """

    numbers: Columns
    ear: Rows
    world: Rows
    lot: Rows
    run: Rows
    person: Rows
    weight: Array
    seed: int
    selection: Columns = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, column in self._columns():
            if column.shape != (self.size,):
                raise BadInput(
                    "is not one value for each ear", key=name, given=column.shape, allowed=(self.size,)
                )
        if not np.all(np.isfinite(self.weight) & (self.weight >= 0)):
            raise BadInput("is finite and not negative", key="weight", given=float(np.min(self.weight)))

    @classmethod
    def alone(cls, numbers: Columns, seed: int = 0) -> Ears:
        """Ears numbered from 0, each of a person, a run, a world and a lot of its own."""
        columns = {name: np.asarray(column, dtype=float) for name, column in numbers.items()}
        count = np.arange(next(iter(columns.values())).size)
        return cls(columns, count, count, count, count, count, np.ones(count.size), seed)

    @classmethod
    def of(cls, table: Ears | pd.DataFrame) -> Ears:
        """Ears as they are, or from a table with the columns of ``frame``; without ``weight`` all weigh the same.

        raises  BadInput for a table that does not say the seed, and of each ear number, world, lot, run and person
        """
        if isinstance(table, Ears):
            return table
        for name in (*INDEX, "seed"):
            if name not in table:
                raise BadInput("is no column of this table of ears", key=name, cure=_CURE)
        whole = {name: _whole(table, name) for name in (*INDEX, "seed")}
        seeds = np.unique(whole.pop("seed"))
        if seeds.size != 1 or seeds[0] < 0:
            raise BadInput("is one number, not negative, for all ears", key="seed", given=seeds.tolist())
        weight = _number(table, "weight") if "weight" in table else np.ones(len(table))
        names = [name for name in map(str, table.columns) if name not in (*INDEX, "seed", "weight")]
        chosen = {n.removeprefix(_SELECTION): _number(table, n) for n in names if n.startswith(_SELECTION)}
        numbers = {n: _number(table, n) for n in names if not n.startswith(_SELECTION)}
        return cls(numbers, **whole, weight=weight, seed=int(seeds[0]), selection=chosen)

    @classmethod
    def read(cls, file: Path) -> Ears:
        """Ears that ``write`` has written; raises BadInput for a file that is none."""
        import pandas as pd

        try:
            table = pd.read_parquet(file)
        except (OSError, ValueError) as error:
            raise BadInput(f"cannot be read as a Parquet table ({error})", file=str(file)) from error
        return cls.of(table)

    def write(self, file: Path) -> None:
        """Write all columns as a Parquet table, to the last bit."""
        self.frame().to_parquet(file, index=False)

    def frame(self) -> pd.DataFrame:
        """All of it as a plain table: ear, world, lot, run, person, weight, seed, then a column per number."""
        import pandas as pd

        index = {name: getattr(self, name) for name in (*INDEX, "weight")}
        chosen = {f"{_SELECTION}{name}": column for name, column in self.selection.items()}
        return pd.DataFrame(
            {**index, "seed": np.full(self.size, self.seed, np.int64), **chosen, **self.numbers}
        )

    @property
    def size(self) -> int:
        """How many ears."""
        return self.ear.size

    @cached_property
    def fingerprint(self) -> str:
        """Differs wherever any number, index, weight or the seed does."""
        digest = hashlib.sha256(f"{self.seed}".encode())
        for name, column in sorted(self._columns()):
            digest.update(f"{name}/{column.dtype.str}".encode())
            digest.update(np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()

    def kin(self, ears: int) -> Kin:
        """What each ear belongs to; ``ears`` of each animal are studied."""
        return Kin(self.ear, self.person, self.run, self.lot, self.world, ears)

    def take(self, rows: slice | Sequence[int] | NDArray[np.int64] | NDArray[np.bool_]) -> Ears:
        """Some of the ears by position; they keep number, world and all else."""
        at = rows if isinstance(rows, slice) else np.asarray(rows)
        index = {name: getattr(self, name)[at] for name in (*INDEX, "weight")}
        numbers, selection = (
            {name: column[at] for name, column in some.items()} for some in (self.numbers, self.selection)
        )
        return replace(self, numbers=numbers, selection=selection, **index)

    def pick(self, ears: Rows) -> Ears:
        """The ears of these numbers, in that order; raises BadInput for one that is not there."""
        order = np.argsort(self.ear, kind="stable")
        at = np.minimum(np.searchsorted(self.ear, ears, sorter=order), self.size - 1)
        rows = order[at]
        missing = np.flatnonzero(self.ear[rows] != ears)
        if missing.size:
            raise BadInput("is not in this table of ears", key="ear", given=int(ears[missing[0]]))
        return self.take(rows)

    def assign(self, **numbers: Array | float) -> Ears:
        """The same ears with some numbers replaced; a single value is that of every ear."""
        wide = {n: np.broadcast_to(np.asarray(v, dtype=float), (self.size,)) for n, v in numbers.items()}
        return replace(self, numbers={**self.numbers, **wide})

    def alike(self, need: str) -> None:
        """Refuse ears of different weights for what cannot weigh them; ``need`` says what that is."""
        if self.size and not np.all(self.weight == self.weight[0]):
            raise BadInput(
                f"differs between ears, and {need} counts each ear once",
                key="weight",
                given=f"{self.weight.min():g} to {self.weight.max():g}",
                cure="draw ears again in proportion to their weights",
            )

    def _columns(self) -> list[tuple[str, Array | Rows]]:
        index = [(name, getattr(self, name)) for name in (*INDEX, "weight")]
        return [*index, *((f"{_SELECTION}{n}", c) for n, c in self.selection.items()), *self.numbers.items()]

    def _rows(self) -> dict[str, str]:
        worlds, lots, people = (len(np.unique(column)) for column in (self.world, self.lot, self.person))
        return {
            "ears": f"{self.size} of {people} subjects; worlds: {worlds}, lots: {lots}; seed {self.seed}",
            "numbers": f"{len(self.numbers)} for each ear: {notebook.few(list(self.numbers)[:3])} ...",
            "weight": "equal" if np.ptp(self.weight) == 0 else "differs between ears",
        }

    def __repr__(self) -> str:
        return notebook.text("Ears", self._rows())

    def _repr_html_(self) -> str:
        return notebook.table("Ears", self._rows())

    def __getitem__(self, name: str) -> Array:
        return self.numbers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.numbers)

    def __len__(self) -> int:
        return len(self.numbers)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ears) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)


def stacked(parts: Sequence[Columns]) -> dict[str, Array]:
    """Columns of several tables under each other; all have the names of the first."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _whole(table: pd.DataFrame, name: str) -> Rows:
    column = _number(table, name)
    if not np.all(column == np.round(column)):
        raise BadInput("is a whole number for each ear", key=name)
    return table[name].to_numpy().astype(np.int64)


def _number(table: pd.DataFrame, name: str) -> Array:
    try:
        return table[name].to_numpy(dtype=float)
    except (TypeError, ValueError) as error:
        raise BadInput("is a number for each ear", key=name, given=str(error)) from error
