from laboratory import Sample, table

FILES = [
    Sample(
        "one.csv",
        b"Filename: /home/someone/x.tif\nAnalysis Date: 2022-01-01\n"
        + table(
            ["cellID", "type", "score", "distance", "frequency", "percent_loc", "x_loc", "y_lo"],
            [1, "OHC", 0.98, 1200, 12.5, 0.3, 10, 10],
            [2, "IHC", 0.90, 1210, "None", 0.3, 10, 14],
        ),
        rows=2, holds=(("quantity", "cell_count.ohc"), ("frequency", 12.5), ("value", 1.0)),
    ),
    Sample(
        "two.csv",
        b"SAVE LOCATION: /home/someone\nSAVE TIME 2024\n"
        + table(
            ["state_item", "object_id", "cell_type", "frequency", "percentage", "score", "animal", "was_edited"],
            ["cell", 1, "OHC", 8.0, 0.2, 0.9, "m4", "True"],
            ["cell", 2, "unknown", 8.0, 0.2, 0.9, "m4", "False"],
        ),
        rows=1, refused=1, holds=(("subject", "m4"),),
    ),
]  # fmt: skip
