from laboratory import Sample, table

FILES = [
    Sample(
        "measurements.tsv",
        table(
            "observableId simulationConditionId measurement time unit datasetId".split(),
            ["drug.plasma", "low", 3.0, 1.0, "uM", "gp1"],
            ["drug.plasma", "low", 2.0, "inf", "uM", "gp1"],
            ["drug.plasma", "low", 2.0, 4.0, "furlong", "gp1"],
            separator="\t",
        ),
        rows=1, refused=2,
        holds=(("subject", "gp1"), ("group", "low"), ("quantity", "drug.plasma"), ("value", 3.0), ("unit", "uM")),
    ),
]  # fmt: skip
