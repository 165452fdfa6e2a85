"""From a laboratory's file to tidy tables: what readers share."""

from otosome.export.columns import (
    ANIMAL,
    EARS,
    FREQUENCY,
    HIGHEST_KILOHERTZ,
    LOWEST_KILOHERTZ,
    NO_RESPONSE,
    SUBJECT,
    TIMES,
    Columns,
    possible,
    unknown_ear,
)  # fmt: skip
from otosome.export.file import (
    HEAD,
    LARGEST,
    LARGEST_TREE,
    Export,
    Refused,
    flags,
    header,
    moment,
    parse,
    printable,
    unix_moment,
)  # fmt: skip
from otosome.export.tables import (
    PARTICLES,
    READINGS,
    WAVEFORMS,
    Tables,
    label,
    particles,
    readings,
    waveforms,
)

__all__ = [
    "ANIMAL", "EARS", "FREQUENCY", "HEAD", "HIGHEST_KILOHERTZ", "LARGEST", "LARGEST_TREE", "LOWEST_KILOHERTZ",
    "NO_RESPONSE", "PARTICLES", "READINGS", "SUBJECT", "TIMES", "WAVEFORMS", "Columns", "Export", "Refused", "Tables",
    "flags", "header", "label", "moment", "parse", "particles", "possible", "printable", "readings", "unix_moment",
    "unknown_ear", "waveforms",
]  # fmt: skip
