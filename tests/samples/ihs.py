from laboratory import Sample, table

NAMES = [
    "Identifier:",
    "Intensity:",
    "Channel:",
    "Smp. Period:",
    "Stim. Freq.:",
    *[f"Setting {i}:" for i in range(15)],
]
VALUES = [["rat7"] * 3, [90, 70, 90], [1, 1, 2], [25, 25, 25], [8000, 8000, 8000], *[[0, 0, 0]] * 15]
COLUMNS = [name for i in range(3) for name in (f"Average:{i}", "uV", "+", "-", "Noise", "x")]
BODY = [[cell for i in range(3) for cell in ((t % 7 + 1) * 674 * (i + 1), 0, 0, 0, 0, 0)] for t in range(40)]
FILES = [
    Sample(
        "rat7.txt", table(*([n, *v] for n, v in zip(NAMES, VALUES, strict=True)), COLUMNS, *BODY), rows=2, refused=1,
        holds=(("subject", "rat7"), ("frequency", 8.0), ("level", 90.0)),
    )
]  # fmt: skip
