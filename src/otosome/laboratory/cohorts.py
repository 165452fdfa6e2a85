"""Exposure runs: who was exposed together, and how much of the spread lies between runs; renamed animals.

A run is what the animals sheet says (``run``), else who has one ``day0``, else one ``cage``, else what ids say: in
their order a last number that begins again begins another run. Where nothing says it the spread between runs is part of
that between animals, and a note says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

import numpy as np

from otosome.laboratory.tables import when
from otosome.units import Array

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = tuple("quantity unit level time group animals runs sd between_runs between_animals by".split())
SHEET = ("run", "day0", "cage")
# Names that are as alike may be one animal's: half of what could differ.
ALIKE = 0.75
# A run lies apart by so many SDs of animals of one run, known from so many degrees of freedom, and by so many dB.
_FAR, _FREEDOM, _LEAST = 3.0, 3, 10.0
_NUMBER = re.compile(r"^(.*?)(\d+)\D*$")


@dataclass(frozen=True)
class Runs:
    """Which run each animal was exposed in: ``of`` it by subject, ``by`` what that is known; empty where it is not."""

    of: Mapping[str, str] = field(default_factory=dict)
    by: str = ""

    @property
    def sizes(self) -> dict[str, int]:
        """How many animals each run has."""
        runs = list(self.of.values())
        return {run: runs.count(run) for run in dict.fromkeys(runs)}


def runs_of(subjects: Sequence[str], sheet: pd.DataFrame | None) -> Runs:
    """The runs of some subjects, by the first of what says them.

    ``sheet``  the rows of an animals sheet
    """
    for key in SHEET if sheet is not None else ():
        assert sheet is not None
        stated = {
            s: v[:10] if key == "day0" else v for s, v in zip(sheet["subject"], sheet[key], strict=True) if v
        }
        known = {subject: str(stated[subject]) for subject in subjects if subject in stated}
        # One day or cage for all says nothing apart, unless the sheet itself calls it a run.
        if known and (key == "run" or 1 < len(set(known.values())) < len(known)):
            return Runs(known, key)
    inferred = _by_ids(sorted(subjects, key=_natural))
    return Runs(inferred, "ids") if 1 < len(set(inferred.values())) < len(inferred) else Runs()


def _natural(name: str) -> list[tuple[int, str]]:
    """A name as a person sorts it: its numbers by size."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def _by_ids(names: Iterable[str]) -> dict[str, str]:
    """Run by name, in the order of names: a last number that does not rise begins one."""
    by_name, run, last = dict[str, str](), 0, np.inf
    for name in names:
        match = _NUMBER.match(name)
        if match is None:
            return {}
        run += int(match[2]) <= last
        by_name[name], last = f"run {run}", int(match[2])
    return by_name


def spread(readings: pd.DataFrame, runs: Runs) -> pd.DataFrame:
    """How much animals of a group differ at a time, and of that how much between runs: columns ``COLUMNS``, SDs.

    An animal is its mean over frequencies; components are those of a one-way analysis of variance, none below zero.
    ``between_runs`` and ``between_animals`` are blank where runs are not known, or no two animals share one.
    """
    import pandas as pd

    rows = list[dict[str, object]]()
    for cell, means, level in _means(readings):
        run = [runs.of.get(str(subject), "") for subject in means.index]
        among, within = components(means.to_numpy(dtype=float), run) if runs.by else (np.nan, np.nan)
        quantity, unit, _, time, group = cell
        rows.append(
            {
                "quantity": quantity,
                "unit": unit,
                "level": level,
                "time": time,
                "group": group,
                "animals": len(means),
                "runs": len(set(run) - {""}) if runs.by else np.nan,
                "sd": float(means.std(ddof=1)),
                "between_runs": among,
                "between_animals": within,
                "by": runs.by or "not split",
            }
        )
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS))


def _means(readings: pd.DataFrame) -> Iterator[tuple[tuple[str, ...], pd.Series, float]]:
    """Of each quantity, unit, level, time and group the mean of every animal over the tones that all of them have.

    yields  these as text, means by subject of two animals at least, and the level in dB, NaN where there is none
    """
    known = readings[(readings["censored"] == "none") & (readings["subject"] != "")]
    known = known.assign(
        when=when(known), level=known["level"].fillna(np.inf), group=known["group"].astype(str)
    )
    for cell, part in known.groupby(["quantity", "unit", "level", "when", "group"], sort=True):
        # A frequency that only some animals have would be their difference.
        wide = part.pivot_table(index="subject", columns="frequency", values="value", dropna=False).dropna(
            axis=1
        )
        means, level = wide.mean(axis=1), float(part["level"].iloc[0])
        if len(means) > 1:
            yield tuple(map(str, cell)), means, level if np.isfinite(level) else np.nan


