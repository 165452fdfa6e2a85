"""The question: who, what harm, what treatment, what is measured, when.

A study file says it in TOML; this module reads, checks and writes it. The saved form is explicit: it holds
every number with its source, and re-runs the study whatever the shelves' numbers have become. Formulas and
curves stay on the shelves, so a study that used shelves of one's own needs them again.
"""

from otosome.scenario.files import (
    STUDIES,
    TEMPLATE,
    explicit,
    load,
    loads,
    save,
    saves,
    studies,
)
from otosome.scenario.study import Study
from otosome.scenario.tables import Arm, Compare, InsultUse, Measure, Number, Scenario, Treatment

__all__ = [
    "STUDIES", "TEMPLATE", "Arm", "Compare", "InsultUse", "Measure", "Number", "Scenario", "Study", "Treatment",
    "explicit", "load", "loads", "save", "saves", "studies",
]  # fmt: skip
