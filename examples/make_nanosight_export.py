"""Write ``nanosight_export.csv``: an invented lot in the layout of a NanoSight experiment summary (NTA 3.4).

otosome wrote the file; it is no measurement, and it says so in its second line and under Remarks. Sizes
are log-normal (median 96 nm, geometric standard deviation 1.45), the count is 4e11 particles/mL: the numbers
of the shelf's ``example_lot``. Five videos of some 1,800 tracks differ by chance alone.

    python examples/make_nanosight_export.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

MEDIAN, DEVIATION, COUNT, DILUTION = 96.0, 1.45, 4e11, 1e3
VIDEOS, TRACKS, REPEAT = 5, 1_800, 0.0244  # the videos of one real run of beads repeat to 2.44 %
BLUR = 0.04  # each track is drawn as a bell this wide, relative to its size
BINS = np.arange(0.5, 1000.0)
REMARK = "Written by otosome in the layout of NTA 3.4 to try the program with: no measurement"
NAMES = [f"otosome example video {video}" for video in range(VIDEOS)]
BEHIND = ["Average", "Standard Error"]


def export(seed: int = 96) -> str:
    """The file's text, the same for the same seed."""
    chance = np.random.default_rng(seed)
    tracks = chance.poisson(TRACKS, VIDEOS)
    counts = COUNT * (1 + REPEAT * chance.standard_normal(VIDEOS))
    bins = np.stack([_video(chance, *video) for video in zip(tracks, counts, strict=True)], axis=1)
    rows = _head(bins) + _sizes(bins, tracks) + _distribution(bins) + _percentiles(bins)
    return "".join(",".join([*row, ""]) + "\n" for row in rows)


def _video(chance: np.random.Generator, tracks: int, count: float) -> np.ndarray:
    """Particles/mL in each bin of one video."""
    size = MEDIAN * np.exp(np.log(DEVIATION) * chance.standard_normal(tracks))
    bells = np.exp(-(((BINS[:, None] - size) / (BLUR * size)) ** 2) / 2) / size
    density = bells.sum(axis=1)
    return np.rint(count * density / density.sum())


def _head(bins: np.ndarray) -> list[list[str]]:
    total = bins.sum(axis=0)
    frames = total / DILUTION * 5e-8  # particles in the field of view, as real files relate the two
    return [
        ["NTA Experiment Summary File"],
        ["Created with otosome in the layout of NTA 3.4"],
        [""],
        ["[Experiment Details]", ""],
        ["Software Version", "otosome in the layout of NTA 3.4"],
        ["Experiment Name", "otosome_example.nano"],
        ["Operator Name", ""],
        ["Time Captured", ""],
        ["Sample Description", "otosome example"],
        ["Pre-treatment", ""],
        ["Diluent", "PBS"],
        ["Remarks", REMARK],
        ["", ""],
        ["Filename:", *NAMES],
        ["Processed", *_same("Yes")],
        [],
        ["[Conditions]"],
        ["Temperature/C", *_same("22.000")],
        ["Viscosity/cP", *_same("0.952941")],
        ["Camera Level", *_same("14")],
        [],
        ["[Settings]"],
        ["Detection Threshold", *_same("5")],
        ["Total frames analysed", *_same("1498")],
        [],
        ["[Exclusion Regions]"],
        ["No Exclusion Regions Used"],
        [],
        ["[Results]", *_same(""), *BEHIND],
        ["Dilution factor (concentrations adjusted for this factor)", *_same(f"{DILUTION:.2e}"), "", ""],
        ["Concentration (Particles / ml)", *_with_mean(total, ".2e")],
        ["Particles per frame", *_with_mean(frames, ".1f")],
        [],
        ["[Concentration Warnings]"],
        ["Validity of concentration measurement", *_same("OK")],
        ["Completed Tracks", *_same("OK")],
        ["Particles per frame", *_same("OK")],
        ["Noise level", *_same("No")],
        [],
        ["[Information]"],
        ["Completed Tracks", *_same("OK")],
        ["Concentration", *_same("OK")],
        ["Vibration detected", *_same("No")],
        [],
        ["[Data Included]"],
        ["Size distribution - Number weighting - With Percentiles"],
        [""],
    ]


def _sizes(bins: np.ndarray, tracks: np.ndarray) -> list[list[str]]:
    share = bins / bins.sum(axis=0)
    mean = (BINS[:, None] * share).sum(axis=0)
    deviation = np.sqrt((BINS[:, None] ** 2 * share).sum(axis=0) - mean**2)
    return [
        ["[Size Data]", ""],
        ["Analysis Method", "FTLA"],
        ["Weighting", "Number"],
        ["Filename", *NAMES, *BEHIND],
        ["Mean", *_with_mean(mean, ".1f")],
        ["Mode", *_with_mean(BINS[bins.argmax(axis=0)], ".1f")],
        ["SD", *_with_mean(deviation, ".1f")],
        *([f"D{part}", *_with_mean(_quantiles(bins, part / 100), ".1f")] for part in (10, 50, 90)),
        ["Valid Tracks", *(f"{count:.1f}" for count in tracks), "", ""],
    ]


def _distribution(bins: np.ndarray) -> list[list[str]]:
    header = [
        "Bin centre (nm)",
        *_same("Concentration (particles / ml)"),
        "Concentration average",
        "Standard Error",
    ]
    rows = ([f"{centre}", *_with_mean(row, ".0f")] for centre, row in zip(BINS, bins, strict=True))
    return [["Graph Data"], header, *rows, []]


def _percentiles(bins: np.ndarray) -> list[list[str]]:
    header = ["Percentile", *_same("Size (nm)")]
    rows = ([f"{part}", *(f"{size:.1f}" for size in _quantiles(bins, part / 100))] for part in range(101))
    return [header, *rows, [""]]


def _quantiles(bins: np.ndarray, share: float) -> np.ndarray:
    return np.array([_quantile(BINS[video > 0], video[video > 0], share) for video in bins.T])


def _quantile(centres: np.ndarray, counts: np.ndarray, share: float) -> float:
    return float(np.interp(share * counts.sum(), np.cumsum(counts) - counts / 2, centres))


def _same(text: str) -> list[str]:
    return [text] * VIDEOS


def _with_mean(values: np.ndarray, form: str) -> list[str]:
    error = values.std(ddof=1) / np.sqrt(VIDEOS)
    return [format(value, form) for value in (*values, values.mean(), error)]


if __name__ == "__main__":
    Path(__file__).with_name("nanosight_export.csv").write_text(export(), encoding="latin-1", newline="\n")
