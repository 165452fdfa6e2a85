import numpy as np

from laboratory import Sample, table

LEVELS = [20, 40, 60, 80]
TIME = np.round(np.arange(-0.001, 0.009, 0.0001), 6)
RANDOM = np.random.default_rng(3)
TRIALS = [
    [level, 1 - 2 * (trial % 2), trial * 0.025, *np.round(np.sin(TIME * 4000) * level * 1e-8, 12)]
    for trial, level in enumerate(LEVELS * 8)
]
FILES = [
    Sample(
        "mouse3 left 16000.0 single trials.csv",
        table(["level", "polarity", "t0", *TIME], *TRIALS),
        rows=20,
        holds=(("subject", "mouse3"), ("ear", "left"), ("frequency", 16.0), ("sweeps", 8), ("rate", 10.0)),
    ),
    Sample(
        "trials.csv",
        table(
            ["frequency_khz", "t0", "polarity", "level", *TIME[::-1]],
            *([8, *t[2::-1], *t[:2:-1]] for t in TRIALS),
        ),
        rows=20,
        holds=(("subject", ""), ("frequency", 8.0), ("level", 20.0), ("onset", 1.0)),
    ),
]
