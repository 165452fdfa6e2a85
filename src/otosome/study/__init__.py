"""The question: who, what insult, what treatment, what is measured, when.

A study file says it in TOML; this module reads, checks and writes it. The saved form is explicit: it holds
every number and curve with its source, and re-runs the study whatever the shelves' have become. Formulas
stay on the shelves, so a study that used shelves of one's own needs them again.
"""

from otosome.study.files import (
    STUDIES,
    TEMPLATE,
    explicit,
    load,
    loads,
    save,
    saves,
    studies,
    titles,
)
from otosome.study.inputs import REFUSED
from otosome.study.study import Study
from otosome.study.tables import (
    Arm,
    Compare,
    DeviceUse,
    DrugUse,
    Enrolment,
    InsultUse,
    Measure,
    Number,
    PopulationUse,
    Preference,
    Probe,
    RecoveryUse,
    SampleUse,
    StatedCurve,
    Tables,
    Treatment,
)

__all__ = [
    "REFUSED",
    "STUDIES",
    "TEMPLATE",
    "Arm",
    "Compare",
    "DeviceUse",
    "DrugUse",
    "Enrolment",
    "InsultUse",
    "Measure",
    "Number",
    "PopulationUse",
    "Preference",
    "Probe",
    "RecoveryUse",
    "SampleUse",
    "StatedCurve",
    "Study",
    "Tables",
    "Treatment",
    "explicit",
    "load",
    "loads",
    "save",
    "saves",
    "studies",
    "titles",
]
