"""The code keeps its measures, and each measure sees what it is there to see."""

from __future__ import annotations

import ast

import pytest

from tools.measures import (
    Module,
    anys,
    complexity,
    cycles,
    entries,
    functions,
    measures,
    modules,
    names,
    vague,
)

# Only ever made smaller.
CEILINGS = {
    "functions over 15": 0,
    "Any per 1,000 lines": 4.2,
    "fmt: skip": 2,
    "import cycles": 0,
    "vague names": 17,
}
# Without what Python itself asks for there; the page was the last room to come.
ROOT_ENTRIES = 23


def module(text: str, name: str = "room.module") -> Module:
    return Module(name, text, ast.parse(text))


@pytest.fixture(scope="module")
def every():
    """Every module, read by whoever runs these tests and not by all who collect them."""
    return modules()


@pytest.fixture(scope="module")
def measured(every):
    return measures(every)


@pytest.mark.parametrize("measure", CEILINGS)
def test_a_measure_never_rises(measured, measure):
    assert measured[measure] <= CEILINGS[measure]


def test_the_command_line_only_parses_and_prints(every):
    """What a verb does stands in jobs, which a notebook and a page call too."""
    lines = {m.name: m.text.count("\n") for m in every if f"{m.name}.".startswith("cli.")}
    assert 200 < sum(lines.values()) < 450, lines


def test_a_stranger_meets_few_entries_in_the_root():
    assert len(entries()) <= ROOT_ENTRIES


@pytest.mark.parametrize(
    ("body", "ways"),
    [
        ("return 1", 1),
        ("if a: return 1\n    elif b: return 2\n    else: return 3", 3),
        ("for x in a:\n        while x: x = x - 1", 3),
        ("return a and b or c", 3),
        ("return [x if x else 0 for x in a if x if b]", 5),
        ("try: return a\n    except OSError: return b\n    except ValueError: return c", 3),
        ("return lambda x: x if a else b", 2),
        ("def inner(x):\n        return x if x else 0\n    return inner", 1),
    ],
)
def test_complexity_counts_the_ways_through_a_function(body, ways):
    (function,) = ast.parse(f"def f(a, b, c):\n    {body}\n").body
    assert complexity(function) == ways


def test_a_function_inside_another_counts_on_its_own():
    nested = module("def f(a):\n    def g(b):\n        return b if b else a\n    return g\n")
    assert sorted(functions([nested]).values()) == [1, 2]


def test_any_is_counted_where_it_is_used_and_not_where_it_is_imported():
    assert anys([module("from typing import Any\ndef f(a: Any, b: dict[str, Any]) -> int: return 1\n")]) == 2


def test_a_vague_name_is_seen_wherever_it_is_bound():
    text = """
import json as made
class A:
    told: int
    def given(self, kept):
        self.seen = kept
        with open(kept) as held:
            found, y = kept, held
        return [one for one in y]
"""
    assert vague([module(text, "room.asked")]) == {"room.asked": 9}
    assert "kept" in set(names(module(text)))


def test_modules_that_import_each_other_are_a_cycle_unless_only_when_called():
    a = module("from otosome.b import x\n", "a")
    assert cycles([a, module("import otosome.a\n", "b")]) == [["a", "b"]]
    assert cycles([a, module("def f():\n    import otosome.a\n", "b")]) == []
    types = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import otosome.a\n"
    assert cycles([a, module(types, "b")]) == []
