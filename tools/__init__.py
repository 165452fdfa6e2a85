"""What develops otosome and is not installed with it: benchmarks, calibrations, documents, measures."""
