"""An assessment and a history as plain values, for machines, a report, a laboratory's own system."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from otosome.errors import BadInput
from otosome.lots.assessment import AssayRun, Assessment
from otosome.lots.belief import Belief
from otosome.lots.checklist import share_present
from otosome.lots.earlier import History
from otosome.lots.files import Counted
from otosome.lots.history import Chart, Stability
from otosome.lots.potency import Potency
from otosome.lots.release import Verdict
from otosome.lots.sizes import NM, size_density
from otosome.lots.specification import Specification
from otosome.units import Json, convert, house


def lot_values(assessment: Assessment) -> Json:
    """Everything an assessment says; numbers that are none are null."""
    record, counted = assessment.record, assessment.counted
    answer = {
        "lot": record.name,
        "record": assessment.file,
        "product": record.product,
        "sample": record.sample,
        "made": record.made,
        "tested": record.tested,
        "specification": record.specification,
        "label": None if record.label is None else record.label.text,
        "decision": assessment.decision,
        "reason": assessment.reason,
        "protein": record.protein,
        "tests": [_test(verdict) for verdict in assessment.verdicts],
        "accepted": dict(assessment.specification.accepted),
        "counted": [_counted(file) for file in (*assessment.counts, *assessment.controls)],
        "doubts": list(assessment.doubts),
        "beyond": dict(assessment.beyond),
        "left_out": [part.words for part in assessment.left_out],
        "files": [
            {"name": Path(file).name, "sha256": sha256} for file, sha256 in sorted(assessment.inputs.items())
        ],
        "count": None
        if counted is None
        else {
            "particles_per_uL": _belief(counted.belief),
            "measurements": counted.measurements,
            "days": counted.days,
            "taken": counted.taken,
            "between_videos": counted.videos,
            "within_day": counted.within,
            "between_days": counted.between,
        },
        "not_vesicles": None if assessment.vesicles is None else _belief(assessment.vesicles),
        "potency": {
            mechanism: {
                "runs": [_run(run) for run in assessment.runs if mechanism in run.entry.mechanisms],
                "combined": _potency(potency),
            }
            for mechanism, (_, potency) in assessment.potencies.items()
        },
        "reporting": {
            name: {"share_present": share_present(list(items)), "items": [asdict(item) for item in items]}
            for name, items in assessment.checklists.items()
        },
        "sizes": {
            "window_nm": _window(assessment.specification),
            "files": [_sizes(file) for file in assessment.counts if file.stored == 0],
        },
        "batch": dict(assessment.lot.values),
    }
    plain: Json = _plain(answer)
    return plain


def history_values(past: History) -> Json:
    """Everything a history says; the last place of a chart is the new lot's, where it was measured."""
    new = () if past.new is None else (past.new,)
    answer = {
        "conclusion": past.conclusion,
        "lots": list(past.lots),
        "new": past.new,
        "series": [
            {
                "quantity": series.quantity,
                "lots": list(series.lots),
                "values": series.values,
                "new": series.new,
                "charts": [_chart(chart, (*series.lots, *new)) for chart in series.charts],
                "range": [math.exp(end) for end in series.range],
                "inside": series.inside,
                "trend": {**asdict(series.trend), "seen": series.trend.clear},
                "broken": list(series.unlike),
                "components": series.components
                and {**asdict(series.components), "share": series.components.share},
            }
            for series in past.series
        ],
        "stability": None if past.stability is None else _stability(past.stability),
        "changes": [
            {**asdict(change), "comparable": change.comparison.comparable} for change in past.changes
        ],
        "notes": list(past.notes),
    }
    plain: Json = _plain(answer)
    return plain


def _stability(stability: Stability) -> Json:
    """With the unit in each name; a shelf life that the loss seen does not limit is null."""
    return {
        "loss_per_day": {
            "low": 24 * stability.low,
            "median": 24 * stability.rate,
            "high": 24 * stability.high,
        },
        "shelf_life_days": stability.shelf_life / 24,
    }


def comparison_values(lot: Assessment, reference: Assessment) -> Json:
    """A lot beside a reference lot: how their counts and potencies compare, with 5 and 95 %.

    raises  BadInput where either was not counted, or the two by instruments of their own
    """
    if lot.counted is None or reference.counted is None:
        raise BadInput("needs counts of both lots", file=lot.file, key="reference", given=reference.file)
    instruments = sorted({count.instrument for count in (*lot.counts, *reference.counts)})
    if len(instruments) > 1:
        raise BadInput(
            "two instruments cannot be compared", file=lot.file, key="reference", given=instruments
        )
    shared = [m for m, (_, p) in lot.potencies.items() if p and reference.potencies.get(m, ((), None))[1]]
    return {
        "reference": reference.record.name,
        "count_ratio": _ratio(lot.counted.belief, reference.counted.belief),
        "potency_ratio": {
            m: _ratio(_combined(lot, m).belief, _combined(reference, m).belief) for m in shared
        },
    }


