import numpy as np

from laboratory import Sample, table

LEVELS = [20, 40, 60]
TIME = np.round(np.arange(-0.001, 0.008, 0.0001), 6)
BODY = [[t, *(np.round(np.sin(t * 4000) * level * 1e-8, 12) for level in LEVELS)] for t in TIME]


def averages(kind):
    """Three levels of one stimulus, with two lines that are not always there."""
    return table(
        ["frequency", *[kind] * 3],
        ["level", *LEVELS],
        ["epoch_n", 512, 512, 512],
        ["time", "", "", ""],
        *BODY,
    )


NAME = "20240102-101500 ab mouse12 left baseline abr_io ABR average waveforms.csv"
FILES = [
    Sample(
        NAME, averages(16000.0), rows=3, holds=(("subject", "mouse12"), ("ear", "left"), ("frequency", 16.0))
    ),
    Sample(
        "ABR average waveforms.csv", averages("click"), rows=3, holds=(("level", 20.0), ("unit", "dB SPL"))
    ),
]
