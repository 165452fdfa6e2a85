"""Whether the tests bite: ``python -m tools.mutation`` changes a sign, a constant or a branch and runs its tests.

Changes are drawn by a seed from every place of the rooms that compute, each tried alone on a copy of the project. One
that no test notices is a survivor: it is listed in docs/mutation.md, with the reason where somebody has looked at it
(tools/survivors.toml).
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tools.lines import FOLDER as RECORD
from tools.lines import Map

PROJECT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock")
ROOMS = ("model", "lots", "forward", "laboratory", "answers", "fitting", "trials")
REASONS = PROJECT / "tools" / "survivors.toml"
DOCUMENT = PROJECT / "docs" / "mutation.md"
SECONDS = 60.0  # of tests for a mutant, at first and again for whole files
PATIENCE = 180.0  # s beyond ten times what its tests take without a change

_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
}
_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}
_CALLS = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "any": "all", "all": "any"}


@dataclass(frozen=True)
class Mutant:
    """One change: the file below the project, its line and the text of it, what stood there and what stands instead.

    ``within``  whether it stands in the body of a function
    """

    file: str
    line: int
    first: int
    last: int
    before: str
    after: str
    code: str = ""
    within: bool = True

    def applied(self, text: bytes) -> bytes:
        """The file with the change; raises ValueError where it is not the text that the change was drawn from."""
        if text[self.first : self.last] != self.before.encode():
            raise ValueError(f"{self.file} has changed since its mutants were drawn")
        return text[: self.first] + self.after.encode() + text[self.last :]

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: `{self.before}` -> `{self.after}`"


@dataclass(frozen=True)
class Verdict:
    """What its tests said of a mutant: killed, survived or slow (not decided in time), and how many were asked."""

    mutant: Mutant
    state: str
    tests: int
    seconds: float


def mutants(file: Path, root: Path = PROJECT) -> list[Mutant]:
    """Every change of a file, in order; words of messages, annotations and documentation are left alone."""
    raw = file.read_bytes()
    lines, starts = raw.splitlines(keepends=True), [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    changes = []
    tree = ast.parse(raw)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    bodies = [range(node.body[0].lineno, (node.end_lineno or 0) + 1) for node in functions]
    for node in _computing(tree):
        after = _changed(node)
        if after is not None:
            first = starts[node.lineno - 1] + node.col_offset
            last = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
            before = raw[first:last].decode()
            name = file.relative_to(root).as_posix()
            code = lines[node.lineno - 1].decode().strip()
            within = any(node.lineno in body for body in bodies)
            changes.append(Mutant(name, node.lineno, first, last, before, f"({after})", code, within))
    return changes


def _computing(node: ast.AST) -> Iterator[ast.expr]:
    """Expressions that compute: none inside raise, annotations, decorators or text."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or _aside(child):
                continue
            if isinstance(child, ast.expr):
                yield child
            yield from _computing(child)


def _aside(node: ast.AST) -> bool:
    """Whether it says or asserts something and computes nothing; zip asserts equal lengths."""
    return (
        isinstance(node, (ast.Raise, ast.JoinedStr, ast.Assert))
        or (isinstance(node, ast.keyword) and node.arg == "strict")
        or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
    )


def _changed(node: ast.expr) -> str | None:
    """The changed expression as text; None for one that is left alone."""
    for kind, change in _CHANGES:
        if isinstance(node, kind):
            return change(node)
    return None


def _operation(node: ast.BinOp) -> str | None:
    other = _ARITHMETIC.get(type(node.op))
    text = any(isinstance(part, ast.Constant) and isinstance(part.value, str) for part in ast.walk(node))
    return None if other is None or text else ast.unparse(ast.BinOp(node.left, other(), node.right))


def _comparison(node: ast.Compare) -> str | None:
    other = _COMPARISONS.get(type(node.ops[0]))
    return (
        None
        if other is None
        else ast.unparse(ast.Compare(node.left, [other(), *node.ops[1:]], node.comparators))
    )


def _branch(node: ast.BoolOp) -> str:
    return ast.unparse(ast.BoolOp(ast.And() if isinstance(node.op, ast.Or) else ast.Or(), node.values))


def _sign(node: ast.UnaryOp) -> str | None:
    return ast.unparse(node.operand) if isinstance(node.op, (ast.USub, ast.Not, ast.Invert)) else None


def _constant(node: ast.Constant) -> str | None:
    if isinstance(node.value, bool):
        return repr(not node.value)
    if isinstance(node.value, int):
        return repr(node.value + 1)
    if isinstance(node.value, float):
        return repr(1.2 * node.value if node.value else 0.5)
    return None


