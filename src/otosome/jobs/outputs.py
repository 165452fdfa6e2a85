"""What every verb answers a machine with ``--json``, as types; ``docs/schemas`` is made from them.

An answer is one object: the version, the command, ``ok``, where a result was written and of what, the result itself,
and notes for a person. A refusal is one object too (``Refusal``).
"""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from otosome.answers.accuracy import Accuracy
from otosome.answers.equations import Part
from otosome.answers.exposure import Drugs
from otosome.answers.headline import Headline
from otosome.answers.numbers import Interval
from otosome.answers.sources import SourceRow
from otosome.answers.therapies import SideBySide
from otosome.errors import Fault
from otosome.fitting.against import Against
from otosome.fitting.fit import Fit
from otosome.lots.checklist import Item
from otosome.lots.release import Verdict
from otosome.lots.stakes import Stakes
from otosome.review.calibration.fit import CaseFit
from otosome.review.claims.papers import Papers
from otosome.review.forecasts import Scored
from otosome.review.priors.rows import ByPrior
from otosome.review.qualification import Row
from otosome.review.synthesis import Review
from otosome.roles import Figure
from otosome.trials.answer import DesignAnswer
from otosome.units import Json


class Refusal(TypedDict):
    """Bad input, or a defect of ours; the exit code is 2, or 1."""

    otosome: str
    command: str
    ok: Literal[False]
    error: Fault


class Band(TypedDict):
    """A median with 5 and 95 %."""

    median: float
    low: float
    high: float


class Rejected(TypedDict):
    """An ear that cannot be computed."""

    subject: int
    reason: str


class Nothing(TypedDict):
    """An empty object."""


class RunResult(TypedDict):
    """The benefit; empty where the study compares nothing."""

    headline: Headline | Nothing
    drugs: NotRequired[Drugs]
    errors: Accuracy
    rejected: list[Rejected]
    against: NotRequired[Against]
    priors: NotRequired[ByPrior]


class CompareResult(TypedDict):
    """Therapies side by side."""

    therapies: SideBySide
    errors: Accuracy
    rejected: list[Rejected]
    priors: NotRequired[ByPrior]


class MeasuredRow(TypedDict):
    """An endpoint over all ears of an arm, at a time (h) and frequency (kHz; null for words)."""

    arm: str
    time: float
    frequency: float | None
    value: Interval


class MeasureResult(TypedDict):
    """An endpoint computed from the cells that a result keeps."""

    endpoint: str
    ears: int
    rows: list[MeasuredRow]


class SourcesResult(TypedDict):
    """Every number of a study, how many of each basis, and how many were read only once."""

    rows: list[SourceRow]
    counts: dict[str, int]
    provisional: int


class EquationsResult(TypedDict):
    """The equations of a study, part by part, and all of them as LaTeX."""

    title: str
    parts: list[Part]
    latex: str


class ImportRows(TypedDict):
    """How many of each an import holds."""

    files: int
    readings: int
    particles: int
    waveforms: int
    wells: int
    thresholds: int
    refused: int


class RefusedPart(TypedDict):
    """A file, or a part of one, that was not read."""

    file: str
    place: str
    given: str
    reason: str


class ImportResult(TypedDict):
    """What was imported: each file with its instrument, what was refused, and means and differences of groups.

    ``unsure``  columns of each table whose meaning a mapping could say
    """

    rows: ImportRows
    files: dict[str, str]
    refused: list[RefusedPart]
    unsure: dict[str, list[str]]
    groups: list[dict[str, str | float | None]]


class QualifyResult(TypedDict):
    """Published cases beside what was simulated, and how many have each verdict."""

    rows: list[Row]
    counts: dict[str, dict[str, int]]
    coverage: dict[str, dict[str, int]]
    worlds: int


class ChangedRow(TypedDict):
    """A number, curve or file that changed; ``what``: value, source, standing, new, gone, or file."""

    parameter: str
    what: str
    then: str
    now: str
    source: str | None
    standing: str


