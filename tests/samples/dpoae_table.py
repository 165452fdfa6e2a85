from laboratory import Sample, table

HEAD = ["id", "abr_time", "freq_hz", "level_db", "f1", "f2", "level_f1", "level_f2", "level_distprod"]
FILES = [
    Sample(
        "dp.csv",
        table(
            HEAD,
            ["m1", "24h", 12000, 65, 9996, 12000, 70, 65, 14.5],
            ["m1", "24h", 12000, 40, 9996, 12000, 45, 40, -31.5],
            ["m1", "24h", 12000, 35, 9996, 12000, 40, 35, 888],
            ["m1", "24h", 12000, 30, 9996, 12000, 35, 30, ""],
        ),
        rows=2, refused=2, holds=(("frequency", 12.0), ("level", 65.0), ("time", 24.0), ("value", 14.5)),
    ),
    # A unit that the header states is taken, whatever the numbers.
    Sample(
        "dp_hz.csv", table(["id", "f2_hz", "l2", "dp_level"], ["m1", 180, 65, 14.5]), rows=1,
        holds=(("frequency", 0.18), ("value", 14.5)),
    ),
]  # fmt: skip
