from laboratory import Sample, table

FILES = [
    Sample(
        "air.csv",
        table(["subject_id", "l_air_500", "r_air_500"], ["p1", 10, 15], ["p2", "", 20]),
        rows=3,
        holds=(("subject", "p1"), ("ear", "left"), ("frequency", 0.5), ("value", 10.0)),
    ),
    Sample(
        "words.csv",
        table(
            ["Patient_ID", "R AC 500 Hz", "R AC 4000 Hz", "L BC 4 kHz"],
            ["p1", 10, "110+", 40],
            ["p2", 15, "DNT", "NR 60"],
        ),
        rows=5,
        refused=1,
        censored=2,
        holds=(("ear", "right"), ("frequency", 0.5), ("quantity", "audiogram")),
    ),
    Sample(
        "mice.csv",
        table(["mouse", "genotype", "timepoint", 8, 16, 32, "click"], ["m1", "wt", "d14", 25, 20, 99, 30]),
        rows=3,
        refused=1,
        holds=(("group", "wt"), ("time", 336.0), ("frequency", 8.0), ("unit", "dB SPL")),
    ),
    Sample(
        "published.csv",
        table(["animal", "6kHz-evoked ABR Threshold", "24kHz-evoked ABR Threshold"], ["a1", 30, 45]),
        rows=2,
        holds=(("quantity", "abr_threshold"), ("frequency", 6.0), ("value", 30.0)),
    ),
    Sample(
        "ears.csv",
        table(["id", "ear", 250, 500, 8000], ["p1", "L", 10, 15, 60], ["p1", "R", 5, 10, 55]),
        rows=6,
        holds=(("ear", "left"), ("frequency", 0.25), ("unit", "dB HL")),
    ),
    Sample(
        "one_person.csv",
        table(["l_air_500", "l_air_1000", "r_air_500", "r_air_1000"], [10, 15, 20, "NR 110"]),
        rows=4,
        censored=1,
        holds=(("subject", ""), ("ear", "left"), ("frequency", 0.5), ("value", 10.0), ("unit", "dB HL")),
    ),
    Sample(
        "one_row_an_ear.csv",
        table(["side", 250, 500, 8000], ["L", 10, 15, 60], ["R", 5, 10, 55], separator=";"),
        rows=6,
        holds=(("ear", "left"), ("frequency", 0.25), ("unit", "dB HL")),
    ),
    Sample(
        "one_mouse.csv",
        table(["date", "8 kHz ABR", "16 kHz ABR", "click ABR"], ["2024-01-03", 25, 20, 30]),
        rows=3,
        holds=(("frequency", 8.0), ("unit", "dB SPL")),
    ),
]