class AlteredRow(TypedDict):
    """A file of a result that is not as it was written: changed, gone or new."""

    file: str
    what: str


class StandingRow(TypedDict):
    """Whether a result stands; ``then`` and ``now`` are the best-value ear's benefit."""

    result: str
    verb: str
    stands: bool
    changed: list[ChangedRow]
    altered: list[AlteredRow]
    refused: list[str]
    then: float | None
    now: float | None
    unit: str
    rerun: NotRequired[str]


class CheckResult(TypedDict):
    """A row a result."""

    rows: list[StandingRow]


class Moved(TypedDict):
    """A pool, a prior's row or a design's sentence that reads otherwise."""

    name: str
    then: str
    now: str


class ChangesResult(TypedDict):
    """What changed between two results, the benefit in each, and what else reads otherwise."""

    changed: list[ChangedRow]
    then: Interval | None
    now: Interval | None
    unit: str
    moved: list[Moved]


class Cited(TypedDict):
    """A source and how it stands."""

    key: str
    title: str
    link: str
    standing: str


Stand = TypedDict("Stand", {"words": str, "is": str, "says": str, "sources": list[Cited], "rows": list[str]})


class ClaimRow(TypedDict):
    """A claim: what it stands on, its figure now, the verdict."""

    claim: str
    about: str
    by: Cited
    stands_on: list[Stand]
    test: str
    study: str
    papers: Papers | None
    figure: Figure | None
    by_prior: dict[str, Figure]
    missing: str
    built_in: str
    verdict: str
    why: str
    command: str


class ClaimsResult(TypedDict):
    """A row a claim."""

    rows: list[ClaimRow]


class LotCount(TypedDict):
    """Particles of a lot, and how its counts spread (standard deviations of logarithms)."""

    particles_per_uL: Band
    measurements: int
    days: int
    taken: str
    between_videos: float | None
    within_day: float | None
    between_days: float | None


class PassedCheck(TypedDict):
    """A condition of an assay's run."""

    name: str
    value: float | None
    least: float | None
    most: float | None
    low: float | None
    high: float | None
    passed: bool


class AssayRun(TypedDict):
    """A run: refused for a reason with what would mend it, or a relative potency with 95 %; wells left out of it."""

    run: str
    assay: str
    sample: str
    reference: str
    left_out: list[str]
    refused: str
    cure: str
    checks: list[PassedCheck]
    r: NotRequired[float]
    low: NotRequired[float]
    high: NotRequired[float]


class CombinedPotency(TypedDict):
    """Relative potency over runs with 95 %, the spread between runs, and whether their errors are alike."""

    r: float
    low: float
    high: float
    between: float | None
    runs: int
    error: float | None
    freedom: int
    alike: bool


class LotPotency(TypedDict):
    """Relative potency by one mechanism."""

    runs: list[AssayRun]
    combined: CombinedPotency | None


class Reporting(TypedDict):
    """A checklist against the record."""

    share_present: float | None
    items: list[Item]


class ChartNew(TypedDict):
    """Where the new lot stands among the limits of earlier ones."""

    value: float | None
    low: float | None
    high: float | None
    outside: bool


class ChartLines(TypedDict):
    """A control chart, on the scale of the quantity."""

    name: str
    values: list[float | None]
    centre: float | None
    low: list[float | None]
    high: list[float | None]
    false_alarm: float | None
    run_length: float | None
    baseline: int
    outside: list[str]
    new: ChartNew | None


class Series(TypedDict):
    """A quantity over lots."""

    quantity: str
    lots: list[str]
    values: list[float | None]
    new: float | None
    charts: list[ChartLines]
    range: list[float | None]
    inside: float | None
    trend: dict[str, float | bool | None]
    broken: list[str]
    components: dict[str, float | None] | None


class Stability(TypedDict):
    """What is lost a day, and how long a lot keeps (null where the loss limits nothing)."""

    loss_per_day: Band
    shelf_life_days: float | None


class History(TypedDict):
    """A lot among earlier ones, and what changes of the process did."""

    conclusion: str
    lots: list[str]
    new: str | None
    series: list[Series]
    stability: Stability | None
    changes: list[Json]
    notes: list[str]


