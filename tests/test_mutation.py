"""The driver of mutations: each is one change of what computes, and nothing else of the file moves."""

from __future__ import annotations

import ast

import pytest

from tools import mutation

TEXT = '''"""A module of 3 constants."""
from __future__ import annotations
LIMIT = 2.5

def scaled(value: "float" = -1.0, *, whole: bool = True) -> float:
    """The value, 7 times."""
    if value < LIMIT and whole:
        raise ValueError(f"{value + 1} is below {LIMIT}, by 4")
    return max(value, \u00fc == value) * 7 + 1
'''
CHANGES = {
    "2.5": "3.0",
    "-1.0": "1.0",
    "1.0": "1.2",
    "True": "False",
    "value < LIMIT and whole": "value < LIMIT or whole",
    "value < LIMIT": "value >= LIMIT",
    "max(value, \u00fc == value) * 7": "max(value, \u00fc == value) / 7",
    "max(value, \u00fc == value)": "min(value, \u00fc == value)",
    "\u00fc == value": "\u00fc != value",
    "7": "8",
    "1": "2",
}


@pytest.fixture
def changes(tmp_path):
    file = tmp_path / "module.py"
    file.write_text(TEXT, encoding="utf-8")
    return file.read_bytes(), mutation.mutants(file, tmp_path)


def test_what_computes_is_changed_and_messages_types_and_documentation_are_not(changes):
    _, every = changes
    got = {ast.unparse(ast.parse(m.before)): ast.unparse(ast.parse(m.after)) for m in every}
    assert got == CHANGES | {"max(value, \u00fc == value) * 7 + 1": "max(value, \u00fc == value) * 7 - 1"}


def test_a_change_touches_its_own_place_alone(changes):
    raw, every = changes
    for mutant in every:
        changed = mutant.applied(raw)
        assert changed.startswith(raw[: mutant.first])
        assert changed.endswith(raw[mutant.last :])
        assert raw[mutant.first : mutant.last].decode() == mutant.before
        assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(raw))


def test_a_draw_is_the_same_for_one_seed_and_of_different_places():
    drawn = mutation.draw(40, 3, ["lots"])
    assert drawn == mutation.draw(40, 3, ["lots"])
    assert len({(m.file, m.first, m.last, m.after) for m in drawn}) == 40
    assert all(m.file.startswith("src/otosome/lots/") for m in drawn)


@pytest.mark.parametrize(
    ("module", "first"),
    [
        ("src/otosome/lots/potency.py", "tests/test_potency_laws.py"),
        ("src/otosome/model/injury.py", "tests/test_injury.py"),
        ("src/otosome/model/transport/move.py", "tests/test_transport_moves.py"),
    ],
)
def test_the_tests_of_a_module_are_those_that_import_it_or_bear_its_name(module, first):
    tests = mutation.tests_of(module)
    assert tests[0] == first
    assert 1 <= len(tests) <= mutation.MOST_FILES


def test_the_document_counts_each_room_and_lists_who_survived():
    one = mutation.Mutant("src/otosome/lots/a.py", 3, 0, 1, "2", "(3)")
    two = mutation.Mutant("src/otosome/model/b.py", 4, 0, 1, "+", "(-)")
    verdicts = [mutation.Verdict(one, "killed", (), 1.0), mutation.Verdict(two, "survived", (), 1.0)]
    text = mutation.document(verdicts, 1)
    assert "| lots | 1 | 1 | 0 | 0 |" in text
    assert "| **all** | 2 | 1 | 1 | 0 |" in text
    assert text.count("\n- ") == 1
    assert "src/otosome/model/b.py:4: `+` -> `(-)`" in text


def test_a_change_of_another_text_is_refused(changes):
    raw, every = changes
    with pytest.raises(ValueError, match="has changed since"):
        every[0].applied(b"# a line before it\n" + raw)


def test_nine_of_ten_that_were_decided_and_have_no_reason_to_survive_must_be_killed():
    one = mutation.Mutant("src/otosome/lots/a.py", 3, 0, 1, "2", "(3)")
    states = ["killed"] * 9 + ["survived"]
    verdicts = [mutation.Verdict(one, state, (), 1.0) for state in states]
    odd = mutation.Verdict(mutation.Mutant("src/otosome/lots/b.py", 3, 0, 1, "2", "(3)"), "survived", (), 1.0)
    slow = mutation.Verdict(one, "slow", (), 1.0)
    assert mutation.bites([*verdicts, slow], {})
    assert not mutation.bites([*verdicts, odd], {})
    assert mutation.bites([*verdicts, odd], {"src/otosome/lots/b.py: 2 -> (3)": "The same number."})
