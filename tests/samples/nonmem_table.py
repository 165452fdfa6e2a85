from laboratory import Sample, table

HEAD = "ID TIME AMT DV EVID MDV CMT CENS UNIT".split()
FILES = [
    Sample(
        "warfarin_like.csv",
        table(
            HEAD,
            [1, 0, 100, 0, 1, 1, 1, 0, "mg/L"],
            [1, 0.5, 0, 2.5, 0, 0, 2, 0, "mg/L"],
            [1, 2, 0, 0.1, 0, 0, 2, 1, "mg/L"],
            [1, 4, 0, ".", 0, 1, 2, 0, "mg/L"],
            [2, 4, 0, "lost", 0, 0, 2, 0, "mg/L"],
            [2, 6, 0, 1.0, 0, 0, 2, 5, "mg/L"],
        ),
        rows=2, refused=2, censored=1,
        holds=(("subject", "1"), ("time", 0.5), ("quantity", "drug.cmt_2"), ("value", 0.0025), ("unit", "ug/uL")),
    ),
    Sample(
        "theo_like.csv",
        table(
            "id time amt dv dvid evid unit".split(),
            [1, 0, 320, 0, "cp", 101, "mg/L"],
            [1, 0.25, 0, 2.84, "cp", 0, "mg/L"],
        ),
        rows=1, holds=(("quantity", "drug.cp"), ("time", 0.25), ("value", 0.00284)),
    ),
]  # fmt: skip
