from laboratory import Sample, table

HEAD = ["subject", "ear", "group", "time", "quantity", "frequency", "value", "unit", "level", "censored"]
FILES = [
    Sample(
        "readings.csv",
        table(
            HEAD,
            ["g1", "left", "vehicle", 168, "abr_threshold", 8, 35, "dB SPL", "", "none"],
            ["g1", "left", "vehicle", 168, "abr_threshold", 16, 90, "dB SPL", "", "above"],
            ["g1", "left", "vehicle", 168, "abr_threshold", 16, "", "dB SPL", "", "none"],
        ),
        rows=2, refused=1, censored=1, holds=(("group", "vehicle"), ("time", 168.0), ("value", 35.0)),
    )
]  # fmt: skip
