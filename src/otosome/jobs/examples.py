"""What a person types: examples of every verb, and the names that a shell completes."""

from __future__ import annotations

from pathlib import Path

# By verb, a command and what it does; "" is of the program itself.
EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "": (
        ("otosome run cisplatin_guinea_pig --subjects 40", "a shipped study, in less than a minute"),
        ("otosome list studies", "the others"),
        ("otosome new study", "one of your own"),
    ),
    "run": (
        ("otosome run cisplatin_guinea_pig --subjects 40", "a first look at a shipped study"),
        ("otosome run my_study.toml --against results/import", "your study, with your readings over it"),
        ("otosome run my_study.toml --batch lot_7.toml", "the same with your lot"),
    ),
    "compare": (("otosome compare compare_moderate_loss --subjects 40", "aid, vesicles and both"),),
    "measure": (
        (
            'otosome measure results/noise_mouse --endpoint abr_threshold --at "14 d" --frequency "16 kHz"',
            "another tone, from the cells the result keeps",
        ),
    ),
    "trial": (
        ("otosome trial my_trial.toml --formula", "how many animals, in a second"),
        ("otosome trial my_trial.toml", "its [simulate] too: how likely success is, and with how many"),
        ("otosome trial one.toml other.toml --workers 4", "two designs, simulated side by side"),
    ),
    "optimise": (("otosome optimise my_dose.toml", "the dose within the limits of the file"),),
    "ledger": (("otosome ledger cisplatin_guinea_pig --subjects 40", "where every vesicle goes"),),
    "next": (
        ("otosome next noise_mouse --subjects 40", "which experiment to do next, and the cheapest like it"),
    ),
    "new": (
        ("otosome new study", "my_study.toml, which runs as it is"),
        ("otosome new animals exports/", "a sheet with the animals of these files, to fill in"),
        ("otosome new fit --from results/import", "a study and a fit of imported groups"),
        ("otosome new case hearing", "a published experiment on hearing; new case alone, of a drug"),
        ("otosome new batch nta.csv plate.csv", "the record of a lot from its files"),
    ),
    "import": (
        ("otosome import exports/", "every file of a folder into one table"),
        ("otosome import exports/ --animals animals.csv", "with groups, doses and day 0"),
    ),
    "fit": (
        ("otosome fit fit.toml", "intervals, and what the data cannot tell"),
        ("otosome fit gentamicin_rat_plasma", "a fit of the shelves, run again"),
    ),
    "quality": (
        ("otosome quality lot_7.toml", "release, refuse or cannot decide"),
        ("otosome quality lot_7.toml --history earlier_lots", "the same beside earlier lots"),
        ("otosome quality --process vertical_wheel_adipose", "what a process makes"),
    ),
    "list": (("otosome list", "the shelves"), ("otosome list insults", "what is on one")),
    "sources": (("otosome sources noise_mouse", "its papers, and what is only assumed"),),
    "equations": (("otosome equations noise_mouse", "states, numbers and units, as text and LaTeX"),),
    "show": (("otosome show results/noise_mouse", "what a result says"),),
    "qualify": (("otosome qualify pk:A1 --worlds 10", "one published case, quickly"),),
    "check": (("otosome check results/*", "whether they still stand on the evidence"),),
    "changes": (("otosome changes results/old results/new", "what changed, and what moved"),),
    "claims": (("otosome claims dose --ears 10", "one claim, quickly"),),
    "review": (
        ("otosome review hearing", "thresholds in all published experiments"),
        ("otosome review hearing --only product=vesicles", "of vesicles alone"),
    ),
    "open": (
        ("otosome open", "this folder as a page in the browser"),
        ("otosome open my_studies --no-browser", "another folder; the address is printed"),
    ),
    "forecast": (("otosome forecast", "what is expected, and how earlier forecasts did"),),
    "ingest": (("otosome ingest abstract.txt --name my_paper", "a draft of an experiment, to be read"),),
}


def examples(verb: str = "") -> str | None:
    """The examples of a verb as its help shows them, None where it has none; of the whole program without one."""
    if verb not in EXAMPLES:
        return None
    lines = [f"  {command}\n      {does}" for command, does in EXAMPLES[verb]]
    # A lone backspace keeps the lines of a paragraph as they are.
    return "\b\nExamples:\n" + "\n".join(lines)


def studies_like(begun: str) -> list[str]:
    """What a shell may complete where a study is asked: shipped ones by name, and files and folders."""
    from otosome.study.files import studies

    return [name for name in studies() if name.startswith(begun)] + files_like(begun)


def shelves_like(begun: str) -> list[str]:
    """The shelves that begin so."""
    from otosome.catalog import SHELVES

    return [name for name in [*SHELVES, "studies", "fits"] if name.startswith(begun)]


def files_like(begun: str) -> list[str]:
    """Study files and folders that begin so, relative as they were begun; a folder ends in a slash."""
    folder, _, stem = begun.rpartition("/")
    try:
        there = sorted(Path(folder or ("/" if begun.startswith("/") else ".")).iterdir())
    except OSError:
        return []
    before = f"{folder}/" if "/" in begun else ""
    return [
        f"{before}{path.name}" + ("/" if path.is_dir() else "")
        for path in there
        if path.name.startswith(stem) and (path.is_dir() or path.suffix == ".toml")
    ]