def _call(node: ast.Call) -> str | None:
    callee = node.func
    name = callee.attr if isinstance(callee, ast.Attribute) else getattr(callee, "id", "")
    other = _CALLS.get(name)
    if other is None:
        return None
    turned = ast.Attribute(callee.value, other) if isinstance(callee, ast.Attribute) else ast.Name(other)
    return ast.unparse(ast.Call(turned, node.args, node.keywords))


_CHANGES: tuple[tuple[type[ast.expr], Callable[..., str | None]], ...] = (
    (ast.BinOp, _operation),
    (ast.Compare, _comparison),
    (ast.BoolOp, _branch),
    (ast.UnaryOp, _sign),
    (ast.Constant, _constant),
    (ast.Call, _call),
)


def draw(count: int, seed: int, rooms: Sequence[str] = ROOMS) -> list[Mutant]:
    """Mutants spread over the rooms in proportion to how many changes each has.

    Each has a rank of its own, by the seed and its text: code that changes elsewhere draws the same ones.
    """
    source = PROJECT / "src" / "otosome"
    every = [m for room in rooms for file in sorted((source / room).rglob("*.py")) for m in mutants(file)]
    seen: Counter[str] = Counter()

    def rank(mutant: Mutant) -> bytes:
        key = _key(mutant)
        seen[key] += 1
        return hashlib.sha256(f"{seed} {seen[key]} {key}".encode()).digest()

    return sorted(every, key=rank)[:count]


class Bench:
    """A copy of the project in which one mutant after another is tried."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("src", "tests", "tools", "docs", "examples"):
            shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in LOCKS:
            shutil.copy(PROJECT / name, folder)
        for name in ("pyproject.toml", "README.md", "CHANGELOG.md", "Makefile", "LICENSE", "CITATION.cff"):
            shutil.copy(PROJECT / name, folder)

    def record(self, lines: Path, workers: int) -> None:
        """Run every test once and keep which lines it ran."""
        lines.mkdir(exist_ok=True)
        self.run(["-n", str(workers), "--dist", "loadfile", "tests"], None, lines)
        if not any(lines.glob("*.json")):
            raise FileNotFoundError(f"{lines}: no test wrote which lines it ran")

    def verdict(self, mutant: Mutant, lines: Map) -> Verdict:
        """Run the tests of a mutant's line, then their whole files, until one fails."""
        file = self.folder / mutant.file
        whole = file.read_bytes()
        began, ran = time.monotonic(), 0
        file.write_bytes(mutant.applied(whole))
        # Numba keeps what it compiled by the file of a function, whatever of other files it took into it.
        compiled = tempfile.mkdtemp(dir=self.folder) if b"numba" in whole else None
        try:
            for tests, seconds in rounds(mutant, lines):
                ran += len(tests)
                # 5: nothing was collected, which tells nothing; any other failure notices the change.
                if self.run(["-x", *tests], PATIENCE + 10 * seconds, None, compiled) not in (0, 5):
                    return Verdict(mutant, "killed", ran, time.monotonic() - began)
        except subprocess.TimeoutExpired:
            return Verdict(mutant, "slow", ran, time.monotonic() - began)
        finally:
            file.write_bytes(whole)
            if compiled:
                shutil.rmtree(compiled, ignore_errors=True)
        return Verdict(mutant, "survived", ran, time.monotonic() - began)

    def run(
        self, words: Sequence[str], most: float | None, lines: Path | None, compiled: str | None = None
    ) -> int:
        """The exit code of pytest; raises subprocess.TimeoutExpired after `most` seconds.

        ``compiled``  a folder for what Numba compiles; the bench's own if left out
        """
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(str(self.folder / name) for name in ("src", "tests", "")),
            "NUMBA_CACHE_DIR": compiled or str(self.folder / "numba"),
            **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"),
            **({RECORD: str(lines)} if lines else {}),
        }
        (self.folder / "tests.txt").write_text("\n".join(words), encoding="utf-8")
        # Plugins are looked for before a file of words is read.
        plugins = ["-p", "no:cacheprovider", *(["-p", "tools.lines"] if lines else [])]
        command = [sys.executable, "-m", "pytest", "-q", *plugins, "@tests.txt"]
        return subprocess.run(
            command, cwd=self.folder, env=environment, timeout=most, capture_output=True
        ).returncode


def rounds(mutant: Mutant, lines: Map) -> Iterator[tuple[list[str], float]]:
    """The quickest tests of a mutant's line, then the files they stand in, each with its seconds without a change.

    First those of files that import its module, or else its package: they ask most of it, and some when they are read.
    """
    near = _near(
        _module(mutant.file), _imported(frozenset(test.partition("::")[0] for test in lines.seconds))
    )
    tests = _tests(mutant, lines, near)
    quick = list(_within(((name, lines.seconds[name]) for name in tests), SECONDS))
    yield [name for name, _ in quick], sum(took for _, took in quick)
    ran = lines.whole(tests)
    beside = lines.whole([test for test in lines.seconds if test.partition("::")[0] in near])
    whole = sorted((ran | beside).items(), key=lambda item: (item[0] not in near, item[0] not in ran))
    for file, took in _within(whole, SECONDS):
        yield [file], took


