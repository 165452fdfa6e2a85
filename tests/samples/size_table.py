from laboratory import Sample, table

BINS = [[d, 10 * d] for d in range(50, 250, 10)]

FILES = [
    Sample(
        "paper.csv",
        table(["Diameter (nm)", "Concentration (particles/mL)"], *BINS),
        rows=20,
        # 500 particles/mL are 0.5 in a microlitre; 50 nm are 5e-5 mm.
        holds=(("diameter", 50e-6), ("concentration", 0.5), ("replicate", 1.0)),
    ),
    Sample(
        "cubic.csv",
        table(["sample", "run", "size_um", "particles / cm3"], ["lot 7", "b", "0,05", 500], ["lot 7", "a", "0,05", 300],
              ["lot 7", "a", "0,05", 400], ["lot 7", "a", "-0,05", 400], ["lot 7", "a", "0,06", -1], separator=";"),
        rows=2,
        refused=3,
        holds=(("diameter", 50e-6), ("concentration", 0.5), ("sample", "lot 7"), ("replicate", 1.0)),
    ),
    Sample(
        "small.tsv",
        table(["bin centre (nm)", "conc. [1/\u00b5L]"], [100, 7], separator="\t"),
        rows=1,
        holds=(("diameter", 100e-6), ("concentration", 7.0)),
    ),
    Sample(
        "power.csv",
        table(["Size [nm]", "Particle concentration (mL-1)"], [100, 7000]),
        rows=1,
        holds=(("concentration", 7.0),),
    ),
]  # fmt: skip
