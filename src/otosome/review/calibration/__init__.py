"""Numbers fitted to published cases: a fit file whose data are rows of the shelf ``cases``."""
