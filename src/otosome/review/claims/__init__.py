"""What is claimed of this therapy: on what a claim stands, the figure computed now, and a verdict by rule.

A claim stands on one or more grounds. Each says what it is: ``measured`` (a published number with its spread,
or counts that give one), ``direction`` (only a sign, or a number without a spread) or ``none`` (nothing
published that could be read); and what it says: ``for`` the claim, ``against`` it, or ``open`` (cannot tell).

A ground all of whose sources were retracted or withdrawn is none.

- measured and for it: *supported*; measured and against it: *contradicted*
- direction and for it: *direction only*; anything else: *not measured*
- a claim is as good as its weakest ground
- a figure whose whole interval lies beyond the line the claim needs makes it *at odds with our assumptions*, and
  *contradicted* only where every number it rests on was measured; a figure that follows from the structure of the
  model decides nothing, and one that agrees with a claim never lifts it
"""

from otosome.review.claims.asking import claims
from otosome.review.claims.claim import (
    SHELF,
    VERDICTS,
    Claim,
    Ground,
)
from otosome.review.claims.figures import (
    KINDS,
    STORED,
    evidence_hash,
    figure_text,
    grounds,
    ordered,
    short,
    stored,
)
from otosome.review.claims.laboratory import EARS, Laboratory

__all__ = [
    "EARS",
    "KINDS",
    "SHELF",
    "STORED",
    "VERDICTS",
    "Claim",
    "Ground",
    "Laboratory",
    "claims",
    "evidence_hash",
    "figure_text",
    "grounds",
    "ordered",
    "short",
    "stored",
]
