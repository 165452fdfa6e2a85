from laboratory import Sample, table

HEAD = ["subject", "ear", "group", "time", "quantity", "frequency", "value", "unit", "level", "censored"]
FILES = [
    Sample(
        "readings.csv",
        table(
            HEAD,
            ["g1", "left", "vehicle", 168, "abr_threshold", 8, 35, "dB SPL", "", "none"],
            ["g1", "L", "vehicle", 168, "abr_threshold", 16, 90, "dB SPL", "", "above"],
            ["g1", "both", "vehicle", 168, "abr_threshold", 32, 60, "dB SPL", "", "none"],
            ["g1", "left", "vehicle", 168, "abr_threshold", 16, "", "dB SPL", "", "none"],
        ),
        rows=2, refused=2, censored=1, holds=(("ear", "left"), ("group", "vehicle"), ("time", 168.0), ("value", 35.0)),
    )
]  # fmt: skip
