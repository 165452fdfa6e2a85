import tempfile
from pathlib import Path

import recordings
from laboratory import Sample

_HOME = tempfile.TemporaryDirectory()
WAVE, ROWS = recordings.signal(trials=16)
TONES = recordings.write(Path(_HOME.name) / recordings.NAME, WAVE, ROWS)
CLICKS = recordings.write(
    Path(_HOME.name) / "20220601-1300 abc M2 right note abr_io_click",
    WAVE,
    [(row[0], row[2], row[3]) for row in ROWS],
    names="t0 target_click_level target_click_polarity",
)
FILES = [
    Sample(
        folder.name,
        (folder / "erp_metadata.csv").read_bytes(),
        rows=30,
        folder=folder,
        holds=(("subject", subject), ("ear", ear), ("level", 30.0), ("sweeps", 16.0), ("unit", "dB SPL")),
    )
    for folder, subject, ear in ((TONES, "M1", "left"), (CLICKS, "M2", "right"))
]
