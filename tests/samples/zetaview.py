import numpy as np

from laboratory import Sample

HEAD = """Original File:\tC:\\x\\lot7_size_488.avi\tSection:\t0,1 [0]
Operator:\tsomeone
Software:\tZetaView (version 8.05.16 SP3)\tAnalyze:\t8.05.16 SP3
Sample:\tlot 7
Date:\t2023-04-19
Particle Drift Check Result:\tok
Cell Check Result:\tVery Good
Number of Traces:\t2235\t(at 0,100000)\tAverage Number of Particles:\t228,5\tDilution::\t500,0
Results (Pos 0,1):
Median Number (D50):\t99,1
Size Distribution
Size / nm\tNumber\tConcentration / cm-3\tVolume / nm^3\tArea / nm^2
"""


def size_file(decimal=","):
    """Sixty linear bins, a row of -1, and the same particles in logarithmic bins."""
    linear = np.arange(2.5, 302.5, 5.0)
    number = np.round(100 * np.exp(-(((linear - 100) / 40) ** 2)))
    rows = [f"{d:.3E}\t{n:.3E}\t{n * 1e4:.3E}\t0.0E+0\t0.0E+0" for d, n in zip(linear, number, strict=True)]
    again = [
        f"{d:.3E}\t{n:.3E}\t{n * 1e4:.3E}\t0.0E+0\t0.0E+0" for d, n in zip(linear * 1.01, number, strict=True)
    ]
    body = "\n".join([*rows, "\t".join(["-1.000E+0"] * 5), *again]) + "\n"
    text = HEAD + body.replace(".", ",")
    return (text if decimal == "," else text.replace(",", ".")).encode("latin-1")


POSITIONS = "\t".join(
    ["Use", "Position", "Mean Int.", "Av. No of Particles", "Conc. (p./mL)", "Orig. Conc. (p./cm^3)", "No. of Traces",
     "X50 (nm)", "Peak ø (nm)", "Span", "Drift (µm/s)", "Removal"]
)  # fmt: skip
ROWS = [
    f"1\t{0.1 + 0.08 * i:.2f}\t90\t120\t2.2E+8\t2.2E+11\t{200 + i}\t{120 + i}\t110\t0.9\t1.0\t{removal}"
    for i, removal in enumerate(["", "", "MIN_TRACES", ""])
]
ELEVEN = "\n".join([POSITIONS, *ROWS, "\tMean\t90\t120\t2.2E+8\t2.2E+11\t203\t121\t110\t0.9\t1.0\t", ""])

# As the program writes it: a zero byte behind the micro sign, five names above four columns of numbers.
PROFILE = (
    HEAD.partition("Results")[0].replace(",", ".")
    + """Profile Data:
ZP Factor:\t12.833451\t(Smoluchowski)
Results:
Mobility /\u00b5\0m/s/V/cm:\t-1.7307
Zeta Potential / mV:\t-22.2109
ZP Parabola Fit Accuracy / mV:\t0.5829
ZP Distribution (SL 1/2) FWHM / mV:\t6.3634
ZP Profile:
Position\tPositive V\tNegative V\tAverage\tParabola Fit\tZP
9.999E-2\t2.314E+1\t-1.138E+1\t5.876E+0\t-8.052E+0
5.000E-1\t-7.022E+1\t-1.605E+1\t-4.314E+1\t-4.212E+1
"""
)

FILES = [
    Sample(
        "lot7_size_488.txt", size_file(), rows=60, holds=(("dilution_applied", 500.0), ("sample", "lot 7"))
    ),
    Sample("lot7_point.txt", size_file("."), rows=60, holds=(("dilution_applied", 500.0),)),
    Sample("lot7_11pos.txt", ELEVEN.encode("latin-1"), rows=3, refused=1, holds=(("concentration", 2.2e8),)),
    Sample(
        "lot7_prof_488.txt", PROFILE.encode("latin-1"), rows=1,
        holds=(("quantity", "zeta_potential"), ("value", -22.2109), ("unit", "mV"), ("subject", "lot 7")),
    ),
]  # fmt: skip
