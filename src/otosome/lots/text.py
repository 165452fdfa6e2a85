"""What is said of a lot or a process on a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from otosome.units import Json


def lot_words(values: Json) -> str:
    """The decision with its reason, each test, potency, reporting and what else was asked for."""
    lines = [f"lot {values['lot']}: {values['decision']}"]
    if values["decision"] == "release" or not values["tests"]:
        lines.append(f"  {values['reason']}")
    for test in values["tests"]:
        lines.append(f"  {test['decision']:<13} {test['test']}: {test['found']} (limit: {test['asked']})")
        if test["decision"] != "release":
            lines.append(f"  {'':<13} {test['reason']}")
    for mechanism, answer in values["potency"].items():
        combined = answer["combined"]
        if combined is not None:
            words = f"{combined['r']:.3g} ({combined['low']:.3g} to {combined['high']:.3g}, 95 %)"
            lines.append(f"  relative potency, {mechanism}: {words}")
    for name, answer in values["reporting"].items():
        if not answered(answer):
            continue
        states = [item["state"] for item in answer["items"]]
        share = (
            ""
            if answer["share_present"] is None
            else f" ({100 * answer['share_present']:.0f} % of those that apply)"
        )
        lines.append(f"  {name}: {states.count('present')} present, {states.count('missing')} missing{share}")
    lines += _beside(values)
    return "\n".join([*lines, "  research only; not for treating anyone"])


def answered(checklist: Json) -> bool:
    """Whether the record says anything of a reporting checklist; where it does not, nobody asks for it."""
    return any(item["state"] != "missing" for item in checklist["items"])


def _beside(values: Json) -> list[str]:
    lines = []
    if values["reference"] is not None:
        other = values["reference"]
        lines.append(f"  count over that of {other['reference']}: {_band(other['count_ratio'])}")
        for mechanism, ratio in other["potency_ratio"].items():
            lines.append(f"  potency over that of {other['reference']}, {mechanism}: {_band(ratio)}")
    if values["history"] is not None:
        lines.append(f"  {values['history']['conclusion']}")
    for series in (values["history"] or {"series": []})["series"]:
        lines += [
            f"  {quantity_words(series['quantity'])}, {chart_words(chart)}" for chart in series["charts"]
        ]
        if series["inside"] is not None:
            lines.append(f"  {series['quantity']}: in the range of history with {probable(series['inside'])}")
    stability = (values["history"] or {"stability": None})["stability"]
    if stability is not None and stability["shelf_life_days"] is not None:
        lines.append(f"  shelf life: {stability['shelf_life_days']:.3g} days (one-sided 95 % bound)")
    if values["stakes"] is not None:
        lines += [f"  {line}" for line in stake_lines(values["stakes"])]
    return lines


def stake_lines(stakes: Json) -> list[str]:
    """What each limit is worth in hearing, and how many vesicles reach the ear to be worth it."""
    unit = stakes["unit"]
    middle, low, high = (_worth(stakes[key], unit) for key in ("benefit", "low", "high"))
    lines = [f"in {stakes['ears']} ears of {stakes['study']}: benefit {middle} ({low} to {high})"]
    for row in stakes["limits"]:
        change, low, high = (_worth(row[key], unit, signed=True) for key in ("change", "low", "high"))
        lines.append(f"  {row['limit']}: {change} ({low} to {high})")
    words = "vesicles reach" if stakes["reach"] >= 1 else "of a vesicle reaches"
    reach = f"{stakes['reach']:.2g} {words}"
    nothing = all(_worth(row["change"], unit) == _worth(0.0, unit) for row in stakes["limits"])
    why = "no limit changes hearing, because " if nothing and stakes["limits"] else ""
    lines.append(f"{why}at this dose {reach} a nanolitre of the organ of Corti, where there are most")
    return lines


def _worth(value: float, unit: str, signed: bool = False) -> str:
    """A change as a person can use it: a tenth of a decibel, a hundredth of anything else."""
    rounded = round(value, 1 if unit == "dB" else 2) + 0.0
    digits = ".1f" if unit == "dB" else ".2f"
    return f"{rounded:{'+' if signed and rounded else ''}{digits}} {unit}".strip()


def quantity_words(quantity: str) -> str:
    """A charted quantity with its unit; a relative potency has none."""
    return "particles/uL" if quantity == "particles" else quantity


def chart_words(chart: Json) -> str:
    """Where the new lot stands on a control chart, and which earlier lots lie outside its limits."""
    outside = ", ".join(chart["outside"]) or "none"
    new = chart["new"]
    here = ""
    if new is not None:
        side = "outside" if new["outside"] else "inside"
        path = "" if chart["name"] == "Shewhart" else "the mean up to "
        limits = f"the limits of {chart['baseline']} earlier lots ({new['low']:.3g} to {new['high']:.3g})"
        here = f"{path}this lot ({new['value']:.3g}) lies {side} {limits}; "
    return f"{chart['name']}: {here}earlier lots outside: {outside}"


def probable(probability: float) -> str:
    """A probability in words: never a certainty that rounding made."""
    if probability > 0.999:
        return "probability above 0.999"
    return "probability below 0.001" if probability < 0.001 else f"probability {probability:.3g}"


def process_words(values: Json) -> str:
    """What a process makes."""

    def percent(key: str) -> str:
        return f"{_band(values[key], 100)} %"

    lines = [
        f"{values['process']}: {values['about']}",
        f"  particles of a harvest: {_band(values['harvest'])}",
        f"  doses of a harvest: {_band(values['doses'])}; of a run: {_band(values['doses_of_a_run'])}",
    ]
    for kind, spread in values["spread"].items():
        share = _band(values["share"][kind], 100)
        lines.append(f"  lots differ by {kind}: {_band(spread, 100)} %, which is {share} % of the variance")
    lines += [
        f"  lots that hold what their label says: {percent('right')}",
        f"  released by the limit as read: {percent('released')}; wrongly {percent('released_wrong')}",
        f"  released within guard bands: {percent('released_guarded')}; wrongly {percent('released_wrong_guarded')}",
        f"  shelf life: {_band(values['shelf_life_days'])} days",
        "  chance of release, as read and within guard bands:",
    ]
    for row in values["label_claim"]:
        counted = f"counted on {row['days']} day{'' if row['days'] == 1 else 's'}"
        right, limit = (
            f"{100 * row[f'{lot}_as_read']:.3g} and {100 * row[f'{lot}_guarded']:.3g} %"
            for lot in ("right", "limit")
        )
        lines.append(f"    {counted}: a lot right at its label {right}, a lot on its limit {limit}")
    return "\n".join(lines)


def change_words(values: Json) -> str:
    """What a change of process does."""
    lines = [
        f"from {values['before']} to {values['after']}, {values['lots']} lots of each, margin {values['margin']:g}"
    ]
    for what in ("harvest", "potency"):
        ratio = values[what]
        shown = f"shown comparable with probability {ratio['shown_comparable']:.2g}"
        lines.append(f"  {what}: ratio {_band(ratio['ratio'])}; {shown}")
    return "\n".join(lines)


def _band(band: Mapping[str, float], times: float = 1.0) -> str:
    low, median, high = (times * band[key] for key in ("low", "median", "high"))
    return f"{median:.3g} ({low:.3g} to {high:.3g})"