def _combined(lot: Assessment, mechanism: str) -> Potency:
    potency = lot.potencies[mechanism][1]
    assert potency is not None  # asked of those that both lots have
    return potency


def _ratio(ours: Belief, theirs: Belief) -> dict[str, float]:
    """One over the other: two independent errors, whose parts on either side add as squares."""
    ends = np.log([[belief.quantile(p) for p in (0.05, 0.5, 0.95)] for belief in (ours, theirs)])
    middle = ends[0, 1] - ends[1, 1]
    down = math.hypot(ends[0, 1] - ends[0, 0], ends[1, 2] - ends[1, 1])
    up = math.hypot(ends[0, 2] - ends[0, 1], ends[1, 1] - ends[1, 0])
    return {"low": math.exp(middle - down), "median": math.exp(middle), "high": math.exp(middle + up)}


def _belief(belief: Belief) -> dict[str, float]:
    return {"low": belief.quantile(0.05), "median": belief.quantile(0.5), "high": belief.quantile(0.95)}


def _potency(potency: Potency | None) -> Json | None:
    return None if potency is None else asdict(potency)


def _run(run: AssayRun) -> Json:
    says = run.says
    refused = {
        "run": says.run,
        "assay": run.entry.assay,
        "sample": run.entry.sample,
        "reference": run.entry.reference,
        "left_out": [] if run.plate is None else list(run.plate.left_out),
        "refused": says.refused,
        "cure": says.cure,
        "checks": [{**asdict(c), "passed": c.passed} for c in says.checks],
    }
    return refused if says.refused else {**refused, "r": says.r, "low": says.low, "high": says.high}


def _test(verdict: Verdict) -> Json:
    """A test with its numbers in the unit in which the limit is stated."""
    test = asdict(verdict)
    for key in ("accept", "limits", "known"):
        if test[key] is not None:
            test[key] = [_in_unit(end, verdict.unit) for end in test[key]]
    return test


def _in_unit(number: float | None, unit: str) -> float | None:
    finite = number is not None and math.isfinite(number)
    return convert(number, house(unit), unit) if finite and unit and number is not None else number


def _window(specification: Specification) -> list[float | None] | None:
    """The ends of the size window in nm, None where it is open; None where sizes have no window."""
    if "size_window" not in specification.limits:
        return None
    return [end / NM if math.isfinite(end) else None for end in specification.window]


def _sizes(file: Counted) -> Json:
    """The size distribution of a file: particles/mL for each nm of diameter, over all its videos."""
    diameter, density = size_density(file.table)
    return {"file": file.file, "diameter_nm": diameter, "per_mL_nm": density}


def _counted(file: Counted) -> Json:
    """A file of counts: what of it is used, with the dilution, and what its instrument warns of."""
    mean = convert(float(file.counts().mean()), "particles/uL", "particles/mL")
    return {
        "file": file.file,
        "use": file.use,
        "instrument": file.instrument,
        "sample": file.sample,
        "day": file.day,
        "captured": file.captured,
        "stored_days": file.stored / 24,
        "dilution": file.dilution,
        "dilution_by": file.says,
        "videos": file.videos,
        "particles_per_mL": mean,
        "warnings": list(file.warnings),
    }


def _chart(chart: Chart, lots: tuple[str, ...]) -> Json:
    """On the scale of the quantity itself; ``new`` is where the new lot stands among the limits of earlier ones."""
    values, low, high = (np.exp(line) for line in (chart.values, chart.low, chart.high))
    is_new = chart.values.size > chart.baseline
    return {
        "name": chart.name,
        "values": values,
        "centre": math.exp(chart.centre),
        "low": low,
        "high": high,
        "false_alarm": chart.false_alarm,
        "run_length": chart.run_length,
        "baseline": chart.baseline,
        "outside": [lots[k] for k in chart.outside if k < chart.baseline],
        "new": {
            "value": values[-1],
            "low": low[-1],
            "high": high[-1],
            "outside": chart.baseline in chart.outside,
        }
        if is_new
        else None,
    }


def _plain(value: Any) -> Any:
    """Numbers, words, lists and tables alone, and null for a number that is none: JSON has no other."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(inner) for inner in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