def _tests(mutant: Mutant, lines: Map, near: Set[str]) -> list[str]:
    """Tests that run its line, the quickest first; of one that leaves no trace, or where none does, those near it.

    What stands in no function is run once, by the first test that imports its module, and tells of no other.
    """
    tests = lines.tests_of(mutant.file, mutant.line if mutant.within else 0)
    if not (mutant.within and lines.traced(mutant.file, mutant.line)):
        known = [t for t, took in lines.seconds.items() if t.partition("::")[0] in near and took < SECONDS]
        beside = sorted(known, key=lambda name: (lines.seconds[name], name))
        tests = list(dict.fromkeys([*beside, *tests]))
    return sorted(tests, key=lambda name: name.partition("::")[0] not in near)


def _within(tests: Iterable[tuple[str, float]], most: float) -> Iterator[tuple[str, float]]:
    """Tests until their seconds are spent; the first always."""
    spent = 0.0
    for name, took in tests:
        spent += took
        if spent > most and spent > took:
            return
        yield name, took


def _module(file: str) -> str:
    parts = Path(file).with_suffix("").parts[1:]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def _imported(files: frozenset[str]) -> dict[str, set[str]]:
    return {name: _imports(PROJECT / name) for name in files}


def _near(module: str, imported: Mapping[str, set[str]]) -> set[str]:
    """The files that import a module or what is below it; where there are none, of the nearest package around it."""
    while module.count("."):
        near = {
            name
            for name, names in imported.items()
            if any(other == module or other.startswith(module + ".") for other in names)
        }
        if near:
            return near
        module = module.rpartition(".")[0]
    return set()


def _imports(file: Path) -> set[str]:
    """The modules of otosome that a test file imports, and the names it takes from packages as modules."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in names if name.startswith("otosome")}


class Verdicts:
    """What is known of mutants, a line of JSON each.

    A kill stands while the file that it changed is the same, and so does a survivor that has a reason.
    """

    def __init__(self, file: Path | None) -> None:
        self.file = file
        text = file.read_text(encoding="utf-8").splitlines() if file and file.exists() else ()
        rows = [json.loads(row) for row in text]
        self.known = {row["mutant"]: row for row in rows}
        self.earliest = {row["place"]: row["state"] for row in reversed(rows)}

    def of(self, mutant: Mutant) -> Verdict | None:
        """What stands of a mutant."""
        row = self.known.get(_name(mutant))
        if row and (row["state"] == "killed" or (row["state"] == "survived" and place(mutant) in reasons())):
            return Verdict(mutant, row["state"], row["tests"], row["seconds"])
        return None

    def first(self, mutant: Mutant) -> str | None:
        """What its tests said of a mutant when it was tried first, whatever its file was like then."""
        return self.earliest.get(place(mutant))

    def add(self, verdict: Verdict) -> None:
        """Write it at once: an interrupted run loses no other."""
        self.earliest.setdefault(place(verdict.mutant), verdict.state)
        if self.file:
            row = {"mutant": _name(verdict.mutant), "place": place(verdict.mutant), "state": verdict.state}
            row |= {"tests": verdict.tests, "seconds": round(verdict.seconds, 1)}
            with self.file.open("a", encoding="utf-8", newline="\n") as text:
                text.write(json.dumps(row) + "\n")


def _name(mutant: Mutant) -> str:
    """A mutant with its place and the hash of its file."""
    whole = hashlib.sha256((PROJECT / mutant.file).read_bytes()).hexdigest()[:16]
    return f"{whole} {mutant.first} {_key(mutant)}"


def tried(
    changes: Sequence[Mutant],
    workers: int,
    record: Path | None,
    verdicts: Verdicts,
    say: Callable[[str], None],
) -> list[Verdict]:
    """The verdict on each mutant, on as many copies of the project as there are workers."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        benches = [Bench(_new(Path(folder) / str(k))) for k in range(workers)]
        record = record or Path(folder) / "lines"
        if not record.exists():
            benches[0].record(record, workers)
        lines = Map.read(record)
        say(f"{len(lines.seconds)} tests recorded")

        def share(k: int) -> list[Verdict]:
            part = []
            for mutant in changes[k::workers]:
                verdict = verdicts.of(mutant)
                if verdict is None:
                    verdict = benches[k].verdict(mutant, lines)
                    verdicts.add(verdict)
                part.append(verdict)
                say(f"{verdict.state:8} {verdict.seconds:4.0f} s  {mutant}")
            return part

        return [verdict for part in pool.map(share, range(workers)) for verdict in part]


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


