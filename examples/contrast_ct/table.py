"""Regional signals of contrast as the authors' files hold them, written as a table of readings.

python table.py FOLDER    # FOLDER holds 20210120_m1_l_parsed.csv and its like; writes readings.csv beside this file
"""

import csv
import sys
from pathlib import Path

SIDES = {"l": "left", "r": "right"}
# Regions that are compared: the outer end of the aqueduct, all along the scala tympani, the near half of the other.
REGIONS = {
    "CA1": "aqueduct",
    **{f"ST{n}": f"st{n}" for n in range(1, 9)},
    **{f"SV{n}": f"sv{n}" for n in range(1, 5)},
}
COLUMNS = ("subject", "ear", "group", "time", "quantity", "value", "unit")


def rows(file: Path) -> list[tuple[str, ...]]:
    """The readings of one ear: mouse and side stand in the file's name, minutes in its last column."""
    _, mouse, side, _ = file.stem.split("_")
    with file.open(encoding="utf-8", newline="") as text:
        return [
            (mouse, SIDES[side], mouse, f"{float(cells['time']) / 60.0:.6f}", name, cells[region], "au")
            for cells in csv.DictReader(text)
            for region, name in REGIONS.items()
        ]


def write(folder: Path, to: Path) -> int:
    """Write the readings of both mice, and say how many."""
    files = sorted(folder.glob("*_m[12]_[lr]_parsed.csv"))
    if not files:
        sys.exit(
            f"{folder} holds no file like 20210120_m1_l_parsed.csv: fetch data/parsed/CT (README.md says whence)"
        )
    table = [row for file in files for row in rows(file)]
    with to.open("w", encoding="utf-8", newline="") as text:
        csv.writer(text, lineterminator="\n").writerows([COLUMNS, *table])
    return len(table)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(f"{write(Path(sys.argv[1]), Path(__file__).with_name('readings.csv'))} readings in readings.csv")
