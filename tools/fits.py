"""Every shipped fit run again, in the order in which one rests on another, and written on the shelves.

    python -m tools.fits FOLDER [NAME ...]

Results go to FOLDER. A fit that is there already, of the same data and the same numbers, is not run again, unless its
walkers have not converged: more steps may be asked for now. The draws go beside the fit's file, and each number that
names the fit takes its value, low and high from them; spreads that a row states (``subjects``, ``runs``) are written by
hand. Each fit has its own process: one that has read a shelf does not read it again, and the next fit rests on what
this one writes there.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

from otosome import jobs
from otosome.cards import read_toml
from otosome.fitting.entry import numbers_hash
from otosome.fitting.file import FITS, fits, load_fit
from otosome.fitting.joint import SHIPPED, Joint, read
from otosome.jobs.watch import watched
from otosome.results.dataset import DRAWS, ENTRY
from otosome.review.calibration.file import MARK, CaseFitFile, load_case_fit
from otosome.units import convert, house, split

ENDS = ("low", "value", "high")
# Digits that a number has on a shelf, and in a strain, whose numbers were found together.
DIGITS, STRAIN_DIGITS = 2, 3


def main() -> None:
    """Run the fits that are named, or all, each after those it rests on."""
    folder, *names = sys.argv[1:]
    if len(names) == 1:
        refit(Path(folder), names[0])
        return
    for name in ordered(names or fits()):
        subprocess.run([sys.executable, "-m", "tools.fits", folder, name], check=True)


def refit(folder: Path, name: str) -> None:
    """Run a fit, unless its result is there, and write its draws and rows."""
    result = folder / name
    if not is_current(result, name):
        with watched("fit") as watch:
            jobs.fit(jobs.FitInputs(fit=Path(name), out=result, force=True), watch)
    joint = read(drawn(result, name))
    (FITS / f"{name}.csv").write_text(joint.text, encoding="utf-8", newline="")
    for line in restate(name, joint):
        print(line)


def ordered(names: list[str]) -> list[str]:
    """Fits, each after those whose numbers it rests on.

    Of two that read each other's numbers, as those of one case do, the one that reads fewer of the other's comes first.
    """
    read_by = {name: numbers_read(name) for name in names}
    needed = {
        name: {other for other in names if own[other] > read_by[other][name]} for name, own in read_by.items()
    }
    return list(TopologicalSorter(needed).static_order())


def numbers_read(name: str) -> Counter[str]:
    """By fit, how many of its numbers the cases of a fit read, but those it frees."""
    case = loaded(name)
    if case is None:
        return Counter()
    aside = set(case.tables.numbers) if case.tables.thought else set(case.tables.free)
    return Counter(p.fit for number, p in case.simulated.numbers.items() if p.fit and number not in aside)


def loaded(name: str) -> CaseFitFile | None:
    """A fit to cases by its name, None of one to readings."""
    file = FITS / f"{name}.toml"
    return load_case_fit(file) if MARK in read_toml(file) else None


def drawn(result: Path, name: str) -> Path:
    """The draws in a result of a fit: to cases, or to readings."""
    own = result / DRAWS
    return own if own.is_file() else result / ENTRY / "fits" / f"{name}.csv"


def is_current(result: Path, name: str) -> bool:
    """Whether a result is of a fit as it is now, of these data and these numbers, whose walkers have not to go on."""
    if not drawn(result, name).is_file():
        return False
    case, origin = loaded(name), read(drawn(result, name)).origin
    if "not converged" in origin:
        return False
    if case is not None:
        return f"data: {case.data_hash}; numbers: {case.numbers_hash}" in origin
    file = load_fit(Path(name))
    return file.data_hash in origin and numbers_hash(file.study) in origin


def restate(name: str, joint: Joint, root: Path = SHIPPED) -> list[str]:
    """Write the ends of a fit's numbers into the rows of a shelf that name it; a line for each row that moved."""
    moved = []
    for file in sorted(root.glob("*/*.toml")):
        text = file.read_text(encoding="utf-8")
        if f'fit = "{name}"' not in text:
            continue
        sections = re.split(r"(?m)^(?=\[)", text)
        rewritten = [section(each, file, name, joint) for each in sections]
        moved += [
            f"{file.stem}: {after.splitlines()[0]} {ends_of(before)} -> {ends_of(after)}"
            for before, after in zip(sections, rewritten, strict=True)
            if before != after
        ]
        file.write_text("".join(rewritten), encoding="utf-8", newline="")
    return moved


def section(text: str, file: Path, name: str, joint: Joint) -> str:
    """A row of a shelf with the ends that a fit gives, where it names the fit."""
    if f'\nfit = "{name}"\n' not in text:
        return text
    strain = file.parent.name == "strains"
    key = re.match(r'\[(?:numbers\.)?"?([\w.]+)"?\]', text)
    if key is None:
        raise ValueError(f"{file.name}: no number in {text[:40]}")
    number = key[1] if strain else f"{file.parent.name}.{file.stem}.{key[1].partition('.')[0]}"
    digits = STRAIN_DIGITS if strain else DIGITS
    for end, exact in zip(ENDS, joint.ends[number], strict=True):
        stated = re.search(rf'(?m)^{end} = "(.*)"$', text)
        if stated is None:
            raise ValueError(f"{file.name}: {number} states no {end}")
        unit = split(stated[1])[1]
        own = convert(exact, house(unit), unit)
        text = text.replace(stated[0], f'{end} = "{f"{rounded(own, digits)} {unit}".strip()}"')
    return text


def ends_of(text: str) -> list[str]:
    """Low, value and high as a row states them."""
    return [stated for end in ENDS for stated in re.findall(rf'(?m)^{end} = "(.*)"$', text)]


def rounded(number: float, digits: int) -> str:
    """A number as it stands on a shelf: 2.7e-5, 0.016."""
    mantissa, exponent = f"{number:.{digits - 1}e}".split("e")
    small = 0.0 < abs(number) < 1e-3
    return f"{float(mantissa):g}e{int(exponent)}" if small else f"{float(f'{mantissa}e{exponent}'):g}"


if __name__ == "__main__":
    main()
