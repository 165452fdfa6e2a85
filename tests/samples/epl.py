import numpy as np

from laboratory import Sample

HEAD = (
    ":RUN-3\tLEVEL SWEEP\tTEMP:207.44\t4/6/2007\t8:03 AM\t-3852.21HR:\t\r"
    ":SW EAR: R\tSW FREQ: {}\t# AVERAGES: 512\tREP RATE (/sec): 40\tDRIVER: x\tSAMPLE (µsec): 10\t\r"
    ":NOTES-\t\r:CHAMBER-412\t\r:LEVELS:10;20;40;80;\r:DATA\r"
)
TIME = np.arange(200)


def average(stimulus="16.00"):
    """Four levels, the second one zeros by a defect of the acquisition."""
    columns = [np.sin(TIME / 9 + level) * level / 40 for level in (10, 20, 40, 80)]
    columns[1] = np.zeros(TIME.size)
    rows = ["\t".join(f" {value:.6f}" for value in row) + "\t\r\n" for row in np.array(columns).T]
    return (HEAD.format(stimulus) + "".join(rows)).encode("latin-1")


FILES = [
    Sample(
        "ABR-52-3",
        average(),
        rows=3,
        refused=1,
        holds=(("subject", "52"), ("ear", "right"), ("frequency", 16.0)),
    ),
    Sample("ABR-7-3", average("click"), rows=3, refused=1, holds=(("subject", "7"), ("level", 10.0))),
]
