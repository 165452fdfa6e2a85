"""Numbers fitted to published cases, a module for each group: ``make calibrate``."""
