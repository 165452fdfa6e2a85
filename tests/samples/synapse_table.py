from laboratory import Sample, table

HEAD = ["id", "freq_hz", "counts", "substrain", "noise_spl", "abr_time"]
ROWS = [["12911.0", 8000.0, 12.7, "JRj", 100, "ZT3"], ["m2", 16000.0, -1, "JRj", 100, "ZT3"]]
FILES = [
    Sample(
        "synapses.csv", table(HEAD, *ROWS), rows=1, refused=1,
        holds=(("subject", "12911"), ("quantity", "cell_count.synapse"), ("unit", "per IHC"), ("frequency", 8.0)),
    ),
    Sample(
        "CtBP2 ribbons.csv", table(HEAD, *ROWS, ROWS[0]), rows=2, refused=1, holds=(("quantity", "cell_count.ribbon"),),
    ),
]  # fmt: skip
