import json

from laboratory import Sample

LISTENER = {
    "name": "L0001", "audiogram_cfs": [250, 500], "audiogram_levels_l": [45, 666], "audiogram_levels_r": [40, 45],
}  # fmt: skip
FILES = [
    Sample(
        "listeners.json", json.dumps({"L0001": LISTENER}, indent=2).encode(), rows=3, refused=1,
        holds=(("subject", "L0001"), ("ear", "left"), ("frequency", 0.25), ("value", 45.0), ("unit", "dB HL")),
    )
]  # fmt: skip
