"""Wells and runs that otosome and R are both given: ``python tests/r/potency.py`` writes them as tables for R."""

from __future__ import annotations

from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
# Runs to be combined: ln r and its variance within the run.
LOGS = np.array([-0.31, 0.02, -0.12, 0.18, -0.05])
VARIANCES = np.array([0.010, 0.005, 0.018, 0.006, 0.015])


def wells() -> list[tuple[str, float, float]]:
    """Preparation, dose and response of a plate of 24 wells a curve; the lot's curve lies at 0.7 of the doses."""
    chance = np.random.default_rng(20)
    doses = np.repeat(16.0 / 2.0 ** np.arange(8), 3)
    rows = []
    for name, potency in (("reference", 1.0), ("lot", 0.7)):
        middle = np.log(1.4 / potency)
        response = 0.2 + 1.8 / (1 + np.exp(-1.2 * (np.log(doses) - middle)))
        noise = chance.normal(0, 0.05, doses.size)
        rows += [
            (name, float(dose), float(y))
            for dose, y in zip(doses, np.round(response + noise, 4), strict=True)
        ]
    return rows


def lines() -> list[tuple[str, float, float]]:
    """The same of a plate whose doses lie on the straight part."""
    chance = np.random.default_rng(21)
    doses = np.repeat([1.0, 2.0, 4.0, 8.0], 4)
    rows = []
    for name, potency in (("reference", 1.0), ("lot", 1.3)):
        response = 1.0 + 0.5 * np.log(potency * doses) + chance.normal(0, 0.06, doses.size)
        rows += [(name, float(dose), float(y)) for dose, y in zip(doses, np.round(response, 4), strict=True)]
    return rows


if __name__ == "__main__":
    for stem, rows in (("wells", wells()), ("lines", lines())):
        text = "\n".join(["sample,dose,response", *(f"{n},{d},{y}" for n, d, y in rows)])
        (HERE / f"{stem}.csv").write_text(text + "\n", encoding="utf-8")
    runs = "\n".join(["log,variance", *(f"{log},{v}" for log, v in zip(LOGS, VARIANCES, strict=True))])
    (HERE / "runs.csv").write_text(runs + "\n", encoding="utf-8")
