"""A laboratory's files in: recognising, columns, units, animals, ABR thresholds, drafts of studies."""
