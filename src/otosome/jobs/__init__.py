"""Jobs: typed inputs in, a typed result out, with progress and an end; command line and notebook call the same.

Every result has ``as_dict()``, what a machine reads, and ``lines()``, what a person reads on a terminal.
"""

from otosome.jobs.changing import Changes, changes
from otosome.jobs.drafting import Drafted
from otosome.jobs.equations import Written, equations
from otosome.jobs.evidence import (
    Checked,
    Claims,
    Entries,
    Qualified,
    Standing,
    check,
    claims,
    entries,
    qualify,
)
from otosome.jobs.examples import examples, shelves_like, studies_like
from otosome.jobs.fitting import FitInputs, FitResult, fit
from otosome.jobs.forecasting import Forecasts, forecast
from otosome.jobs.ingesting import Ingested, IngestInputs, ingest
from otosome.jobs.laboratory import NEW, Begun, Imported, ImportInputs, NewInputs, import_, new
from otosome.jobs.lots import Lot, LotInputs, Process, QualityInputs, assess, process, quality
from otosome.jobs.measuring import Measured, MeasureInputs, measure
from otosome.jobs.options import inputs_of
from otosome.jobs.reviewing import Reviewed, ReviewInputs, review
from otosome.jobs.showing import Shown, show
from otosome.jobs.study import Sources, StudyInputs, StudyResult, compare, run, sources
from otosome.jobs.trials import DoseInputs, Trial, TrialInputs, ledger, next_experiment, optimise, trial
from otosome.jobs.watch import GOES_ON, Cancelled, Done, OutOfMemory, Progress, Watch, fault_of, watched

__all__ = [
    "GOES_ON",
    "NEW",
    "Begun",
    "Cancelled",
    "Changes",
    "Checked",
    "Claims",
    "Done",
    "DoseInputs",
    "Drafted",
    "Entries",
    "FitInputs",
    "FitResult",
    "Forecasts",
    "ImportInputs",
    "Imported",
    "IngestInputs",
    "Ingested",
    "Lot",
    "LotInputs",
    "MeasureInputs",
    "Measured",
    "NewInputs",
    "OutOfMemory",
    "Process",
    "Progress",
    "Qualified",
    "QualityInputs",
    "ReviewInputs",
    "Reviewed",
    "Shown",
    "Sources",
    "Standing",
    "StudyInputs",
    "StudyResult",
    "Trial",
    "TrialInputs",
    "Watch",
    "Written",
    "assess",
    "changes",
    "check",
    "claims",
    "compare",
    "entries",
    "equations",
    "examples",
    "fault_of",
    "fit",
    "forecast",
    "import_",
    "ingest",
    "inputs_of",
    "ledger",
    "measure",
    "new",
    "next_experiment",
    "optimise",
    "process",
    "qualify",
    "quality",
    "review",
    "run",
    "shelves_like",
    "show",
    "sources",
    "studies_like",
    "trial",
    "watched",
]
