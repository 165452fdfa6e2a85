"""How much CBA/JRj mice differ: the tables of cba_jrj_2021 and the simulation beside each other.

    python -m tools.spread FOLDER [ears]

``FOLDER`` holds ABR_JRj_raw.csv and DP_JRj_raw.csv (github.com/cverst/differential_effects_substrains); they are not
kept here. Thresholds and emissions of the simulation are readings, as a laboratory would have written them down; each
figure is computed in every world of animals and printed as the median over worlds with 5 and 95 %.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from otosome.forward import draw, observe, simulate
from otosome.study import Study

LEVELS = (100, 103, 105)
TIMES = {"24h": 24.0, "2w": 336.0}
MIDDLE = [12.0, 16.0, 24.0]
# Animals of a group, as many as were read: five of a run, so that three runs were at 105 dB and five at 103.
READ = {100: 19, 103: 25, 105: 14}
ANIMALS = max(READ.values())
# The exposures of the tables, and an arm that nothing happens to.
_BAND = {"entry": "noise", "at": ["0 h"], "duration": "2 h", "band": ["8 kHz", "16 kHz"]}
_TONES = ["8 kHz", "12 kHz", "16 kHz", "24 kHz", "32 kHz"]
STUDY = {
    "otosome": "study/1",
    "species": "mouse",
    "strain": "cba_jrj",
    "cohort": {"animals": 5},
    "insult": {f"n{level}": {**_BAND, "level": f"{level} dB SPL"} for level in LEVELS},
    "arm": [
        {"name": "quiet", "insults": []},
        *({"name": str(level), "insults": [f"n{level}"]} for level in LEVELS),
    ],
    "measure": {
        "abr": {"endpoint": "abr_threshold", "frequency": _TONES, "at": ["1 d", "14 d"]},
        "dpoae": {"endpoint": "dpoae", "frequency": _TONES, "at": ["1 d", "14 d"]},
        "wave": {"endpoint": "wave1", "frequency": _TONES, "level": "80 dB SPL", "at": ["1 d", "14 d"]},
    },
}
Table = pd.DataFrame
Figure = Callable[[Table, Table], float]


def measured(folder: Path) -> dict[tuple[str, str], tuple[Table, Table]]:
    """Thresholds and emissions, animal by frequency in kHz, by level and time; runs in the index."""
    abr = pd.read_csv(folder / "ABR_JRj_raw.csv")
    emissions = pd.read_csv(folder / "DP_JRj_raw.csv")
    emissions = emissions[emissions.level_db == 65]
    found = {}
    for level in LEVELS:
        for time in ("baseline", *TIMES):
            both = [
                _wide(table[(table.noise_spl == level) & (table.abr_time == time)], column)
                for table, column in ((abr, "threshold"), (emissions, "level_distprod"))
            ]
            found[str(level), time] = both[0], both[1]
    return found


def _wide(table: Table, column: str) -> Table:
    wide = table.groupby(["id", "freq_hz"])[column].mean().unstack()
    wide.columns = wide.columns / 1000.0
    return wide.set_index(pd.Series(runs(list(wide.index)), index=wide.index, name="run"), append=True)


def runs(names: list[str]) -> list[int]:
    """Run of each animal, in the order of ids: a suffix that does not rise begins another."""
    found, run, last = [], 0, 0
    for name in names:
        number = int(re.split(r"[_-]", name)[-1])
        run += number <= last
        found.append(run)
        last = number
    return found


def simulated(ears: int) -> Iterator[dict[tuple[str, str], tuple[Table, Table]]]:
    """The same of each world of animals of the strain."""
    study = Study.of(STUDY)
    table = draw(study, ears, seed=1, world=ANIMALS)
    readings = observe(study, simulate(study, table, workers=1), table)
    kin = pd.DataFrame({"subject": table.ear, "run": table.run, "world": table.world})
    readings = readings.merge(kin, on="subject")
    for _, whole in readings.groupby("world"):
        found = {}
        for level in LEVELS:
            world = whole[whole.subject < whole.subject.min() + READ[level]]
            for time, hours in TIMES.items():
                found[str(level), time] = tuple(
                    _read(world, str(level), quantity, hours) for quantity in ("abr", "dpoae")
                )
            found[str(level), "baseline"] = tuple(
                _read(world, "quiet", quantity, 24.0) for quantity in ("abr", "dpoae")
            )
        yield found


def _read(world: Table, arm: str, measure: str, hours: float) -> Table:
    rows = world[(world.group == arm) & (world.measure == measure) & (world.time == hours)]
    return rows.pivot(index=["subject", "run"], columns="frequency", values="value")


def spread(abr: Table, _: Table) -> float:
    """Standard deviation of thresholds between animals, mean over 12 to 24 kHz."""
    return float(abr[MIDDLE].std().mean())


def healthy(abr: Table, _: Table) -> float:
    """The same at 8 to 16 kHz."""
    return float(abr[[8.0, 12.0, 16.0]].std().mean())


def neighbours(abr: Table, _: Table) -> float:
    """Correlation of neighbouring frequencies, median of 8 to 32 kHz."""
    tones = sorted(abr.columns)
    return float(np.median([abr[a].corr(abr[b]) for a, b in itertools.pairwise(tones)]))


def with_emission(abr: Table, emissions: Table) -> float:
    """Correlation of emission with threshold, mean of 12 and 16 kHz."""
    both = abr.index.intersection(emissions.index)
    return float(np.mean([abr.loc[both, f].corr(emissions.loc[both, f]) for f in (12.0, 16.0)]))


def between_runs(abr: Table, _: Table) -> float:
    """Share of the variance of an animal's mean threshold that lies between runs, by ANOVA, not below none."""
    mean = abr[MIDDLE].mean(axis=1).dropna()
    groups = [group.to_numpy() for _, group in mean.groupby(level="run") if len(group) > 1]
    sizes = np.array([group.size for group in groups])
    within = sum(((g - g.mean()) ** 2).sum() for g in groups) / (sizes.sum() - sizes.size)
    whole = np.concatenate(groups).mean()
    among = sum(g.size * (g.mean() - whole) ** 2 for g in groups) / (sizes.size - 1)
    size = (sizes.sum() - (sizes**2).sum() / sizes.sum()) / (sizes.size - 1)
    variance = max((among - within) / size, 0.0)
    return float(variance / (variance + within))


def main() -> None:
    """Print every figure of the data and of the simulation."""
    data = measured(Path(sys.argv[1]))
    worlds = list(simulated(int(sys.argv[2]) if len(sys.argv) > 2 else 400))
    for figure, times in (
        (healthy, ["baseline"]),
        *((f, list(TIMES)) for f in (spread, neighbours, with_emission, between_runs)),
    ):
        print((figure.__doc__ or "").partition("\n")[0])
        for key, tables in data.items():
            if key[1] in times:
                _line(key, figure(*tables), [figure(*world[key]) for world in worlds])
    print("Mean shift, dB, mean over 12 to 24 kHz.")
    for level, time in data:
        if time in TIMES:
            shift = [
                float((of[level, time][0][MIDDLE].mean() - of[level, "baseline"][0][MIDDLE].mean()).mean())
                for of in (data, *worlds)
            ]
            _line((level, time), shift[0], shift[1:])


def _line(key: tuple[str, str], measured: float, simulated: list[float]) -> None:
    low, middle, high = np.nanquantile(simulated, [0.05, 0.5, 0.95])
    print(
        f"  {key[0]} dB {key[1]}: measured {measured:.2f}, simulated {middle:.2f} ({low:.2f} to {high:.2f})"
    )


if __name__ == "__main__":
    main()
