"""What was measured, as docs/performance.md."""

from __future__ import annotations

import re
from typing import Any

from otosome.model.lanes import LANES
from tools.benchmark import many_ears
from tools.benchmark.timing import MATCHED, PEERS

TITLE = "# Performance\n"


def table_of(rows: dict[str, Any]) -> str:
    """Rows of the document: seconds, errors, ratio to otosome."""
    base = rows["otosome"]["seconds"]
    order = sorted(rows, key=lambda name: rows[name]["seconds"])
    lines = [
        "| solver | CPU per ear | error of vesicles | error of cells | times otosome |",
        "|---|---|---|---|---|",
    ]
    for name in order:
        row = rows[name]
        errors = f"{row['vesicles']:.1e} | {row['cells']:.1e}"
        lines.append(
            f"| {PEERS.get(name, name)} | {row['seconds']:.3g} s | {errors} | {row['seconds'] / base:.0f} |"
        )
    return "\n".join(lines)


def equal_table(equal: dict[str, Any]) -> str:
    """Rows at equal total error."""
    names = {
        "cvode_smooth": f"{PEERS['cvode_band']}, smooth scheme",
        "cvode_plain": f"{PEERS['cvode']}, plain scheme",
        "otosome": "otosome, one ear alone",
    }
    lines = [
        "| solver | places | CPU per ear | total error of vesicles | of cells | times otosome |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in sorted(equal["rows"].items(), key=lambda item: float(item[1]["seconds"])):
        errors = f"{row['vesicles']:.1e} | {row['cells']:.1e}"
        times = f"{row['seconds'] / equal['population']:.0f}"
        lines.append(f"| {names[name]} | {row['places']} | {row['seconds']:.3g} s | {errors} | {times} |")
    return "\n".join(lines)


def ratios(times: dict[str, Any]) -> str:
    """How many times otosome's time each peer takes, in two lines, and what a gradient costs."""
    lines = [
        f"{what}: "
        + ", ".join(f"{PEERS[key]} takes {ratio:.0f} times as long" for key, ratio in times[kind].items())
        for kind, what in (("single", "one ear"), ("population", "an ear of many"))
    ]
    return "\n".join([*lines, f"a gradient by 20 numbers: {times['gradient_forwards']:.1f} forward runs"])


def by_hand(text: str) -> str:
    """What docs/performance.md says of the page and of fits, measured apart; nothing if it has none."""
    return next(iter(re.findall(r"## The page\n.*?(?=## What is not reached)", text, re.DOTALL)), "")


def document(result: dict[str, Any], rest: str = "") -> str:
    """docs/performance.md, with the ``rest`` that other programs measured before its last part."""
    slope, shape = result["gradient"], result["profile"]
    pace, flow = (shape[kind] / shape["step"] / 1e9 for kind in ("operations", "bytes"))
    parts = "\n".join(f"| {name} | {1e6 * taken:.0f} |" for name, taken in shape["parts"].items())
    band = result["single"]["cvode_band"]
    names = ", ".join(f"`{name}`" for name in slope["names"])
    return f"""# Performance

Written by `make bench` ({result["machine"]}), but for the page and what a person waits for, by hand from timed runs.
Times are CPU seconds of one thread.
Memory that was freed is used again, by all alike, as the command line has it.

## The system

One guinea-pig ear at {result["places"]} places: cisplatin, three size classes of vesicles that compete for uptake,
the effect of HSP70, stress, four kinds of cell and the stria; a dose into the blood and five onto the round window;
28 days. {result["unknowns"]} unknowns as the general solvers see it. It is otosome's own network, handed over in arrays
(`tools/benchmark/peers.py`); the peers get a compiled right-hand side and Jacobian, numbered so that it is a band,
and start anew at each dose. They carry no ledger and no internalised amounts, which otosome does. Two later parts of
the model that the peers were not given are off on all sides: starving neurons, and bound platinum that flattens the
gradient.

Reference: CVODE (sparse) and LSODA at a relative tolerance of 1e-10; they differ by
{result["references_differ"][0]:.0e} of the peak of vesicles in the organ of Corti, and by
{result["references_differ"][1]:.0e} of the cells. Errors below are against CVODE's, the largest over 21 moments, all
places and kinds: time error alone, on one grid. The peers' tolerances are such that about {MATCHED:.0e} is reached;
absolute ones are a tenth of that times each unknown's own scale. otosome's steps are its default: they
grow by {result["growth"]} from {result["first"]:g} h up to {result["longest"]:g} h,
or a tenth of the time since a dose where that is more. A general solver needs a fixed
system, so all have the smooth scheme at every border of the tube here, unlimited.

## One ear, every number at its best value

{table_of(result["single"])}

Of banded CVODE's {band["seconds"]:.3g} s, {band["called"]:.2g} s are spent in {band["rates"]} right-hand sides and
{band["jacobians"]} Jacobians; the rest is band algebra and the square template that scikit-sundae keeps for a banded
Jacobian, {8e-6 * result["unknowns"] ** 2:.0f} MB here. A C program with the packed band would not pay the latter. The
band leaves out what joins all places; the sparse rows have the whole Jacobian. An earlier edition numbered the
vestibule's cells away from the scala they meet, so that the band missed them, Newton's iteration struggled and the
banded peers looked several times slower than they are.
otosome carries this one ear as eight lanes of which seven repeat it.

## A population of {result["population_of"]}

otosome on all of them, block by block; peers on the first {result["sample"]}, in turn with it. There errors are
taken too, against CVODE (sparse) at 1e-8.

{table_of(result["population"])}

## At equal total error

What a user meets is the error of space and time together. Here otosome runs at its default grid and steps, schemes
mixed where fronts are steep. CVODE, at 2e-4, either gets the smooth scheme on the same grid, unlimited, so that some
of its concentrations turn negative; or the plain one on as many places as it needs, at most six times as many. Errors
are against otosome on four times the places with steps half as long.

{equal_table(result["equal"])}

Among others an ear costs otosome {result["equal"]["population"]:.3g} s; the last column is against that.

## A large population

The compared arms of `cisplatin_guinea_pig` at its own grid and knots, all of it from the draw to thresholds:
{many_ears.line(result["study"])}. Of each ear its measures and cells are kept. At this rate of processor time
100,000 ears take {many_ears.minutes(result["study"]):.0f} minutes on {many_ears.WORKERS} free cores;
`python -m tools.benchmark.many_ears` measures it.

## A gradient

The mean share of cells left, by the {len(slope["names"])} numbers that move it most: {slope["seconds"]:.3g} s, or
**{slope["seconds"] / slope["run"]:.1f} forward runs** of one ear ({slope["run"]:.3g} s). Knots never depend on an
ear's numbers, so neighbouring ears differ smoothly and go through as lanes: {len(slope["names"]) + 1} ears are
{-(-(len(slope["names"]) + 1) // LANES)} vectors, where one ear alone fills one. Numbers: {names}.

## Where a step goes

Eight ears, one step of vesicles: {1e6 * shape["step"]:.0f} microseconds.

| part | microseconds |
|---|---|
{parts}

The matrix of the fluids has {shape["entries"]} entries of 64 bytes after fill; {shape["updates"]} updates
eliminate it. A step does {shape["operations"] / 1e6:.1f} million operations and touches {shape["bytes"] / 1e6:.0f} MB:

- {pace:.1f} GFLOP/s, where a plain loop of multiply and add in the first-level cache reaches {shape["peak"] / 1e9:.0f};
- {flow:.0f} GB/s, where such a loop over as many rows as the matrix has moves {shape["stream"] / 1e9:.0f}.

What limits it is how fast the matrix, the stages and the rates come from the second and third cache. Blocks of three
by three, whose nine vectors stay in registers while they are multiplied, took elimination from 274 to 107
microseconds, measured beside each other; tissues as rows of the same matrix made it half as large again and saved an
elimination of their own. Blocks of six by six (three classes, both scalae) had doubled the operations and were no
faster. Neither were two sums instead of one on the way back, another method of the same order (RODASP), or a division
taken out of the loop that combines stages. What joins the scalae to plasma and cerebrospinal fluid is a third of the
fluids' entries; apart from the band it would take as many products in each stage.

Steps are as few as the error allows: growth by a quarter instead of a fifth a step took the thresholds of 16 drawn
ears of `cisplatin_guinea_pig` from 0.07 to 0.23 dB off steps a quarter as long. A first step of 0.05 h is as good as
one of 0.02 h and saves a tenth. Steps are done again, in fours, where the embedded estimate passes a hundredth of the
peak; at two thousandths 16 ears of this benchmark took half as many again, at the same error. To gather ears that do so
from several blocks would save an eighth of what was done then, as most intervals are done again by all eight or by
none. Past events of others a solute goes in longer steps (`docs/transport.md`), which halves those of a study with
many doses.

{rest}## What is not reached

Drawn ears whose vesicles hardly spread have up to a few thousandths of their peak as error of space
(`docs/transport.md`); the best-value ear's is stated with every result.
"""
