"""How far a result can be relied on, item by item, from what its folder says was run: of a study, fit, dose or lot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from otosome.answers.numbers import number, share
from otosome.catalog import Catalog
from otosome.report import summary
from otosome.report.exactness import exactness, limits
from otosome.trials.credibility import Item, applicability_item, inputs_item, validation_item
from otosome.units import Json

if TYPE_CHECKING:
    import xarray as xr

RESEARCH = "treating anyone: research only"
_NOT_STATED = "not stated: a study asks what is, and a design's file what a wrong decision costs"


def of_study(result: xr.Dataset) -> tuple[Item, ...]:
    """The items of a run's or a comparison's result."""
    return tuple(_of_study(result))


def _of_study(result: xr.Dataset) -> Iterator[Item]:
    study, species = summary.study(result), str(result.attrs["species"])
    ears, rejected = int(result.sizes["subject"]), summary.attribute(result, "rejected") or []
    errors = summary.accuracy(result)
    yield Item("question of interest", summary.question(result), "")
    yield Item("context of use", _use(result), RESEARCH)
    yield Item("consequence of a wrong decision", _NOT_STATED, "")
    yield Item("model influence", f"every number is of {ears} simulated ears alone", "")
    unsound = f"{len(rejected)} ears could not be computed and are left out" if rejected else ""
    yield Item("verification: conservation, space and steps", exactness(errors, ears), unsound)
    yield inputs_item(summary.sources(result))
    insults = {str(use["entry"]) for use in study.get("insult", {}).values()}
    yield validation_item(insults, species, Catalog())
    yield _uncertainty(result, ears)
    yield applicability_item(species)
    yield Item("limits", limits(errors), _notes(result))


def _use(result: xr.Dataset) -> str:
    """What the result may be used for: what it compares, or measures."""
    compared = summary.headline(result)
    if compared is not None:
        return summary.benefit_of(result, compared)
    if (beside := summary.therapies(result)) is not None:
        return f"{', '.join(arm.name for arm in beside.arms)}, side by side"
    return f"what is measured: {', '.join(summary.measures(result)) or 'where drugs go'}"


def _uncertainty(result: xr.Dataset, ears: int) -> Item:
    worlds = summary.groups(result).worlds
    drawn = f"{ears} ears in {worlds} draws of all that is not known"
    compared = summary.headline(result)
    if compared is None:
        return Item("uncertainty", drawn, "")
    most = compared.share.get("assumed")
    moved = "" if most is None else f"{share(most.exact).text} of what moves the answer is assumed"
    halves = f"with every largest effect halved {compared.halved.text}, doubled {compared.doubled.text}"
    return Item("uncertainty", f"{drawn}: {compared.benefit.text}; {halves}", moved)


def _notes(result: xr.Dataset) -> str:
    notes = summary.attribute(result, "notes")
    return " ".join(str(note) for note in notes[:3])


def of_fit(fit: Json, question: str) -> tuple[Item, ...]:
    """The items of a fit's answer, as ``otosome show --json`` holds it."""
    settled, convergence = fit["converged"], fit["convergence"]
    chains = "" if convergence is None else f", largest R-hat {number(max(convergence['rhat']), 4)}"
    left_out = fit["held_out"]
    return (
        Item("question of interest", question, ""),
        Item(
            "context of use",
            f"numbers of the model, from {fit['readings']} readings of {fit['animals']} animals",
            RESEARCH,
        ),
        Item("consequence of a wrong decision", _NOT_STATED, ""),
        Item(
            "verification: the search",
            f"{fit['method']}, {'settled' if settled else 'not settled'}{chains}",
            fit["refusal"] or ("" if settled else "no interval of it is to be used"),
        ),
        Item(
            "validation: readings held out",
            "" if left_out is None else "readings that the fit never saw were foretold",
            "none was held out" if left_out is None else "",
        ),
        Item("limits", " ".join(fit["sentences"][:4]), ""),
    )


def of_dose(answer: Json) -> tuple[Item, ...]:
    """The items of a dose that was sought: a design's answer, as ``otosome show --json`` holds it."""
    plan, count = answer["plan"], answer["plan"]["n"]["regimens"]
    estimand = plan["estimand"]
    return (
        Item("question of interest", answer["title"], ""),
        Item(
            "context of use",
            f"{estimand['treatments']}; {estimand['variable']}; in {estimand['population']}",
            RESEARCH,
        ),
        Item("consequence of a wrong decision", _NOT_STATED, ""),
        Item("model influence", f"the choice among {count} regimens is of simulated ears alone", ""),
        Item("verification", plan["analysis"], "errors of space and steps: otosome run of a regimen's study"),
        Item("uncertainty", plan["headline"], ""),
        Item("limits", " ".join(answer["notes"]), ""),
    )


def of_lot(lot: Json) -> tuple[Item, ...]:
    """The items of a lot that was decided, as ``otosome show --json`` holds it."""
    runs = [run for each in lot["potency"].values() for run in each["runs"]]
    unfit = sorted({f"{run['run']}: {run['refused']}" for run in runs if run["refused"]})
    undecided = [test["test"] for test in lot["tests"] if test["decision"] == "cannot decide"]
    fit = len(runs) - sum(bool(run["refused"]) for run in runs)
    return (
        Item("question of interest", f"Is lot {lot['lot']} good enough to give?", ""),
        Item("context of use", f"a decision against the specification {lot['specification']}", RESEARCH),
        Item("consequence of a wrong decision", "the risk if released, and if refused, of each test", ""),
        Item("model influence", "none: no ear was simulated", ""),
        Item("verification: the files", f"{len(lot['files'])} files, each by its hash", ""),
        Item(
            "validation: the assays",
            f"{fit} of {len(runs)} runs fit for use" if runs else "",
            "; ".join(unfit),
        ),
        Item("uncertainty", lot["reason"], f"cannot decide: {', '.join(undecided)}" if undecided else ""),
        Item("limits", "", " ".join(lot["left_out"])),
    )
