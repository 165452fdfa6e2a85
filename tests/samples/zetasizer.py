from laboratory import Sample, table

NANO = ["Type", "Sample Name", "Measurement Date and Time", "Z-Average (d.nm)", "PdI", "ZP (mV)"]
FILES = [
    Sample(
        "nano.txt",
        table(
            NANO,
            ["Size", "lot 7", "05 May 2024 10:11:12", 142.5, 0.18, ""],
            ["Zeta", "lot 7", "05 May 2024 10:20:00", "", "", -23.4],
            ["Size", "lot 8", "05 May 2024 10:30:00", 142.5, 7.0, ""],
            separator="\t",
        ),
        rows=4,
        refused=1,
        holds=(
            ("subject", "lot 7"),
            ("quantity", "diameter"),
            ("value", 142.5),
            ("recorded", "2024-05-05T10:11"),
        ),
    ),
    Sample(
        "xplorer.csv",
        table(
            ["Sample Name", "Z-Average (nm)", "Polydispersity Index (PI)", "Zeta Potential (mV)"],
            ["a", 90, 0.1, -10],
        ),
        rows=3,
        holds=(("unit", "nm"), ("value", 90.0)),
    ),
]
