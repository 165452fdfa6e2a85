"""The driver of mutations: each is one change of what computes, and nothing else of the file moves."""

from __future__ import annotations

import ast
import math
from dataclasses import replace
from pathlib import Path

import pytest

from otosome import units
from tools import mutation
from tools.lines import Map

PROJECT = Path(__file__).parents[1]
TEXT = '''"""A module of 3 constants."""
from __future__ import annotations
LIMIT = 2.5

def scaled(value: "float" = -1.0, *, whole: bool = True) -> float:
    """The value, 7 times."""
    if value < LIMIT and whole:
        raise ValueError(f"{value + 1} is below {LIMIT}, by 4")
    for value in zip([LIMIT], strict=True):
        assert value > 8
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


def test_a_change_knows_whether_it_stands_in_the_body_of_a_function(tmp_path):
    file = tmp_path / "module.py"
    file.write_text("A = 2\n\n\ndef f(x=3):\n    return x + 4\n\n\nclass B:\n    b = 5\n", encoding="utf-8")
    assert {m.before: m.within for m in mutation.mutants(file, tmp_path)} == {
        "2": False,
        "3": False,
        "x + 4": True,
        "4": True,
        "5": False,
    }


def test_a_draw_is_the_same_for_one_seed_and_of_different_places():
    drawn = mutation.draw(40, 3, ["lots"])
    assert drawn == mutation.draw(40, 3, ["lots"])
    assert len({(m.file, m.first, m.last, m.after) for m in drawn}) == 40
    assert all(m.file.startswith("src/otosome/lots/") for m in drawn)


def test_code_that_changes_elsewhere_draws_the_same_mutants():
    both = mutation.draw(400, 3, ["lots", "answers"])
    lots = [m for m in both if m.file.startswith("src/otosome/lots/")]
    assert 0 < len(lots) < 400
    assert lots == mutation.draw(len(lots), 3, ["lots"])


def test_a_kill_stands_while_its_file_is_the_same_and_a_survivor_is_tried_again(tmp_path, monkeypatch):
    monkeypatch.setattr(mutation, "PROJECT", tmp_path)
    source = tmp_path / "x.py"
    source.write_text("a = 2\nb = 3\n", encoding="utf-8")
    two, three = mutation.mutants(source, tmp_path)
    file = tmp_path / "verdicts.jsonl"
    verdicts = mutation.Verdicts(file)
    verdicts.add(mutation.Verdict(two, "survived", 2, 1.0))
    verdicts.add(mutation.Verdict(two, "killed", 7, 1.5))
    verdicts.add(mutation.Verdict(three, "survived", 4, 2.0))
    assert mutation.Verdicts(file).of(two) == mutation.Verdict(two, "killed", 7, 1.5)
    assert mutation.Verdicts(file).of(three) is None
    monkeypatch.setattr(mutation, "reasons", lambda: {mutation.place(three): "Nothing reads it."})
    assert mutation.Verdicts(file).of(three) == mutation.Verdict(three, "survived", 4, 2.0)
    assert [mutation.Verdicts(file).first(m) for m in (two, three)] == ["survived", "survived"]
    source.write_text("a = 2\nb = 4\n", encoding="utf-8")
    again, _ = mutation.mutants(source, tmp_path)
    assert mutation.Verdicts(file).of(again) is None
    assert mutation.Verdicts(file).first(again) == "survived"
    assert mutation.Verdicts(None).of(two) is None


def test_the_quickest_tests_of_a_line_come_first_then_their_files_and_time_is_bounded(monkeypatch):
    seconds = {
        "tests/a.py::one": 3.0,
        "tests/a.py::two": 1.0,
        "tests/b.py::three": 58.0,
        "tests/b.py::four": 2.0,
    }
    monkeypatch.setattr(mutation, "_imported", lambda files: {name: set() for name in files})
    lines = Map(
        {"src/otosome/x.py": {3: {"tests/a.py::one", "tests/a.py::two", "tests/b.py::three"}}}, seconds
    )
    mutant = mutation.Mutant("src/otosome/x.py", 3, 0, 1, "2", "(3)")
    assert list(mutation.rounds(mutant, lines)) == [
        (["tests/a.py::two", "tests/a.py::one"], 4.0),
        (["tests/a.py"], 4.0),
    ]
    # A file that imports the module asks most of it; a slow one is asked whole all the same.
    monkeypatch.setattr(mutation, "_imported", lambda _: {"tests/b.py": {"otosome.x"}})
    assert list(mutation.rounds(mutant, lines)) == [
        (["tests/b.py::three", "tests/a.py::two"], 59.0),
        (["tests/b.py"], 60.0),
    ]
    # What a file computes while it is read is of none of its tests.
    monkeypatch.setattr(mutation, "_imported", lambda _: {"tests/c.py": {"otosome.x"}})
    lines.seconds["tests/c.py::five"] = 1.0
    assert list(mutation.rounds(mutant, lines))[1:] == [(["tests/c.py"], 1.0), (["tests/a.py"], 4.0)]


def test_a_line_that_only_imports_run_has_the_tests_of_its_file_and_a_failing_test_tells_nothing():
    seconds = {"tests/a.py::one": 3.0, "tests/a.py::two": math.inf}
    lines = Map({"src/otosome/x.py": {3: {"tests/a.py::one", "tests/a.py::two"}, 1: set()}}, seconds)
    assert lines.tests_of("src/otosome/x.py", 1) == ["tests/a.py::one"]
    assert lines.whole(["tests/a.py::one"]) == {}


def test_a_line_that_only_imports_run_has_the_tests_first_that_name_its_module():
    """A test that reads a constant runs no line of its module."""
    names = [f"tests/{name}" for name in ("test_potency_laws.py::b", "test_mutation.py::a")]
    lines = Map({"src/otosome/lots/potency.py": {30: {names[1]}, 3: set()}}, {names[0]: 2.0, names[1]: 1.0})
    mutant = mutation.Mutant("src/otosome/lots/potency.py", 3, 0, 1, "2", "(3)")
    assert next(mutation.rounds(mutant, lines)) == (names, 3.0)
    assert next(mutation.rounds(replace(mutant, line=30), lines)) == (names[1:], 1.0)
    # What stands in no function is run by the test that happens to import it first.
    assert next(mutation.rounds(replace(mutant, line=30, within=False), lines)) == (names, 3.0)


def test_a_module_that_leaves_no_trace_has_the_tests_that_import_it():
    lines = Map({}, {"tests/test_mutation.py::a": 1.0, "tests/test_potency_laws.py::b": 1.0})
    mutant = mutation.Mutant("src/otosome/lots/potency.py", 3, 0, 1, "2", "(3)")
    assert next(mutation.rounds(mutant, lines)) == (["tests/test_potency_laws.py::b"], 1.0)


@pytest.mark.parametrize(
    ("text", "compiled"), [("from numba import njit\na = 2\n", True), ("a = 2\n", False)]
)
def test_a_change_of_what_is_compiled_is_compiled_anew_and_kept_for_no_other(
    tmp_path, monkeypatch, text, compiled
):
    file = tmp_path / "x.py"
    file.write_text(text, encoding="utf-8")
    (mutant,) = mutation.mutants(file, tmp_path)
    bench = mutation.Bench.__new__(mutation.Bench)
    bench.folder, caches = tmp_path, []

    def run(words, most, lines, compiled_in=None):
        assert file.read_text(encoding="utf-8") == text.replace("2", "(3)")
        assert (compiled_in is not None and Path(compiled_in).is_dir()) is compiled
        caches.append(compiled_in)
        return 0

    monkeypatch.setattr(bench, "run", run)
    monkeypatch.setattr(mutation, "rounds", lambda *_: [(["tests/a.py::one"], 1.0), (["tests/a.py"], 1.0)])
    assert bench.verdict(mutant, Map()).state == "survived"
    assert file.read_text(encoding="utf-8") == text
    assert len(caches) == 2
    assert not compiled or not Path(caches[0]).exists()


SAMPLE = """
import pytest
from otosome import units

def test_reads():
    assert units.convert(2.0, "mL", "uL") == 2000.0

def test_breaks():
    units.convert(2.0, "mL", "uL")
    pytest.fail("without a change")

def test_idles():
    pass
"""


@pytest.mark.parametrize("words", [[], ["-n", "1"]])
def test_a_process_of_tests_records_which_lines_each_test_ran(tmp_path, words):
    (tmp_path / "test_sample.py").write_text(SAMPLE, encoding="utf-8")
    bench = mutation.Bench.__new__(mutation.Bench)
    bench.folder = tmp_path
    for name in ("src", "tools"):
        (tmp_path / name).symlink_to(PROJECT / name)
    assert bench.run([*words, "test_sample.py"], 100, tmp_path) == 1
    lines = Map.read(tmp_path)
    body = units.convert.__code__.co_firstlineno + 1
    ran = {line for line, tests in lines.lines["src/otosome/units.py"].items() if tests}
    assert any(body <= line < body + 13 for line in ran)
    assert all(lines.tests_of("src/otosome/units.py", line) == ["test_sample.py::test_reads"] for line in ran)


def test_the_document_counts_each_room_and_lists_who_survived():
    one = mutation.Mutant("src/otosome/lots/a.py", 3, 0, 1, "2", "(3)")
    two = mutation.Mutant("src/otosome/model/b.py", 4, 0, 1, "+", "(-)")
    verdicts = [mutation.Verdict(one, "killed", 1, 1.0), mutation.Verdict(two, "survived", 1, 1.0)]
    text = mutation.document([mutation.Draw(1, verdicts, ["survived", "survived"])])
    assert "## 2 changes drawn by seed 1" in text
    assert "| at the first try | 2 | 0 | 2 | 0 |" in text
    assert "first try |" not in mutation.document([mutation.Draw(1, verdicts, ["survived", None])])
    assert "| lots | 1 | 1 | 0 | 0 |" in text
    assert "| **all** | 2 | 1 | 1 | 0 |" in text
    assert text.count("\n- ") == 1
    assert "src/otosome/model/b.py:4: `+` -> `(-)`" in text


def test_a_change_of_another_text_is_refused(changes):
    raw, every = changes
    with pytest.raises(ValueError, match="has changed since"):
        every[0].applied(b"# a line before it\n" + raw)


def test_every_reason_is_of_a_change_that_the_code_still_has():
    for key in mutation.reasons():
        file = key.partition(": ")[0]
        assert key in {mutation.place(mutant) for mutant in mutation.mutants(PROJECT / file)}, key


def test_nine_of_ten_that_were_decided_and_have_no_reason_to_survive_must_be_killed():
    one = mutation.Mutant("src/otosome/lots/a.py", 3, 0, 1, "2", "(3)")
    states = ["killed"] * 9 + ["survived"]
    verdicts = [mutation.Verdict(one, state, 1, 1.0) for state in states]
    odd = mutation.Verdict(
        mutation.Mutant("src/otosome/lots/b.py", 3, 0, 1, "2", "(3)", "n = 2"), "survived", 1, 1.0
    )
    slow = mutation.Verdict(one, "slow", 1, 1.0)
    assert mutation.bites([*verdicts, slow], {})
    assert not mutation.bites([*verdicts, odd], {})
    assert mutation.bites([*verdicts, odd], {"src/otosome/lots/b.py: 2 -> (3) in n = 2": "The same number."})
    # The same change in another line has no reason.
    assert not mutation.bites(
        [*verdicts, odd], {"src/otosome/lots/b.py: 2 -> (3) in m = 2": "The same number."}
    )
