"""The equations of cells, mechanisms and thresholds as a person writes them, each held to the code by a test.

Right sides are of numbers of the shelves by their keys, of states, and of what stands on the left of an equation
before. Functions are exp, log, log2, tanh, min and max. All hold at one place of one ear.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Equation:
    """What stands on the left, with its unit, and what it is.

    ``left``  a name, or the rate of a state: "ds/dt";  ``right``  an expression;  ``unit``  "" for none
    """

    left: str
    right: str
    unit: str
    meaning: str


STRESS = (
    Equation(
        "ds/dt",
        "production - stress_clearance * clear * s",
        "1/h",
        "stress, none at first; all insults produce it, and mechanisms clear it",
    ),
)
CELLS = (
    Equation(
        "injury",
        "prevent * susceptibility * (sensitivity * s + hazard)",
        "1/h",
        "rate at which intact cells are injured: by stress, and by insults directly",
    ),
    Equation(
        "deadly",
        "s ** hill / (half_stress ** hill + s ** hill)",
        "",
        "share of the deadly effect that stress has",
    ),
    Equation(
        "reviving",
        "revival * (1 - revive) * (1 - deadly)",
        "1/h",
        "rate at which vesicles bring silent cells back; revive is the share of silence they leave",
    ),
    Equation(
        "da/dt",
        "repair * mend * b - (injury + loss) * a",
        "1/h",
        "intact cells; 1 - spared of those the ear came with at first, and what is spared is intact besides",
    ),
    Equation(
        "db/dt",
        "injury * a + reviving * e - (repair * mend + deadly * (silencing + rescue * death) + loss) * b",
        "1/h",
        "injured cells, none at first",
    ),
    Equation(
        "de/dt",
        "deadly * (silencing + rescue * withdrawn * death) * b - (silent_death + reviving + loss) * e",
        "1/h",
        "silent cells, alive and at rest, none at first; the rest is lost",
    ),
    Equation("working", "a + injured_function * b + silent_function * e", "", "cells that do their work"),
)
NEURONS = (
    Equation(
        "without",
        "1 - connected",
        "",
        "neurons that have lost their synapse or inner hair cell since the study began",
    ),
    Equation(
        "dd/dt", "starvation * support * (without - d)", "1/h", "neurons that died of it, none at first"
    ),
    Equation(
        "loss_starved",
        "starvation * support * (without - d) / (1 - d)",
        "1/h",
        "loss of neurons for want of a connection",
    ),
)
STRIA = (Equation("dv/dt", "recovery * (1 - v) - injury * s * v", "1/h", "strial function, 1 at first"),)
ACTING = (
    Equation("dE/dt", "signal * (1 - E) / onset - E / offset", "1/h", "effect, none at first"),
    Equation(
        "left",
        "1 - largest * E",
        "",
        "prevent, rescue, support and revive, of whatever acts; products of these",
    ),
    Equation("raised", "1 + largest * E", "", "mend and clear, of whatever acts; products of these"),
)
MECHANISM = (
    Equation(
        "signal",
        "1 - ec50 / (ec50 + potency * vesicles) * n50 / (n50 + potency * copies)",
        "",
        "of vesicles per uL by contact and copies per uL by cargo; a factor whose number the mechanism lacks is 1",
    ),
    *ACTING,
    Equation(
        "opened", "1 - gate * (1 - E)", "", "what a mechanism that gates leaves of the effects of all others"
    ),
)
DRUG = (
    Equation("signal", "c / (c + ec50)", "", "of the drug where the cells are, uM"),
    *ACTING,
)
THRESHOLDS = (
    Equation("lost", "1 - working_ohc", "", "work of outer hair cells that is lost"),
    Equation("y", "ohc.anchor_shift / ohc.ceiling", "", "height of the anchor"),
    Equation(
        "outer",
        "ohc.ceiling * lost * y * (1 - ohc.anchor_loss) / "
        "(lost * (y - ohc.anchor_loss) + ohc.anchor_loss * (1 - y))",
        "dB",
        "shift that outer hair cells cause",
    ),
    Equation(
        "afferents",
        "working_ihc * min(working_synapse, working_sgn)",
        "",
        "nerve fibres that carry sound",
    ),
    Equation(
        "beyond", "max(1 - afferents - ihc.knee, 0) / (1 - ihc.knee)", "", "loss of fibres past the knee"
    ),
    Equation(
        "inner",
        "ihc.knee_shift * (1 - afferents) / ihc.knee + (ihc.ceiling - ihc.knee_shift / ihc.knee) * beyond ** 2",
        "dB",
        "shift that fibres cause",
    ),
    Equation("strial", "min(stria.gain * (1 - v), stria.ceiling)", "dB", "shift that the stria causes"),
    Equation(
        "amplifier",
        "ohc.ceiling * (1 - (1 - outer / ohc.ceiling) * (1 - strial * (1 - stria.inner_share) / ohc.ceiling))",
        "dB",
        "what outer hair cells and the stria that drives them cost together, never more than the cells alone",
    ),
    Equation(
        "driven", "strial * stria.inner_share", "dB", "what the stria costs inner hair cells themselves"
    ),
    Equation(
        "shift",
        "ohc.limit * (1 - (1 - amplifier / ohc.limit) * (1 - inner / ohc.limit) * (1 - driven / ohc.limit))",
        "dB",
        "of a place; a tone meets the mean over the places it excites",
    ),
)
