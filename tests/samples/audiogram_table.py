from laboratory import Sample, table

LONG = "audiogram_id subject_id performed_at source ear freq_hz threshold_db pathway masked nr".split()
FILES = [
    Sample(
        "long.csv",
        table(
            LONG,
            ["a", "p1", "2024-01-02", "x", "left", 1000, 25, "air", 0, 0],
            ["a", "p1", "2024-01-02", "x", "left", 8000, 110, "air", 0, 1],
            ["a", "p1", "2024-01-02", "x", "left", 1000, 20, "bone", 1, 0],
            ["a", "p1", "2024-01-02", "x", "left", 2000, 888, "air", 0, 0],
            ["a", "p1", "2024-01-02", "x", "left", 4000, "", "air", 0, 1],
        ),
        rows=3, refused=2, censored=1, holds=(("subject", "p1"), ("ear", "left"), ("value", 25.0), ("frequency", 1.0)),
    ),
]  # fmt: skip