def apart(readings: pd.DataFrame, runs: Runs) -> Iterator[str]:
    """A note on exposure runs that lie far from all others of their group, as where the exposure went wrong.

    Far is more than what animals of one run differ by three times, and 10 dB; of each group the time at which the run
    lies farthest is named.
    """
    farthest: dict[tuple[str, str], _Apart] = {}
    for cell, means, _ in (
        _means(readings[readings["unit"].astype(str).str.startswith("dB")]) if runs.by else ()
    ):
        each = _far(cell, means, runs)
        if each is not None and each.far > farthest.get((each.group, each.run), _NEAREST).far:
            farthest[each.group, each.run] = each
    if farthest:
        named = "; ".join(each.text for each in farthest.values())
        yield (
            f"Exposure runs that lie apart from their group: {named}. A band over all runs covers both; look whether "
            "these were exposed alike."
        )


@dataclass(frozen=True)
class _Apart:
    """A run beside the other animals of its group: means, and the SD of animals of one run."""

    group: str
    run: str
    quantity: str
    unit: str
    time: str
    animals: tuple[str, ...] = ()
    own: float = 0.0
    others: float = 0.0
    within: float = 1.0

    @property
    def far(self) -> float:
        """How far its mean lies from that of the others."""
        return abs(self.own - self.others)

    @property
    def text(self) -> str:
        """What is printed of it."""
        return (
            f"“{self.run}” of {self.group} ({', '.join(self.animals[:8])}: {self.quantity} at {self.time} "
            f"{self.own:.0f} {self.unit}, the others {self.others:.0f}, and animals of one run differ by "
            f"{self.within:.1f} dB)"
        )


_NEAREST = _Apart("", "", "", "", "")


def _far(cell: tuple[str, ...], means: pd.Series, runs: Runs) -> _Apart | None:
    """The run of two animals at least that lies farthest from the others; None where none lies far."""
    values = means.to_numpy(dtype=float)
    run = np.array([runs.of.get(str(subject), "") for subject in means.index])
    _, within = components(values, run.tolist())
    if not np.isfinite(within) or len(values) - len(set(run)) < _FREEDOM:
        return None
    quantity, unit, _, time, group = cell
    sizes = {name: int((run == name).sum()) for name in dict.fromkeys(run) if name}
    each = [
        _Apart(
            group,
            str(name),
            quantity,
            unit,
            time,
            tuple(map(str, means.index[run == name])),
            float(values[run == name].mean()),
            float(values[run != name].mean()),
            within,
        )
        for name, size in sizes.items()
        if 1 < size < len(values)
    ]
    best = max(each, key=lambda run: run.far, default=_NEAREST)
    return best if best.far > max(_FAR * within, _LEAST) else None


def components(values: Array, run: Sequence[str]) -> tuple[float, float]:
    """Standard deviations between runs and between animals of a run; NaN where no two animals share a run."""
    names = np.array(run)
    parts = [values[names == name] for name in dict.fromkeys(run) if name]
    sizes = np.array([part.size for part in parts])
    if sizes.size < 2 or sizes.max() < 2:
        return np.nan, np.nan
    whole = np.concatenate(parts)
    within = sum(float(((part - part.mean()) ** 2).sum()) for part in parts) / (sizes.sum() - sizes.size)
    among = sum(part.size * float(part.mean() - whole.mean()) ** 2 for part in parts) / (sizes.size - 1)
    size = (sizes.sum() - (sizes**2).sum() / sizes.sum()) / (sizes.size - 1)
    return float(np.sqrt(max((among - within) / size, 0.0))), float(np.sqrt(within))


def notes(runs: Runs, sheet: pd.DataFrame | None, animals: int) -> Iterator[str]:
    """What a reader should know of the runs of some animals."""
    if animals < 2:
        return
    if not runs.by:
        yield (
            "Nothing says which animals were exposed together (a column run, day0 or cage in the animals sheet, or ids "
            "that begin again), so the spread between exposure runs cannot be separated from that between animals. "
            "With only a few runs, the experiment is less certain than its number of animals suggests."
        )
        return
    sizes = runs.sizes
    how = {"ids": "by their ids, an inference", "run": "by the animals sheet"}.get(
        runs.by, f"by their {runs.by}"
    )
    yield f"Exposure runs, {how}: {len(sizes)}, of {min(sizes.values())} to {max(sizes.values())} animals (spread.csv)."
    lone = [run for run, size in sizes.items() if size == 1]
    if lone:
        yield f"Runs of a single animal, which say nothing of the spread within a run: {', '.join(lone[:20])}."
    strains = _strains(runs, sheet)
    if strains:
        yield f"Several strains in one run: {', '.join(strains[:20])}. What differs between runs is strain as well."


