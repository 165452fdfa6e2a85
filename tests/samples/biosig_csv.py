import numpy as np

from laboratory import Sample, table

HEAD = [
    "SGI", "Rec No.", "Gain", "No. Avgs", "No. Arts", "Time", "Chan", "Sub. ID", "Sub. Ref-1", "Sub. Ref-2",
    "Sub. Memo", "", "Freq(Hz)", "Level(dB)", "Atten-A(dB)", "Phase(deg)", "Duration(ms)", "GateTime(ms)",
    "..........()", "..........()", "", "T1(ms)", "V1(uv)", "", "Samp. Per.", "No. Samps.", "O.S. Time", "Data(uv)...",
    *range(20),
]  # fmt: skip


def row(record, hertz, level):
    """A record with twenty samples; the column before them is empty."""
    wave = np.round(np.sin(np.arange(20) / 3) * level / 30 + 0.01, 5)
    return [record, 0, 20, 512, 0, 1713164793, 1, 55, "", "", "", "", hertz, level, 0.0, 270.0, 5.0, 0.5, 0.0, 0.0, "",
            -1.0, 0.0, "", 40.96, 20, 0.0, "", *wave]  # fmt: skip


BROKEN = row(4, 8000.0, 50.0)
BROKEN[-1] = "7V"
WHOLE = table(HEAD, row(1, 100.0, 90.0), row(2, 8000.0, 90.0), row(3, 8000.0, 45.0), BROKEN)
FILES = [
    Sample("55.csv", WHOLE, rows=3, refused=1, holds=(("subject", "55"), ("level", 90.0))),
    Sample("two lines above.csv", b"BioSigRZ\n\n" + WHOLE, rows=3, refused=1),
]


def marked(record, level, *cursors):
    """A record whose wave I was marked by hand, in nanovolt."""
    own = row(record, 8000.0, level)
    own[-20:] = [round(value * 1e3, 2) for value in own[-20:]]
    return [*own[:21], *cursors, *own[23:]]


NANO = [{"V1(uv)": "V1(nv)", "Data(uv)...": "Data(nv)..."}.get(name, name) for name in HEAD]
TWO = [*NANO[:23], "T2(ms)", "V2(nv)", *NANO[23:]]
FILES.append(
    Sample(
        "cursors.csv",
        table(
            TWO,
            marked(1, 90.0, 1.5, 900.0, 2.0, -600.0),
            marked(2, 80.0, 1.6, 500.0, 4.0, 0.0),
            marked(3, 70.0, -1.0, 0.0, -1.0, 0.0),
        ),
        rows=6,
        holds=(("subject", "55"), ("frequency", 8.0), ("level", 90.0), ("value", 1.5), ("unit", "ms")),
    )
)
