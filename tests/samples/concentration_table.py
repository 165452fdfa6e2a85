from laboratory import Sample, table

FILES = [
    Sample(
        "perilymph.csv",
        table(
            ["animal", "time_min", "solute", "fluid", "concentration_ng_ml"],
            ["g1", 60, "Dexamethasone", "perilymph", 250],
            ["g1", 120, "Dexamethasone", "perilymph", "<10"],
            ["g1", 180, "Dexamethasone", "perilymph", "lost"],
        ),
        rows=2, refused=1, censored=1,
        holds=(("time", 1.0), ("quantity", "dexamethasone.perilymph"), ("value", 0.00025), ("unit", "ug/uL")),
    ),
    Sample(
        "units.csv",
        table("subject time_h drug tissue concentration unit".split(), ["g1", 2, "cisplatin", "blood", 3, "uM"]),
        rows=1, holds=(("value", 3.0), ("unit", "uM"), ("time", 2.0)),
    ),
]  # fmt: skip
