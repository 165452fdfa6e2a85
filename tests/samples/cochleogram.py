from laboratory import Sample, table

FILES = [
    Sample(
        "cochleogram.csv",
        table(
            ["animal", "ear", "percent_from_apex", "cell_type", "present", "missing"],
            ["g1", "L", 25, "OHC1", 45, 5],
            ["g1", "L", 25, "IHC", 12, 0],
            ["g1", "L", 25, "pillar", 12, 0],
        ),
        rows=2, refused=1, holds=(("place", 0.75), ("value", 0.9), ("quantity", "cell_count.ohc"), ("ear", "left")),
    ),
    Sample(
        "counts.csv",
        table(["subject", "frequency_khz", "cell_type", "count", "length_um"], ["g1", 8, "OHC", 60, 200]),
        rows=1, holds=(("value", 300.0), ("unit", "cells/mm"), ("frequency", 8.0)),
    ),
]  # fmt: skip