class Comparison(TypedDict):
    """A lot over a reference lot."""

    reference: str
    count_ratio: Band
    potency_ratio: dict[str, Band]


class CountedFile(TypedDict):
    """A file of counts as it is used: who states its dilution, the videos that count, the instrument's warnings."""

    file: str
    use: str
    instrument: str
    sample: str
    day: str
    captured: str
    stored_days: float
    dilution: float | None
    dilution_by: str
    videos: list[int]
    particles_per_mL: float
    warnings: list[str]


class SizeCurve(TypedDict):
    """The size distribution in a file of counts: particles/mL for each nm of diameter."""

    file: str
    diameter_nm: list[float]
    per_mL_nm: list[float]


class Sizes(TypedDict):
    """Size distributions, and the ends of the specification's size window (null where open, or where there is none)."""

    window_nm: list[float | None] | None
    files: list[SizeCurve]


class LotFile(TypedDict):
    """A file that a lot rests on."""

    name: str
    sha256: str


class LotResult(TypedDict):
    """A lot decided."""

    lot: str
    record: str
    product: str | None
    sample: str | None
    made: str | None
    tested: str | None
    specification: str | None
    label: str | None
    protein: str | None
    decision: str
    reason: str
    tests: list[Verdict]
    accepted: dict[str, str]
    counted: list[CountedFile]
    doubts: list[str]
    sizes: Sizes
    count: LotCount | None
    not_vesicles: Band | None
    potency: dict[str, LotPotency]
    beyond: dict[str, str]
    left_out: list[str]
    files: list[LotFile]
    reporting: dict[str, Reporting]
    batch: Json
    history: History | None
    reference: Comparison | None
    stakes: Stakes | None


class LabelClaim(TypedDict):
    """Chance of release after so many days of counting: of a right lot, and of one on its limit."""

    days: int
    right_as_read: float
    right_guarded: float
    limit_as_read: float
    limit_guarded: float


class Ratio(TypedDict):
    """A quantity after a change over before, and the share of worlds in which the lots show them comparable."""

    ratio: Band
    shown_comparable: float


class ProcessChange(TypedDict):
    """What a change of process does."""

    before: str
    after: str
    lots: int
    margin: float
    harvest: Ratio
    potency: Ratio


class ProcessResult(TypedDict):
    """What a process makes; shares and spreads are of one."""

    process: str
    about: str
    lots: int
    tissue: str
    vessel: str
    medium: str
    isolation: str
    formulation: str
    storage: str
    harvest: Band
    doses: Band
    doses_of_a_run: Band
    spread: dict[str, Band]
    share: dict[str, Band]
    right: Band
    released: Band
    released_guarded: Band
    released_wrong: Band
    released_wrong_guarded: Band
    refused_right: Band
    refused_right_guarded: Band
    potency_spread: Band
    label_claim: list[LabelClaim]
    shelf_life_days: Band
    assumed: list[str]
    change: ProcessChange | None


class TrialResult(TypedDict):
    """Designs side by side: what each needs and can show; or a dose, as one."""

    designs: list[DesignAnswer]


class _Answer(TypedDict):
    otosome: str
    ok: Literal[True]
    notes: list[str]


class _Written(_Answer):
    out: str
    inputs: dict[str, str]


class Run(_Written):
    """``otosome run``."""

    command: Literal["run"]
    seed: int
    result: RunResult


class Compare(_Written):
    """``otosome compare``."""

    command: Literal["compare"]
    seed: int
    result: CompareResult


class Measure(_Answer):
    """``otosome measure``."""

    command: Literal["measure"]
    inputs: dict[str, str]
    seed: int
    result: MeasureResult


class TrialAnswer(_Answer):
    """``otosome trial``; ``out`` is null where no folder was asked for."""

    command: Literal["trial"]
    out: str | None
    inputs: dict[str, str]
    result: TrialResult


class DraftFact(TypedDict):
    """Something a rule found in a text, and at which character."""

    kind: str
    text: str
    place: int


