"""A lot of vesicles: recorded, measured, judged, released or refused, and compared with earlier ones."""