@cache
def reasons() -> dict[str, str]:
    """Why a survivor changes nothing that a test could see, by its :func:`place`."""
    if not REASONS.exists():
        return {}
    return {str(key): str(text) for key, text in tomllib.loads(REASONS.read_text(encoding="utf-8")).items()}


def place(mutant: Mutant) -> str:
    """A change and the line that it stands in, without the line's number."""
    return f"{_key(mutant)} in {mutant.code}"


def _key(mutant: Mutant) -> str:
    return f"{mutant.file}: {mutant.before} -> {mutant.after}"


@dataclass(frozen=True)
class Draw:
    """The verdicts on the mutants of a seed, and what was said of those that were tried before: (mutant,)."""

    seed: int
    verdicts: Sequence[Verdict]
    first: Sequence[str | None]


def document(draws: Sequence[Draw]) -> str:
    """The score of each room and every survivor of some draws, as Markdown."""
    lines = [
        "# Do the tests bite?",
        "",
        "`python -m tools.mutation` changes one sign, constant, comparison or branch of the code at a time, drawn by "
        "a seed from every place of the rooms that compute. It runs the tests that run this line, a minute of the "
        "quickest, those first that import its module, then a minute of their whole files; a change that none "
        "notices survives. Tests are then written "
        "for what survived, or the code is deleted, or the reason stands beside it. How many were killed at the first "
        "try, before anybody had looked at them, is the fair score of all other code.",
    ]
    return "\n".join([*lines, *(line for drawn in draws for line in _section(drawn))]) + "\n"


def _section(drawn: Draw) -> list[str]:
    why, every = reasons(), drawn.verdicts
    lines = [
        "",
        f"## {len(every)} changes drawn by seed {drawn.seed}",
        "",
        "| room | changes | killed | survived | not decided in time |",
        "|---|---:|---:|---:|---:|",
    ]
    for room in (*ROOMS, ""):
        part = [v for v in every if v.mutant.file.startswith(f"src/otosome/{room}")]
        if part:
            lines.append(f"| {room or '**all**'} | {len(part)} | {_counted([v.state for v in part])} |")
    known = [state for state in drawn.first if state]
    if len(known) == len(every):
        lines.append(f"| at the first try | {len(known)} | {_counted(known)} |")
    lines += ["", "What survives:", ""]
    return lines + (
        [
            f"- {' '.join(str(v.mutant).split())}  {why.get(place(v.mutant), 'not looked at')}"
            for v in every
            if v.state == "survived"
        ]
        or ["Nothing."]
    )


def _counted(states: Sequence[str]) -> str:
    return " | ".join(str(states.count(state)) for state in ("killed", "survived", "slow"))


def main(words: Sequence[str] | None = None) -> int:
    """Try mutants and print the score; 1 where fewer than 90 % of those without a reason are killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, nargs="+", default=[200], help="mutants of each seed")
    parser.add_argument("--seed", type=int, nargs="+", default=[1])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--lines", type=Path, help="a folder for the record of which tests run which lines")
    parser.add_argument(
        "--verdicts", type=Path, help="a file of verdicts: a kill stands while its file is the same"
    )
    parser.add_argument("--rooms", nargs="*", default=ROOMS, choices=ROOMS)
    parser.add_argument("--write", action="store_true", help="write docs/mutation.md")
    chosen = parser.parse_args(words)
    if len(chosen.count) != len(chosen.seed):
        parser.error("as many counts as seeds")
    known = Verdicts(chosen.verdicts)
    parts = [draw(count, seed, chosen.rooms) for count, seed in zip(chosen.count, chosen.seed, strict=True)]
    changes = list(dict.fromkeys(mutant for part in parts for mutant in part))
    verdicts = tried(changes, chosen.workers, chosen.lines, known, lambda line: print(line, flush=True))
    of = {verdict.mutant: verdict for verdict in verdicts}
    text = document(
        [
            Draw(seed, [of[m] for m in part], [known.first(m) for m in part])
            for seed, part in zip(chosen.seed, parts, strict=True)
        ]
    )
    print(text)
    if chosen.write:
        DOCUMENT.write_text(text, encoding="utf-8", newline="\n")
    return 0 if bites(verdicts, reasons()) else 1


def bites(verdicts: Sequence[Verdict], why: Mapping[str, str]) -> bool:
    """Whether 90 % are killed of those that were decided and have no reason to survive."""
    counted = [v for v in verdicts if v.state != "slow" and place(v.mutant) not in why]
    return sum(v.state == "killed" for v in counted) >= 0.9 * len(counted)


if __name__ == "__main__":
    sys.exit(main())