class DraftRow(TypedDict):
    """A draft: its file, why it counts nowhere, and the facts it was made of."""

    name: str
    file: str
    why_out: str
    facts: list[DraftFact]


class IngestRows(TypedDict):
    """Drafts that were written."""

    rows: list[DraftRow]


class IngestAnswer(_Answer):
    """``otosome ingest``."""

    command: Literal["ingest"]
    out: str
    result: IngestRows


class ForecastRows(TypedDict):
    """Forecasts, and the mean log score and coverage of the resolved ones."""

    rows: list[Scored]
    mean_score: float | None
    coverage: float | None


class ForecastAnswer(_Answer):
    """``otosome forecast``."""

    command: Literal["forecast"]
    result: ForecastRows


class LedgerAnswer(_Written):
    """``otosome ledger``."""

    command: Literal["ledger"]
    result: TrialResult


class NextAnswer(_Written):
    """``otosome next``."""

    command: Literal["next"]
    result: TrialResult


class OptimiseAnswer(_Written):
    """``otosome optimise``."""

    command: Literal["optimise"]
    result: TrialResult


class ReviewAnswer(_Written):
    """``otosome review``."""

    command: Literal["review"]
    result: Review


class New(_Answer):
    """``otosome new``."""

    command: Literal["new"]
    out: str
    result: Nothing


class Import(_Written):
    """``otosome import``."""

    command: Literal["import"]
    result: ImportResult


class FitAnswer(_Written):
    """``otosome fit``: to readings of a study, or to published cases."""

    command: Literal["fit"]
    result: Fit | CaseFit


class Quality(_Answer):
    """``otosome quality``: of a lot with ``out`` and ``inputs``, of a process without."""

    command: Literal["quality"]
    out: NotRequired[str]
    inputs: NotRequired[dict[str, str]]
    result: LotResult | ProcessResult


class List(_Answer):
    """``otosome list``: what each entry is about, by shelf and name."""

    command: Literal["list"]
    result: dict[str, dict[str, str]]


class Sources(_Answer):
    """``otosome sources``."""

    command: Literal["sources"]
    result: SourcesResult


class EquationsAnswer(_Answer):
    """``otosome equations``."""

    command: Literal["equations"]
    result: EquationsResult


class Show(_Written):
    """``otosome show``: what the verb answered that wrote the result."""

    command: Literal["show"]
    seed: NotRequired[int]
    result: RunResult | CompareResult | ImportResult | LotResult | Fit | CaseFit | TrialResult | Review


class Qualify(_Answer):
    """``otosome qualify``."""

    command: Literal["qualify"]
    seed: int
    result: QualifyResult


class CheckAnswer(_Answer):
    """``otosome check``."""

    command: Literal["check"]
    result: CheckResult


class Changes(_Answer):
    """``otosome changes``."""

    command: Literal["changes"]
    result: ChangesResult


class Claims(_Answer):
    """``otosome claims``."""

    command: Literal["claims"]
    seed: int
    result: ClaimsResult


class OpenResult(TypedDict):
    """A page that was ended: where it was served, and the command lines of jobs that go on."""

    folder: str
    address: str
    running: list[str]


class OpenAnswer(_Answer):
    """``otosome open``, once it was ended."""

    command: Literal["open"]
    result: OpenResult


ANSWERS: dict[str, type] = {
    "run": Run,
    "compare": Compare,
    "measure": Measure,
    "trial": TrialAnswer,
    "optimise": OptimiseAnswer,
    "ledger": LedgerAnswer,
    "next": NextAnswer,
    "review": ReviewAnswer,
    "forecast": ForecastAnswer,
    "ingest": IngestAnswer,
    "new": New,
    "import": Import,
    "fit": FitAnswer,
    "quality": Quality,
    "list": List,
    "sources": Sources,
    "equations": EquationsAnswer,
    "show": Show,
    "qualify": Qualify,
    "check": CheckAnswer,
    "changes": Changes,
    "claims": Claims,
    "open": OpenAnswer,
}
