import io

import numpy as np
from scipy.io import savemat

from laboratory import Sample

LEVELS = [20.0, 40.0, 60.0, 80.0]
TIME = np.arange(0.0, 10.0, 0.05)  # ms
WAVES = np.array([level * 0.02 * np.sin(TIME * 4) * np.exp(-(((TIME - 3) / 2) ** 2)) for level in LEVELS])


def mat(compressed=False, **content):
    packed = io.BytesIO()
    savemat(packed, content, do_compression=compressed)
    return b"MATLAB 5.0 MAT-file, written for a test".ljust(116) + packed.getvalue()[116:]


ABOUT = {"animalID": "m7", "ear": "left", "freq_kHz": 16.0, "fs": 20000.0, "units": "uV"}
RECORDS = [{**ABOUT, "level_dB_SPL": level, "data": wave} for level, wave in zip(LEVELS, WAVES, strict=True)]
FIRST = (("subject", "m7"), ("ear", "left"), ("frequency", 16.0), ("level", 20.0), ("rate", 20.0))
FILES = [
    Sample("array_of_structs.mat", mat(rec=RECORDS), rows=4, holds=(*FIRST, ("unit", "dB SPL"))),
    Sample("compressed.mat", mat(compressed=True, rec=RECORDS), rows=4, holds=FIRST),
    Sample(
        "one_struct.mat",
        mat(abr={**ABOUT, "levels": LEVELS, "waveforms": WAVES.T}),
        rows=4,
        holds=(*FIRST, ("unit", "dB")),
    ),
    Sample(
        "variables_in_nanovolt.mat",
        mat(data_nV=WAVES * 1e3, intensity=LEVELS, frequency=8000.0, time_ms=TIME - 1.0),
        rows=4,
        holds=(("frequency", 8.0), ("level", 20.0), ("rate", 20.0), ("onset", 1.0)),
    ),
]
