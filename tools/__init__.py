"""What develops otosome and is not installed with it: benchmarks, documents, fits of the shelves, measures."""
