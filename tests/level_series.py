"""Exports of made-up level series, as a BioSig table holds them, and imports of these."""

import numpy as np

from laboratory import table
from otosome.jobs import ImportInputs, import_
from samples.biosig_csv import HEAD

LEVELS = tuple(range(20, 91, 10))
PERIOD, COUNT = 0.04096, 300  # ms, samples


def wave(level, threshold, random, late=0.0):
    """Microvolt of two waves that grow above a threshold, in noise."""
    time = np.arange(COUNT) * PERIOD
    shape = np.zeros(COUNT)
    for peak, height in ((1.6, 1.0), (3.2, 0.6), (4.6, 0.8)):
        shape += height * np.exp(-(((time - peak - late) / 0.18) ** 2))
        shape -= 0.8 * height * np.exp(-(((time - peak - 0.45 - late) / 0.2) ** 2))
    size = 0.05 * max(level - threshold, 0.0)
    return size * shape + 0.05 * random.normal(size=COUNT)


def rows(subject, thresholds, seed=1):
    """A record for each tone (kHz -> threshold) and level of a subject."""
    random = np.random.default_rng(seed)
    for tone, threshold in thresholds.items():
        for level in LEVELS:
            samples = np.round(wave(level, threshold, random), 5)
            cells = ["", -1.0, 0.0, "", PERIOD * 1e3, COUNT, 0.0, "", *samples]
            yield [
                1,
                0,
                20,
                512,
                0,
                1713164793,
                1,
                subject,
                "",
                "",
                "",
                "",
                tone * 1e3,
                level,
                0.0,
                270.0,
                5.0,
                0.5,
                0.0,
                0.0,
                *cells,
            ]


def export(file, subjects, seed=1):
    """A BioSig table of some subjects, each with its tones' thresholds."""
    head = [*HEAD[:28], *range(COUNT)]
    records = [row for n, (name, own) in enumerate(subjects.items()) for row in rows(name, own, seed + n)]
    file.write_bytes(table(head, *records))
    return file


def imported(home, **more):
    """An import of two animals with two tones each, in ``home/import``."""
    folder = home / "exports"
    folder.mkdir(exist_ok=True)
    export(folder / "a.csv", {"55": {8: 35, 16: 45}, "56": {8: 50, 16: 60}})
    return import_(ImportInputs(paths=(folder,), species="mouse", out=home / "import", **more))