def _strains(runs: Runs, sheet: pd.DataFrame | None) -> list[str]:
    """The runs that hold several strains, each with them."""
    if sheet is None:
        return []
    own = sheet.assign(of=[runs.of.get(subject, "") for subject in sheet["subject"]])
    own = own[(own["of"] != "") & (own["strain"] != "")]
    named = own.groupby("of")["strain"].unique()
    return [f"{run} ({', '.join(map(str, names))})" for run, names in named.items() if len(names) > 1]


def renamed(readings: pd.DataFrame) -> Iterator[str]:
    """A note that asks about animals whose id may have changed between visits, with the mapping that would say so."""
    animals = list(_one_animal(readings))
    if not animals:
        return
    ids_with_visits = "; ".join(" = ".join(f"{name} ({at})" for name, at in ids) for ids in animals[:10])
    more = f" and {len(animals) - 10} more" if len(animals) > 10 else ""
    lines = [f'"{name}" = "{ids[0][0]}"' for ids in animals for name, _ in ids[1:]]
    yield (
        f"Is each of these one animal whose id changed between visits? {ids_with_visits}{more}. They are kept apart. "
        f"If so, say it in a mapping (--mapping): [animals] {', '.join(lines[:3])}"
        + (", ..." if len(lines) > 3 else "")
    )


def _one_animal(readings: pd.DataFrame) -> Iterator[list[tuple[str, str]]]:
    """The ids, each with its visits, of what may be one animal: alike, and at no visit together; the first id first."""
    visits = _visits(readings)
    every = {visit for own in visits.values() for visit in own}
    # Ids stand in the order in which they were read, so the first of an animal is its own.
    some = [name for name, own in visits.items() if own and own != every]
    together = {name: [name] for name in some}
    for _, left, right in sorted(_pairs(some, visits)):
        ids, more = together[left], together[right]
        if ids is not more and not _meet(ids, more, visits):
            ids += more
            together |= dict.fromkeys(more, ids)
    animals = {id(ids): sorted(ids, key=some.index) for ids in together.values()}
    for ids in animals.values():
        if len(ids) > 1:
            yield [(name, ", ".join(sorted(visits[name]))) for name in ids]


def _meet(ids: Sequence[str], more: Sequence[str], visits: Mapping[str, set[str]]) -> bool:
    """Whether any two of two lists were read at the same visit."""
    return any(visits[left] & visits[right] for left in ids for right in more)


def _visits(readings: pd.DataFrame) -> dict[str, set[str]]:
    """When each id was read; those read first, by time, by date, by place in the files, come first."""
    rows = readings[readings["subject"] != ""]
    rows = rows.assign(visit=when(rows), date=rows["recorded"].astype(str).str[:10], row=range(len(rows)))
    rows["visit"] = rows["visit"].where(rows["visit"] != "", rows["date"])
    rows["hour"] = rows["time"].astype(float).fillna(np.inf)
    rows = rows.sort_values(["hour", "date", "row"], kind="stable")
    return {
        str(name): set(map(str, own)) - {""} for name, own in rows.groupby("subject", sort=False)["visit"]
    }


def _pairs(names: Sequence[str], visits: Mapping[str, set[str]]) -> Iterator[tuple[float, str, str]]:
    """Ids that are alike and were at no visit together, with how unlike they are."""
    for number, left in enumerate(names):
        for right in names[number + 1 :]:
            alike = 0.0 if visits[left] & visits[right] else _alike(left, right)
            if alike >= ALIKE:
                yield -alike, left, right


def _alike(left: str, right: str) -> float:
    """How alike two ids are, 0 to 1; none where their last numbers differ, 1 where only signs and noughts do."""
    numbers = [_NUMBER.match(name) for name in (left, right)]
    if None in numbers or len({int(match[2]) for match in numbers if match}) > 1:
        return 0.0
    plain = [
        re.sub(r"(?<!\d)0+(?=\d)", "", re.sub(r"[^a-z0-9]+", "-", name.lower())) for name in (left, right)
    ]
    a, b = (text.replace("-", "") for text in plain)
    return SequenceMatcher(None, a, b, autojunk=False).ratio()
