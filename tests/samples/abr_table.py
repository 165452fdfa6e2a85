from laboratory import Sample, table

HEAD = (
    "file_number substrain id noise_spl noise_type abr_time level_db freq_hz wave1_amp_nv threshold".split()
)
SERIES = [
    [7, "JRj", "m1", 100, "baseline", "baseline", 70.0, 8000, 900.0, 30.0],
    [7, "JRj", "m1", 100, "baseline", "baseline", 80.0, 8000, 1500.0, 30.0],
    [8, "JRj", "m1", 100, "ZT3", "24h", 70.0, 8000, 200.0, ""],
    [9, "JRj", "m2", 100, "ZT3", "2w", 70.0, 8000, 250.0, "inf"],
    [9, "JRj", "m2", 100, "ZT3", "2w", 90.0, 8000, "", "inf"],
    [10, "JRj", "m3", 100, "ZT3", "2w", 90.0, 8000, "", 666],
]
FITTED = ["id", "timepoint", "ear", "frequency", "min_level", "max_level", "manual threshold"]
FILES = [
    # Two thresholds, four waves; a blank and a code are listed.
    Sample(
        "abr.csv", table(HEAD, *SERIES), rows=6, refused=2, censored=1,
        holds=(("subject", "m1"), ("group", "JRj ZT3 100 dB SPL"), ("value", 30.0), ("frequency", 8.0)),
    ),
    Sample(
        "manual.csv",
        table(FITTED, ["a1", "7d", "L", 8000, 10, 80, 35], ["a1", "7d", "L", 16000, 10, 80, "inf"]),
        rows=2, censored=1, holds=(("ear", "left"), ("time", 168.0), ("frequency", 8.0)),
    ),
    Sample(
        "deutsch.csv", table(["Animal", "Frequency_kHz", "Threshold"], ["a1", "5,6", "32,5"], separator=";"), rows=1,
        holds=(("frequency", 5.6), ("value", 32.5)),
    ),
]  # fmt: skip
