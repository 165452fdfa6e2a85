import struct

import numpy as np

from laboratory import Sample

NAMES = b"".join(
    name.encode().ljust(15, b"\0") for name in ("Freq", "Level", "Atten-A", "Phase", "Duration", "GateTime")
)
UNITS = b"".join(unit.encode().ljust(5, b"\0") for unit in ("Hz", "dB", "dB", "deg", "ms", "ms"))
FIRST = 8811
POINTS = 30


def archive(time="q", points="H", records=((8000.0, 90.0, 5.0), (8000.0, 40.0, 5.0), (100.0, 90.0, 5.0))):
    """One group; 8-byte times and unsigned counts for RZ, 4-byte and signed ones for RP."""
    group = struct.pack(
        f"<hhh16s16s16s50s{time}{time}100s100s150s50sfihi92s", 0, 0, len(records), b"M1", b"", b"", b"", 1750095977,
        1750097233, b"TonePip", b"x.sig", NAMES, UNITS, 5.12, 0, 2, 0, b"",
    )  # fmt: skip
    body, seeks = b"", []
    for number, (hertz, level, duration) in enumerate(records):
        seeks.append(FIRST + len(group) + len(body))
        wave = (np.sin(np.arange(POINTS) / 4) * level * 5e-8).astype("<f4")
        body += struct.pack(
            f"<hh{time}hhB1s{points}fffffhhh{time}{time}10f", number, 0, 1750095977, 1, number, 1, b"", POINTS, 0.0,
            10.0, 40.96, 99.0, 1.0, 1, 512, 0, 1750095996, 0, hertz, level, 0.0, 270.0, duration, 0.2, 0, 0, 0, 0,
        )  # fmt: skip
        body += bytes(360) + wave.tobytes()
    seek = struct.pack("<200i", FIRST, *[0] * 199) + struct.pack("<2000i", *seeks, *[0] * (2000 - len(seeks)))
    head = struct.pack("<hhh", 1, 1, len(records)) + seek
    return head.ljust(FIRST, b"\0") + group + body


FILES = [
    Sample(
        "20250616 WT.arf", archive(), rows=3, holds=(("subject", "M1"), ("frequency", 8.0), ("level", 90.0))
    ),
    Sample("old.arf", archive("I", "h"), rows=3, holds=(("subject", "M1"), ("recorded", "2025-06-16T17:46"))),
]
