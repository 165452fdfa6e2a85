"""The made-up inputs of the tutorials: ``python examples/tutorials/make.py`` writes them anew, the same each time."""

from __future__ import annotations

import csv
import random
from pathlib import Path

HERE = Path(__file__).parent
TONES = {8: 25.0, 16: 20.0, 32: 35.0}
# Mean shift 14 days after the noise, dB, by tone.
SHIFTS = {"noise + vehicle": {8: 8.0, 16: 28.0, 32: 34.0}, "noise + vesicles": {8: 5.0, 16: 17.0, 32: 22.0}}
HIGHEST = 90.0
SHEET = (
    "subject file ear group code species insult insult_dose treatment dose day0 sex strain cage run".split()
)


def thresholds() -> tuple[list[list[object]], list[dict[str, str]]]:
    """Eight mice a group, before and 14 days after noise; the animals sheet filled in."""
    chance = random.Random(7)
    rows: list[list[object]] = [["animal", "day", *(f"{tone} kHz ABR threshold" for tone in TONES)]]
    sheet = []
    for number in range(1, 17):
        group = list(SHIFTS)[number > 8]
        name, own, susceptibility = f"m{number:02d}", chance.gauss(0, 4), chance.lognormvariate(0, 0.3)
        for day in ("baseline", "14"):
            cells = []
            for tone, healthy in TONES.items():
                shift = 0.0 if day == "baseline" else susceptibility * SHIFTS[group][tone]
                level = 5 * round((healthy + own + shift + chance.gauss(0, 3)) / 5)
                cells.append("NR" if level > HIGHEST else level)
            rows.append([name, day, *cells])
        filled = {
            "subject": name,
            "group": group,
            "species": "mouse",
            "insult": "noise",
            "run": str(1 + number % 4),
        }
        filled |= {"insult_dose": "100 dB SPL", "treatment": group.split()[-1], "dose": "2 uL"}
        sheet.append(dict.fromkeys(SHEET, "") | filled)
    return rows, sheet


PERILYMPH = (
    ("gp1", 0.5, "210", "perilymph"),
    ("gp1", 1, "260", "perilymph"),
    ("gp2", 2, "150", "perilymph"),
    ("gp3", 4, "62", "perilymph"),
    ("gp4", 8, "11", "perilymph"),
    ("gp5", 24, "<0.5", "perilymph"),
    ("gp1", 2, "0.3", "plasma"),
    ("gp3", 4, "0.2", "plasma"),
)


def main() -> None:
    """Write every table."""
    rows, sheet = thresholds()
    _write(HERE / "animals" / "thresholds.csv", rows)
    _write(
        HERE / "animals" / "animals_filled.csv", [SHEET, *([row[name] for name in SHEET] for row in sheet)]
    )
    head = ("animal", "time_h", "concentration_ug_ml", "compartment")
    _write(HERE / "drug" / "perilymph.csv", [head, *PERILYMPH])


def _write(file: Path, rows: list[object]) -> None:
    with file.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    main()
