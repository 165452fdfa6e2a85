from pathlib import Path

from laboratory import Sample

EXAMPLE = Path(__file__).parents[2] / "examples" / "nanosight_export.csv"
FILES = [Sample("summary.csv", EXAMPLE.read_bytes(), rows=5000, holds=(("sample", "otosome example"),))]
