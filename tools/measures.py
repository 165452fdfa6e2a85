"""What is measured of the code itself: ``python -m tools.measures`` prints it, tests/test_measures.py holds it.

Complexity of a function is 1, and 1 for each branch, loop, handler, conditional expression, comprehension (with its
conditions) and further term of an ``and`` or ``or``; a function inside another counts on its own.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "otosome"
VAGUE = frozenset("told made found given said kept one held seen met asked".split())
COMPLEX = 15
_BRANCHES = (ast.If, ast.For, ast.While, ast.IfExp, ast.ExceptHandler, ast.match_case)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(frozen=True)
class Module:
    """A file of the package: its name with dots, its text and its tree."""

    name: str
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        """How many lines it has."""
        return len(self.text.splitlines())


def modules(root: Path = SOURCE) -> list[Module]:
    """Every Python file below a folder, in order."""
    read = ((file, file.read_text(encoding="utf-8")) for file in sorted(root.rglob("*.py")))
    return [Module(_dotted(file.relative_to(root)), text, ast.parse(text)) for file, text in read]


def _dotted(file: Path) -> str:
    parts = file.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def entries(root: Path = SOURCE) -> list[str]:
    """What stands in a package's root, without what Python itself asks for there."""
    own = ("__", ".", "py.typed")
    return sorted(path.name for path in root.iterdir() if not path.name.startswith(own))


def inside(function: ast.AST) -> Iterator[ast.AST]:
    """Every node of a function, without those of functions defined in it; a lambda belongs to its function."""
    for node in ast.iter_child_nodes(function):
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from inside(node)


def complexity(function: ast.AST) -> int:
    """How many ways lead through a function."""
    count = 1
    for node in inside(function):
        if isinstance(node, _BRANCHES):
            count += 1
        elif isinstance(node, ast.comprehension):
            count += 1 + len(node.ifs)
        elif isinstance(node, ast.BoolOp):
            count += len(node.values) - 1
    return count


def functions(every: Iterable[Module]) -> dict[str, int]:
    """Complexity of every function, by module and name."""
    return {
        f"{module.name}:{node.name}:{node.lineno}": complexity(node)
        for module in every
        for node in ast.walk(module.tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }


def anys(every: Iterable[Module]) -> int:
    """How often a type is left open by ``Any``; its import is not counted."""
    return sum(
        isinstance(node, ast.Name) and node.id == "Any" for module in every for node in ast.walk(module.tree)
    )


def unformatted(every: Iterable[Module]) -> int:
    """How often the formatter is sent away."""
    return sum(len(re.findall(r"# fmt: (?:skip|off)", module.text)) for module in every)


def names(module: Module) -> Iterator[str]:
    """Every name a module binds: its own, of functions, parameters, variables and attributes, once a binding."""
    yield module.name.rpartition(".")[2]
    for node in ast.walk(module.tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case (
                ast.arg(arg=name)
                | ast.Name(id=name, ctx=ast.Store())
                | ast.Attribute(attr=name, ctx=ast.Store())
            ):
                yield name
            case (
                ast.alias(asname=str(name)) | ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name))
            ):
                yield name


def vague(every: Iterable[Module]) -> dict[str, int]:
    """How many names of each module say nothing of what they are."""
    counts = {module.name: sum(name.strip("_") in VAGUE for name in names(module)) for module in every}
    return {name: count for name, count in counts.items() if count}


def imports(module: Module, known: frozenset[str]) -> set[str]:
    """The modules of the package that a module imports when it is itself imported."""
    targets = (target for node in _at_import(module.tree) for target in _targets(node))
    return {name for target in targets for name in [_longest(target, known)] if name and name != module.name}


def _at_import(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
        elif not isinstance(node, _FUNCTIONS) and not _only_types(node):
            yield from _at_import(node)


def _only_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _targets(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    else:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _longest(target: str, known: frozenset[str]) -> str:
    """The module that a dotted name leads to; empty where it is of another package."""
    parts = target.split(".")[1:] if target.startswith("otosome.") else []
    ends = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((name for name in ends if name in known), "")


def cycles(every: list[Module]) -> list[list[str]]:
    """Modules that import each other, directly or round about; each group once."""
    known = frozenset(module.name for module in every)
    to = {module.name: imports(module, known) for module in every}
    reach = {name: _reached(name, to) for name in to}
    groups = {frozenset(other for other in reach[name] if name in reach[other]) for name in to}
    return [sorted(group) for group in groups if len(group) > 1]


def _reached(start: str, to: dict[str, set[str]]) -> set[str]:
    """Every module that is imported by way of one."""
    reached: set[str] = set()
    ahead = [start]
    while ahead:
        fresh = to[ahead.pop()] - reached
        reached |= fresh
        ahead += fresh
    return reached


def measures(every: list[Module]) -> dict[str, float]:
    """The figures that only fall."""
    lines = sum(module.lines for module in every)
    return {
        "functions over 15": sum(count > COMPLEX for count in functions(every).values()),
        "Any per 1,000 lines": 1000 * anys(every) / lines,
        "fmt: skip": unformatted(every),
        "import cycles": len(cycles(every)),
        "vague names": sum(vague(every).values()),
    }


def main() -> None:
    """Print every measure, and what to mend first."""
    every = modules()
    root = entries()
    print(f"{len(root)} entries in the root: {' '.join(root)}")
    for name, value in measures(every).items():
        print(f"{name}: {value:.4g}")
    for group in cycles(every):
        print(f"  a cycle: {' '.join(group)}")
    print("functions over 15:")
    for name, count in sorted(functions(every).items(), key=lambda item: -item[1]):
        if count > COMPLEX:
            print(f"  {count:>3} {name}")
    print("vague names, by module:")
    for name, count in sorted(vague(every).items(), key=lambda item: -item[1])[:15]:
        print(f"  {count:>3} {name}")
    print("longest modules:")
    for module in sorted(every, key=lambda module: -module.lines)[:10]:
        print(f"  {module.lines:>4} {module.name}")


if __name__ == "__main__":
    main()
