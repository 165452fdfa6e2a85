"""A result as a record states it: a number with its unit, a bound, or a number with its error."""

from __future__ import annotations

import re

from otosome.errors import BadInput
from otosome.units import quantity

_STATED = re.compile(r"([<>]?)\s*([^<>±]+?)\s*(?:(?:±|\+/-)\s*(\d+\.?\d*)\s*%)?", re.ASCII)


def stated(text: str, unit: str, example: str, file: str, key: str) -> tuple[str, float, float | None]:
    """Sign of a bound (else empty), the number in ``unit``, and its coefficient of variation where it has one.

    ``example``  of such a number, for the refusal
    raises       BadInput for text that is no result, another unit, a negative number
    """
    match = _STATED.fullmatch(text.strip()[:80])
    if match is None:
        raise BadInput(
            "is not a result",
            file=file,
            key=key,
            given=text,
            allowed=f"such as '{example}', '< {example}' or '{example} +/- 10 %'",
        )
    try:
        value = quantity(match[2], unit)
    except ValueError as error:
        raise BadInput(str(error), file=file, key=key, given=text) from error
    relative = float(match[3]) / 100 if match[3] else None
    if value < 0 or (relative is not None and not (0 < relative < 10 and value > 0)):
        raise BadInput("is not negative, and an error lies above zero", file=file, key=key, given=text)
    return match[1], value, relative
